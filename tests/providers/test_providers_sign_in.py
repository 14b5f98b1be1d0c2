"""Sign-ins that do not answer within a run: the old token is used until its end, and then the run ends with one sentence."""

from __future__ import annotations

import pytest
from dying import VENDORS, Vendor
from recorder import Recorder
from test_providers_credential import RENEWED, Expiry, outcomes, whole_run

from providers.errors import NoCredentialsYet
from providers.http import retry
from providers.http.bearer import FRESH
from providers.runner import run

STATUSES = (200, 403, 407, 502)
"""Statuses of the page that a proxy answers with in place of a token."""
pytestmark = pytest.mark.parametrize("vendor", RENEWED, indirect=True)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda _seconds: None)


@pytest.fixture
def vendor(request) -> Vendor:
    fixture, made = VENDORS[request.param]
    return made(request.getfixturevalue(fixture))


@pytest.mark.parametrize("status", [403, 502])
def test_a_renewal_without_an_answer_costs_nothing_while_the_token_is_good(vendor, status, monkeypatch):
    """The tokens are to be renewed, and have nearly a minute left."""
    whole, requests = whole_run(vendor)
    tokens, sink = vendor.sign_ins(), Recorder()
    late = Expiry(requests // 2, lambda: vendor.pass_time(monkeypatch, 3600 - 55), lambda: vendor.hide_sign_ins(status))
    assert FRESH > 55
    with vendor.dying(late), vendor.opened() as source:
        run(source, sink)
    assert outcomes(sink) == outcomes(whole)
    assert 1 <= vendor.sign_ins() - 2 * tokens <= 2 * tokens * retry.TRIES, "now and then, and not at each request"


@pytest.mark.parametrize("status", STATUSES)
def test_without_a_token_the_run_ends_with_one_sentence(vendor, status, monkeypatch):
    whole, requests = whole_run(vendor)
    tokens, sink = vendor.sign_ins(), Recorder()
    expiry = Expiry(requests // 2, lambda: vendor.expire(monkeypatch), lambda: vendor.hide_sign_ins(status))
    with vendor.dying(expiry), vendor.opened() as source, pytest.raises(NoCredentialsYet) as caught:
        run(source, sink)
    assert caught.value.error_kind == "source", "who we are is not in doubt"
    assert 1 <= vendor.sign_ins() - 2 * tokens <= tokens * retry.TRIES, "once for all lists, as often as is worth it"
    assert len(sink.reports) < len(whole.reports)
    assert outcomes(sink).items() <= outcomes(whole).items(), "what was read to its end before, and nothing else"
