"""Google's token endpoint that does not answer within a run, or answers with a proxy's page: one sentence of one cause, and nothing is lost."""

from __future__ import annotations

import pytest
from peers import google_refusals as refusals
from peers.google_refusals import Refusal
from recorder import Recorder

from providers.errors import CredentialsError, NoCredentialsYet, Outcome
from providers.http import retry
from providers.runner import run

PAGE = b"<html><body>ERR_ACCESS_DENIED: sign in to the network</body></html>"
UNANSWERED = {
    **{
        f"page {status}": (Refusal(status, page=PAGE), "is not Google's token endpoint; is a proxy in between")
        for status in (200, 403, 407)
    },
    "page 502": (Refusal(502, page=PAGE), "is not Google's token endpoint"),
    "list": (Refusal(200, page=b"[]"), "is not Google's token endpoint"),
    "empty": (Refusal(200, page=b" "), "is not Google's token endpoint"),
    "cut": (refusals.CUT, "token endpoint .* does not answer as it should"),
    "503": (Refusal(503, "unavailable", "Try again later."), "token endpoint .* does not answer as it should"),
}
"""Answers of a token endpoint that say nothing of the key, each with what is told."""
FIRST = "storage.buckets.list"


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("google.auth._exponential_backoff.time.sleep", lambda seconds: None)


def within_a_run(google, opened, *, refused: bool) -> Recorder:
    """A run in which the token endpoint breaks after its first answer; `refused`: and the token is no longer good from some list on."""
    sink, buckets = Recorder(), google.items[FIRST]

    def listed(call):
        if refused:
            google.tokens.forget()
        return buckets(call) if callable(buckets) else buckets

    google.items[FIRST] = listed
    sink.error = None
    try:
        sink.tally = run(opened(), sink)
    except CredentialsError as error:
        sink.error = error
    return sink


def after_the_first(google):
    return lambda call: call.id == "token" and len(google.asked("token")) > 1


@pytest.mark.parametrize("fault", ["page 200", "list", "cut", "503"])
def test_the_run_ends_with_one_sentence_where_there_is_no_token(google, company, opened, fault):
    refusal, told = UNANSWERED[fault]
    with google.failing(refusal, after_the_first(google)):
        sink = within_a_run(google, opened, refused=True)
    assert type(sink.error) is NoCredentialsYet
    assert sink.error.error_kind == "source", "who we are is not in doubt"
    with pytest.raises(NoCredentialsYet, match=told):
        raise sink.error
    assert not {report.message for report in sink.reports.values() if "token" in report.message}, "no type tells it as its own"
    requests = 3 if fault == "503" else 1  # google-auth asks a busy endpoint three times itself
    assert len(google.asked("token")) - 1 == retry.TRIES * requests, "and no type asks again"


@pytest.mark.parametrize("fault", ["page 407", "cut", "503"])
def test_a_token_that_is_still_good_is_used_until_its_end(google, company, opened, fault):
    refusal, _ = UNANSWERED[fault]
    google.tokens.lifetime = 200  # it is to be renewed from the beginning on, and good for the whole run
    with google.failing(refusal, after_the_first(google)):
        sink = within_a_run(google, opened, refused=False)
    assert sink.error is None
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert 1 < len(google.asked("token")) <= 1 + 3 * 2 * retry.TRIES, "it is tried again now and then, and not for each list"


def test_a_moment_without_an_answer_costs_nothing(google, company, opened):
    with google.failing(Refusal(502, page=PAGE), after_the_first(google), times=4):
        sink = within_a_run(google, opened, refused=True)
    assert sink.error is None
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}


@pytest.mark.parametrize("fault", UNANSWERED)
def test_it_is_told_at_the_beginning_of_a_run_too(google, company, opened, fault):
    refusal, told = UNANSWERED[fault]
    with google.failing(refusal, "token"), pytest.raises(NoCredentialsYet, match=told):
        run(opened(), Recorder())
