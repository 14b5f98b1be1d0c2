"""Access tokens: fetched once, anew before they end or when they are refused, and proofs that a request alone carries."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from providers import secrecy
from providers.errors import CredentialsError, ScopeError, TimedOut
from providers.http.bearer import FRESH, Bearer, Token
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
    sign_in.life = -1
    bearer = Bearer(sign_in)
    bearer.headers()
    sign_in.life = FRESH
    assert [bearer.headers()["Authorization"] for _ in range(2)] == ["Bearer token-2"] * 2


def test_only_the_token_that_was_sent_is_dropped(sign_in):
    bearer = Bearer(sign_in)
    old = bearer.headers()
    for _ in range(3):  # three threads had sent it
        bearer.renew(old, REFUSAL)
        assert bearer.headers() == {"Authorization": "Bearer token-2"}
    assert sign_in.count == 2


def test_a_refused_sign_in_is_final_and_one_without_an_answer_is_not(sign_in):
    bearer, sign_in.error = Bearer(sign_in), TimedOut("silence")
    with pytest.raises(TimedOut):
        bearer.headers()
    sign_in.error = CredentialsError("refused", detail="why")
    sign_in.error.error_kind = "source"
    for _ in range(2):
        with pytest.raises(CredentialsError, match="refused") as caught:
            bearer.headers()
        assert (caught.value.detail, caught.value.error_kind) == ("why", "source")
    assert sign_in.count == 2


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
