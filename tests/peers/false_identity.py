"""An identity provider that can be made to lie: its discovery document, its keys and its ID tokens are as a test says."""

from __future__ import annotations

import time
import urllib.parse
from typing import Any

import pytest
from joserfc import jwk, jwt
from peers import serving
from peers.identity import CLIENT, SITE


class FalseIdentity:
    """What the provider answers. A test changes one thing; all else is as it should be."""

    def __init__(self) -> None:
        self.issuer = ""
        self.keys = {"one": jwk.RSAKey.generate_key(2048, {"kid": "one"})}
        self.signing, self.header = "one", {"alg": "RS256"}
        self.discovery: dict[str, Any] = {}
        self.claims: dict[str, Any] = {}
        self.answers: dict[str, tuple[int, Any]] = {}
        """Path -> (status, body), instead of what would be answered."""
        self.nonce = ""
        self.asked: list[str] = []

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/auth", "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys", **self.discovery,
        }  # fmt: skip

    def id_token(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer, "sub": "ada", "aud": CLIENT, "exp": now + 300, "iat": now, "nonce": self.nonce, "name": "Ada",
            "groups": ["elder-admins"], **self.claims,
        }  # fmt: skip
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"kid": self.signing, **self.header}, claims, self.keys[self.signing], algorithms=[self.header["alg"]])

    def reply(self, path: str) -> tuple[int, Any]:
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path]
        match path:
            case "/.well-known/openid-configuration":
                return 200, self.document()
            case "/keys":
                return 200, {"keys": [key.as_dict(private=False) for key in self.keys.values()]}
            case "/token":
                return 200, {"access_token": "a", "token_type": "Bearer", "id_token": self.id_token()}
        return 404, {"error": "not_found"}

    def sign_in(self, http, wanted: str = "/", **changes: str):
        """The answer of our site to a sign-in whose answer has `changes`."""
        begun = http.get("/login", query_string={"next": wanted})
        if begun.status_code != 303:
            return begun
        sent = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun.location).query))
        assert sent["redirect_uri"] == f"{SITE}/login/callback"
        assert sent["code_challenge_method"] == "S256"
        self.nonce = sent["nonce"]
        return http.get("/login/callback", query_string={"code": "c", "state": sent["state"], **changes}, headers={"Accept": "text/html"})


class _Handler(serving.Handler):
    identity: FalseIdentity

    def do_GET(self) -> None:
        self.answer(*self.identity.reply(urllib.parse.urlsplit(self.path).path))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.do_GET()


@pytest.fixture
def false_identity():
    """An identity provider that lies on demand."""
    found = FalseIdentity()
    with serving.serving(_Handler, identity=found) as found.issuer:
        yield found
