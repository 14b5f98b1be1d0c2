"""Answers of an identity provider that are refused: garbage, other issuers and audiences, tokens that are old, of another sign-in or forged."""

from __future__ import annotations

import time
import urllib.parse

import pytest
from joserfc import jwk, jwt
from peers.identity import CLIENT
from peers.port import free_port

from api.login.provider import ASKED_AGAIN_AFTER, CLOCK_SKEW, IdentityProvider

SESSIONS = "select count(*) from elder_worker.api_sessions"


@pytest.fixture
def signed(false_identity, oidc_api):
    """Signs in, and says (status, text); a session is made by a status of 303 alone."""
    api = oidc_api(false_identity.issuer)

    def sign_in(**changes: str):
        http = api.app.test_client()
        answer = false_identity.sign_in(http, **changes)
        made = http.get_cookie("elder_session") is not None
        assert made == (answer.status_code == 303 and answer.location == "/")
        return answer.status_code, answer.get_data(as_text=True)

    return sign_in


def test_all_is_right(signed, sql):
    assert signed()[0] == 303
    assert sql.execute(SESSIONS).fetchone() == (1,)


@pytest.mark.parametrize(
    ("claims", "word"),
    [
        ({"iss": "https://evil.example.com"}, "iss"),
        ({"iss": None}, "iss"),
        ({"aud": "another"}, "aud"),
        ({"aud": []}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": [CLIENT, "another"]}, "azp"),
        ({"azp": "another"}, "azp"),
        ({"nonce": "another"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"sub": None}, "sub"),
        ({"exp": None}, "exp"),
        ({"exp": "tomorrow"}, "exp"),
        ({"at_hash": "bm9uZQ"}, "at_hash"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(signed, false_identity, claims, word, sql):
    false_identity.claims = claims

    status, text = signed()

    assert (status, "ID token is refused" in text, word in text) == (403, True, True), text
    assert sql.execute(SESSIONS).fetchone() == (0,)


@pytest.mark.parametrize(
    ("claim", "shift", "status"),
    [
        ("exp", -CLOCK_SKEW + 20, 303),
        ("exp", -CLOCK_SKEW - 20, 403),
        ("iat", CLOCK_SKEW - 20, 303),
        ("iat", CLOCK_SKEW + 20, 403),
        ("nbf", CLOCK_SKEW + 20, 403),
    ],
)
def test_clocks_may_differ_by_a_minute(signed, false_identity, claim, shift, status):
    false_identity.claims = {claim: int(time.time()) + shift}

    found, text = signed()

    assert found == status, text
    assert status == 303 or "compare the clocks" in text


def test_a_token_of_another_key_is_refused_and_a_new_key_is_fetched_after_a_minute(false_identity, oidc_api, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(IdentityProvider.__init__, "__defaults__", (lambda: now[0],))
    http = oidc_api(false_identity.issuer).app.test_client()
    assert false_identity.sign_in(http).status_code == 303
    false_identity.keys["two"], false_identity.signing = jwk.RSAKey.generate_key(2048, {"kid": "two"}), "two"

    assert false_identity.sign_in(http).status_code == 403
    assert false_identity.asked.count("/keys") == 1, "whoever can make tokens cannot make us ask for keys all the time"
    now[0] = ASKED_AGAIN_AFTER + 1
    assert false_identity.sign_in(http).status_code == 303
    assert false_identity.asked.count("/keys") == 2
    assert false_identity.asked.count("/.well-known/openid-configuration") == 1


def test_a_key_of_somebody_else_under_the_same_name(signed, false_identity):
    published = [key.as_dict(private=False) for key in false_identity.keys.values()]
    false_identity.answers["/keys"] = 200, {"keys": published}
    false_identity.keys["one"] = jwk.RSAKey.generate_key(2048, {"kid": "one"})

    status, text = signed()

    assert (status, "bad_signature" in text) == (403, True), text


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_signature_that_anybody_could_make_is_refused(signed, false_identity, monkeypatch, algorithm):
    """`none` needs no key, and HS256 takes the public key as its secret, which everybody has."""
    false_identity.discovery = {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    public = false_identity.keys["one"].as_pem(private=False)
    plain = false_identity.id_token

    def forged() -> str:
        payload = plain().split(".")[1]
        if algorithm == "none":
            return f"eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.{payload}."
        secret = jwk.OctKey.import_key(public.replace(b"-----", b""))
        return jwt.encode({"alg": "HS256", "kid": "one"}, jwt.decode(plain(), false_identity.keys["one"]).claims, secret)

    monkeypatch.setattr(false_identity, "id_token", forged)

    status, text = signed()

    assert (status, "ID token is refused" in text) == (403, True), text


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é.é.é", 7, None, {"a": 1}, "." * 100_000, "eyJhbGciOiJSUzI1NiJ9.bnVsbA.AA"])
def test_an_id_token_that_is_none(signed, false_identity, token):
    false_identity.answers["/token"] = 200, {"access_token": "a", "token_type": "Bearer", "id_token": token}

    assert signed()[0] in (403, 503)


@pytest.mark.parametrize(
    ("path", "answer", "sentence"),
    [
        ("/.well-known/openid-configuration", (200, b"<html>hello"), "not JSON"),
        ("/.well-known/openid-configuration", (200, []), "not an object"),
        ("/.well-known/openid-configuration", (200, {"issuer": "x"}), "is not usable"),
        ("/.well-known/openid-configuration", (404, {}), "does not offer"),
        ("/.well-known/openid-configuration", (500, {}), "answered 500"),
        ("/.well-known/openid-configuration", (200, b"{" + b" " * 2_000_000), "larger than 1 MB"),
        ("/keys", (200, {"keys": "x"}), "keys are not usable"),
        ("/keys", (200, {}), "keys are not usable"),
        ("/keys", (200, {"keys": [{"kty": "RSA"}]}), "keys are not usable"),
        ("/keys", (503, {}), "answered 503"),
        ("/token", (200, {"access_token": "a"}), "has no ID token"),
        ("/token", (200, b"\x00"), "not JSON"),
        ("/token", (500, {}), "answered 500"),
        ("/token", (302, {}), "redirect"),
        ("/token", (401, {"error": "invalid_client"}), "check ELDER_OIDC_CLIENT_ID"),
    ],
)
def test_garbage_from_the_provider(signed, false_identity, path, answer, sentence):
    false_identity.answers[path] = answer

    status, text = signed()

    assert (status, sentence in text) == (503, True), text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"issuer": "https://evil.example.com"}, "the document there says"),
        ({"token_endpoint": "http://evil.example.com/token"}, "is not an https URL"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "is not an https URL"),
        ({"jwks_uri": "file:///etc/passwd"}, "is not an https URL"),
        ({"end_session_endpoint": "javascript:alert(1)"}, "is not an https URL"),
    ],
)
def test_a_discovery_document_that_leads_elsewhere(signed, false_identity, changes, sentence):
    false_identity.discovery = changes

    status, text = signed()

    assert (status, sentence in text.replace("&#39;", "'")) == (503, True), text


def test_nobody_listens(oidc_api):
    issuer = f"http://127.0.0.1:{free_port()}"

    answer = oidc_api(issuer).app.test_client().get("/login", headers={"Accept": "text/html"})

    assert (answer.status_code, "is ELDER_OIDC_ISSUER right" in answer.text) == (503, True), answer.text


@pytest.mark.parametrize(
    ("answer", "always", "status"),
    [
        ({}, False, 303),
        ({}, True, 403),
        ({"iss": "https://evil.example.com"}, False, 403),
        ({"iss": "https://evil.example.com"}, True, 403),
    ],
)
def test_an_answer_of_another_provider_gets_no_code(signed, false_identity, answer, always, status):
    """A mix-up: the browser comes back from a provider that is not ours (RFC 9207)."""
    false_identity.discovery = {"authorization_response_iss_parameter_supported": always}

    assert signed(**answer)[0] == status
    assert ("/token" in false_identity.asked) == (status == 303)


def test_a_refusal_at_the_provider_is_told(signed):
    status, text = signed(error="access_denied", error_description="You are <b>not</b> allowed")

    assert (status, "(access_denied): You are &lt;b&gt;not&lt;/b&gt; allowed" in text) == (403, True), text


def test_userinfo_of_somebody_else(signed, false_identity):
    false_identity.claims = {"groups": None}
    false_identity.discovery = {"userinfo_endpoint": f"{false_identity.issuer}/me"}
    false_identity.answers["/me"] = 200, {"sub": "eve", "groups": ["elder-admins"]}

    status, text = signed()

    assert (status, "of somebody else" in text) == (403, True), text


def test_a_state_makes_one_session_whatever_the_provider_says_of_the_code(false_identity, oidc_api, sql):
    http = oidc_api(false_identity.issuer).app.test_client()
    false_identity.sign_in(http)
    begun = http.get("/login")
    kept = http.get_cookie("elder_sign_in").value
    sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun.location).query))
    false_identity.nonce, back = sent["nonce"], {"code": "c", "state": sent["state"]}
    assert http.get("/login/callback", query_string=back).status_code == 303
    http.set_cookie("elder_sign_in", kept)

    answer = http.get("/login/callback", query_string=back)

    assert (answer.status_code, "was completed before: sign in again" in answer.text) == (403, True), answer.text
    assert sql.execute(SESSIONS).fetchone() == (2,)


def test_failed_sign_ins_are_slowed_down(signed, false_identity):
    false_identity.claims = {"aud": "another"}
    assert [signed()[0] for _ in range(10)] == [403] * 10
    asked = false_identity.asked.count("/token")

    assert signed()[0] == 429
    assert false_identity.asked.count("/token") == asked
