"""Access tokens: fetched once, anew before they end or when they are refused, and proofs that a request alone carries."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from providers import secrecy
from providers.errors import BadAnswer, CredentialsError, Denied, NoCredentialsYet, ScopeError, Throttled, TimedOut
from providers.http.bearer import FRESH, LATER, Bearer, Token
from providers.http.client import Http
from providers.http.response import HttpResponse

REFUSAL = HttpResponse(401, {}, b"", "https://example.com/x")


class SignIn:
    """Gives out tokens by number; `life` is that of the next one, `error` is raised instead of it."""

    def __init__(self) -> None:
        self.count, self.life, self.error = 0, 3600.0, None

    def __call__(self) -> Token:
        self.count += 1
        if self.error:
            raise self.error
        return Token(f"token-{self.count}", time.time() + self.life)


@pytest.fixture
def sign_in():
    return SignIn()


@pytest.fixture
def clock(monkeypatch):
    """The time, which nobody waits for."""
    one = SimpleNamespace(now=1_800_000_000.0)
    monkeypatch.setattr(time, "time", lambda: one.now)
    return one


def test_a_token_is_fetched_once_for_all_threads_and_registered_as_a_secret(sign_in):
    known = list[str]()
    secrecy.add_listener(known.extend)
    bearer, start = Bearer(sign_in), threading.Barrier(8)
    try:
        with ThreadPoolExecutor(8) as pool:
            given = [one.result() for one in [pool.submit(lambda: (start.wait(10), bearer.headers())[1]) for _ in range(8)]]
    finally:
        secrecy.remove_listener(known.extend)
    assert given == [{"Authorization": "Bearer token-1"}] * 8
    assert (sign_in.count, known) == (1, ["token-1"])


def test_a_token_that_is_about_to_end_is_renewed(sign_in):
    sign_in.life = FRESH - 1
    bearer = Bearer(sign_in)
    bearer.headers()
    sign_in.life = FRESH + 60
    assert [bearer.headers()["Authorization"] for _ in range(2)] == ["Bearer token-2"] * 2


def test_only_the_token_that_was_sent_is_dropped(sign_in):
    bearer = Bearer(sign_in)
    old = bearer.headers()
    for _ in range(3):  # three threads had sent it
        bearer.renew(old, REFUSAL)
        assert bearer.headers() == {"Authorization": "Bearer token-2"}
    assert sign_in.count == 2


UNANSWERED = [TimedOut("silence"), Throttled("slow down"), BadAnswer("a page"), ScopeError("418"), Denied("a proxy's page")]


@pytest.mark.parametrize("error", UNANSWERED, ids=lambda error: type(error).__name__)
def test_a_sign_in_without_an_answer_is_final_where_there_is_no_token(sign_in, error):
    bearer, sign_in.error = Bearer(sign_in), error
    for _ in range(3):
        with pytest.raises(CredentialsError, match=str(error)) as caught:
            bearer.headers()
        assert caught.value.error_kind == "source", "nobody has refused the credentials"
    assert sign_in.count == 1, "it has tried as often as is worth it, and is not asked for each list"


def test_a_refused_sign_in_is_final_and_a_missing_permission_is_not(sign_in):
    bearer, sign_in.error = Bearer(sign_in), Denied("no such scope", permission="scope")
    for _ in range(2):
        with pytest.raises(Denied):
            bearer.headers()
    sign_in.error = CredentialsError("refused", detail="why")
    for _ in range(2):
        with pytest.raises(CredentialsError, match="refused") as caught:
            bearer.headers()
        assert (caught.value.detail, caught.value.error_kind) == ("why", "credentials")
    assert sign_in.count == 3


@pytest.mark.parametrize("error", UNANSWERED, ids=lambda error: type(error).__name__)
def test_an_old_token_that_is_good_is_sent_until_the_sign_in_answers_again(sign_in, clock, error):
    bearer = Bearer(sign_in)
    bearer.headers()
    clock.now += 3600 - FRESH + 1
    sign_in.error = error
    assert [bearer.headers()["Authorization"] for _ in range(5)] == ["Bearer token-1"] * 5
    assert sign_in.count == 2, "not at every request"
    clock.now += LATER
    assert bearer.headers() == {"Authorization": "Bearer token-1"}
    assert sign_in.count == 3
    clock.now += LATER
    sign_in.error = None
    assert [bearer.headers()["Authorization"] for _ in range(2)] == ["Bearer token-4"] * 2
    assert sign_in.count == 4


def test_an_old_token_is_not_sent_after_its_end(sign_in, clock):
    bearer = Bearer(sign_in)
    bearer.headers()
    sign_in.error = TimedOut("silence")
    clock.now += 3599
    assert bearer.headers() == {"Authorization": "Bearer token-1"}
    clock.now += 1
    with pytest.raises(NoCredentialsYet, match="silence"):
        bearer.headers()


def test_a_token_that_ends_while_the_sign_in_is_silent_is_not_sent(sign_in, clock):
    bearer = Bearer(lambda: (setattr(clock, "now", clock.now + (60 if sign_in.count else 0)), sign_in())[1])
    bearer.headers()
    clock.now += 3550
    sign_in.error = TimedOut("silence")
    with pytest.raises(NoCredentialsYet):
        bearer.headers()


def test_a_token_that_was_refused_never_comes_back(sign_in):
    """However good it is by its time."""
    bearer = Bearer(sign_in)
    old = bearer.headers()
    bearer.renew(old, REFUSAL)
    sign_in.error = TimedOut("silence")
    with pytest.raises(NoCredentialsYet):
        bearer.headers()


def test_a_token_that_is_refused_during_its_renewal_is_not_kept(sign_in, clock):
    def fetch() -> Token:
        if sign_in.count:
            bearer.renew(old, REFUSAL)
        return sign_in()

    bearer = Bearer(fetch)
    old = bearer.headers()
    clock.now += 3599
    sign_in.error = TimedOut("silence")
    with pytest.raises(NoCredentialsYet):
        bearer.headers()


def test_while_one_thread_renews_the_others_send_the_old_token(sign_in, clock):
    begun, others_are_through = threading.Event(), threading.Event()

    def fetch() -> Token:
        if sign_in.count:
            begun.set()
            assert others_are_through.wait(60)
        return sign_in()

    bearer = Bearer(fetch)
    bearer.headers()
    clock.now += 3599
    with ThreadPoolExecutor(9) as pool:
        renewing = pool.submit(bearer.headers)
        assert begun.wait(60)
        others = [one.result(60) for one in [pool.submit(bearer.headers) for _ in range(8)]]
        others_are_through.set()
        assert renewing.result(60) == {"Authorization": "Bearer token-2"}
    assert others == [{"Authorization": "Bearer token-1"}] * 8
    assert (bearer.headers(), sign_in.count) == ({"Authorization": "Bearer token-2"}, 2)


def test_threads_without_a_token_share_the_failure_of_one_sign_in(sign_in):
    bearer, sign_in.error, start = Bearer(sign_in), TimedOut("silence"), threading.Barrier(8)

    def ask() -> CredentialsError:
        start.wait(60)
        with pytest.raises(NoCredentialsYet) as caught:
            bearer.headers()
        return caught.value

    with ThreadPoolExecutor(8) as pool:
        errors = [one.result(60) for one in [pool.submit(ask) for _ in range(8)]]
    assert (sign_in.count, len({id(error) for error in errors})) == (1, 8)


@pytest.mark.parametrize(
    ("refusal", "asked"),
    [((401, b"{}"), 2), ((400, b"{}", ("DPoP-Nonce", "n")), 2), ((400, b"{}"), 1)],
    ids=["401", "400 with a nonce", "400 without one"],
)
def test_each_request_is_proved_by_itself_and_once_more_where_a_proof_may_help(server, waits, refusal, asked):
    server.script = [refusal, (200, b"{}")]
    proofs, renewed = [], []

    def prove(method, url, headers):
        proofs.append((method, url.partition("?")[0].removeprefix(server.url), headers["Authorization"]))
        return {"DPoP": f"proof-{len(proofs)}"}

    with Http(
        server.url, "Weather", headers=lambda: {"Authorization": "DPoP t"}, renew=lambda *given: renewed.append(given), prove=prove
    ) as http:
        if asked == 1:
            with pytest.raises(ScopeError):
                http.get("/x?y=1")
        else:
            http.get("/x?y=1")
    assert proofs == [("GET", "/x", "DPoP t")] * asked
    assert [headers["DPoP"] for _, headers in server.requests] == [f"proof-{n + 1}" for n in range(asked)]
    assert len(renewed) == asked - 1
