"""Credentials that die: the run ends with one sentence, and no scope is complete that was not read to its end."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
from dying import VENDORS, Death, Vendor
from recorder import Recorder

from providers.errors import CredentialsError, Denied, NoCredentialsYet, Outcome, Throttled, TimedOut
from providers.http.credential import TRIES, Credential, again
from providers.ldap.failure import NoEncryption, NotVerified, Refused, Unwilling
from providers.okta.signin_faults import ScopesRefused
from providers.records import Scope
from providers.runner import run

RENEWED = ("okta_app", "entra", "azure", "gcp", "google_workspace")
"""Vendors whose tokens last an hour. Okta and Authentik are also read with a token that the vendor gave out for good."""

POOL = 16
"""Most lists that one read asks for at once."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


@pytest.fixture(params=VENDORS)
def vendor(request) -> Vendor:
    fixture, made = VENDORS[request.param]
    return made(request.getfixturevalue(fixture))


def whole_run(vendor: Vendor) -> tuple[Recorder, int]:
    """What a run gives while the credential lives, and how many requests it takes."""
    alive, sink = Death(), Recorder()
    with vendor.dying(alive), vendor.opened() as source:
        run(source, sink)
    return sink, len(alive.seen)


def outcomes(sink: Recorder) -> dict[Scope, Outcome]:
    return {scope: report.outcome for scope, report in sink.reports.items()}


def test_a_credential_that_is_dead_from_the_start_is_told_after_a_few_requests(vendor):
    death, sink = Death(after=1), Recorder()
    with vendor.dying(death), vendor.opened() as source, pytest.raises(CredentialsError, match=vendor.told):
        run(source, sink)
    assert len(death.refused) <= 2, "once more with a new token, where there can be one"
    assert not sink.reports


@pytest.mark.parametrize("part", [0.25, 0.5, 0.75, 0.9])
def test_a_credential_that_dies_in_a_run_ends_it_with_one_sentence(vendor, part):
    """Between two lists, between two pages, and with others under way: each request of the run is one after which it may die."""
    whole, requests = whole_run(vendor)
    death, sink = Death(after=int(requests * part)), Recorder()
    with vendor.dying(death), vendor.opened() as source, pytest.raises(CredentialsError, match=vendor.told):
        run(source, sink)
    assert len(death.refused) <= 2 * (source.concurrency + POOL + TRIES)
    assert len(sink.reports) < len(whole.reports)
    for scope, report in sink.reports.items():
        known = whole.reports[scope]
        assert (report.outcome, report.resources, report.gone) == (known.outcome, known.resources, known.gone), "it was read before"


def test_one_list_that_is_refused_alone_is_that_types_trouble(vendor):
    whole, _ = whole_run(vendor)
    death, sink = Death(alone=vendor.alone), Recorder()
    with vendor.dying(death), vendor.opened() as source:
        run(source, sink)
    assert death.refused
    refused = {scope: report for scope, report in sink.reports.items() if scope.resource_type == vendor.of_alone}
    assert refused
    for report in refused.values():
        assert (report.outcome, report.resources) == (Outcome.ERROR, 0)
        assert "is refused to these credentials, though" in report.message
    assert outcomes(sink).items() - outcomes(whole).items() == {(scope, Outcome.ERROR) for scope in refused}


class Expiry(Death):
    """Refuses nothing: at the request numbered `at`, the tokens that were given out so far expire."""

    def __init__(self, at: int, *expire: Callable[[], object]) -> None:
        super().__init__()
        self._at, self._expire = at, expire

    def __call__(self, key: str) -> bool:
        found = super().__call__(key)
        if len(self.seen) >= self._at:
            expire, self._expire = self._expire, ()
            for one in expire:
                one()
        return found


@pytest.mark.parametrize("vendor", RENEWED, indirect=True)
def test_a_token_that_expires_in_a_run_is_renewed_once_and_the_run_goes_on(vendor, monkeypatch):
    whole, requests = whole_run(vendor)
    tokens = vendor.sign_ins()
    with vendor.dying(Expiry(requests // 2, lambda: vendor.expire(monkeypatch))), vendor.opened() as source:
        run(source, sink := Recorder())
    assert outcomes(sink) == outcomes(whole)
    renewed = vendor.sign_ins() - 2 * tokens
    assert 1 <= renewed <= tokens, "each token once"


@pytest.mark.parametrize("vendor", RENEWED, indirect=True)
def test_a_token_that_is_not_renewed_ends_the_run_with_one_sentence(vendor, monkeypatch):
    whole, requests = whole_run(vendor)
    tokens, sink = vendor.sign_ins(), Recorder()
    expiry = Expiry(requests // 2, lambda: vendor.expire(monkeypatch), vendor.refuse_sign_ins)
    with (
        vendor.dying(expiry),
        vendor.opened() as source,
        pytest.raises(CredentialsError, match=r"make a new one|the key was deleted|that the app is active"),
    ):
        run(source, sink)
    assert vendor.sign_ins() - 2 * tokens <= tokens, (
        "each token once, as they may end at the same time: a refused sign-in is not tried again"
    )
    assert len(expiry.seen) - requests // 2 <= source.concurrency + POOL
    assert len(sink.reports) < len(whole.reports)
    assert outcomes(sink).items() <= outcomes(whole).items()


@pytest.mark.parametrize(
    "kind",
    [CredentialsError, NoCredentialsYet, NoEncryption, NotVerified, Refused, Unwilling, ScopesRefused],
    ids=lambda kind: kind.__name__,
)
def test_a_refusal_of_any_class_is_told_again_as_it_was(kind):
    """Whatever its constructor asks for: as a new exception with the same sentence, detail and attributes."""
    names = [one.name for one in inspect.signature(kind).parameters.values() if one.kind is one.KEYWORD_ONLY]
    refused = kind("no", **dict.fromkeys(names, "why"))

    fresh = again(refused)

    assert (type(fresh), str(fresh), vars(fresh), fresh.error_kind) == (kind, "no", vars(refused), refused.error_kind)
    assert fresh is not refused
    assert fresh.__traceback__ is None


@pytest.mark.parametrize("silence", [TimedOut("no answer"), Throttled("slow down"), Denied("no")])
def test_a_confirmation_without_a_verdict_refuses_nothing(silence):
    """The one request fails as it was refused; the credential is good for the next."""

    def confirm() -> None:
        raise silence

    credential, refused = Credential("a source", confirm), CredentialsError("401")
    credential.accepted()
    with pytest.raises(CredentialsError, match="401"):
        credential.judge(refused)
    credential.ensure_accepted()
    assert not credential.is_refused
