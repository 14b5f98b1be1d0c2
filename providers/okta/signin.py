"""Sign-in of an OAuth 2.0 service app: access tokens for assertions that its private key signs (``private_key_jwt``).

Okta takes each assertion once, also when it refuses the request for another reason, so every attempt signs a new one. Of the scopes that
are asked for, a token has those that are granted to the app.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from urllib.parse import urlencode

from providers.errors import BadAnswer
from providers.http import retry
from providers.http.bearer import FRESH, Bearer, Token
from providers.http.client import Http
from providers.http.response import HttpResponse
from providers.okta import signin_faults
from providers.okta.config import OktaConfig
from providers.okta.possession import SCHEME, Possession
from providers.okta.signin_faults import ScopesRefused
from providers.okta.signing import read_key

TOKEN_PATH = "/oauth2/v1/token"  # noqa: S105 - an address

ORGANIZATION_PATH = "/.well-known/okta-organization"
"""The path at which an organization describes itself to everybody, with its id."""

ASSERTION_LIFE = 1800
"""Seconds that an assertion is good for: half of what Okta takes, so that a clock may be wrong by that much in either direction."""

_READ_HERE = (200, 400, 401, 403, 404)
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class ServiceApp(Bearer):
    """The headers and proofs of requests to one organization, as one service app."""

    def __init__(self, url: str, name: str, config: OktaConfig, scopes: tuple[str, ...]) -> None:
        """`name` is that of the organization in sentences. Raises `ValueError` for a key that cannot be used."""
        super().__init__(self._signed_in)
        self._token_url, self.client_id, self._scopes = url + TOKEN_PATH, config.client_id, scopes
        self._key = read_key(config.private_key, config.key_id)
        self._possession: Possession | None = None
        self._nonces = {TOKEN_PATH: "", "": ""}
        self._http = Http(url, name, tries=1, advice="check OKTA_DOMAIN")
        self._retrying = retry.retrying(source=name)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that are asked for: once Okta has refused some, those that it grants."""
        return self._scopes

    def close(self) -> None:
        """Closes all open connections."""
        self._http.close()

    def organization(self) -> HttpResponse:
        """The organization's description of itself, for which nobody needs to sign in. Raises `ProviderError`."""
        found: HttpResponse = self._retrying(self._http.get, ORGANIZATION_PATH, what="look up the organization")
        return found

    def prove(self, method: str, url: str, headers: Mapping[str, str | tuple[str, ...]]) -> Mapping[str, str]:
        """The proof for one request to the API, where its token is bound to our key."""
        scheme, _, token = str(headers.get("Authorization", "")).partition(" ")
        if scheme != SCHEME or self._possession is None:
            return {}
        return self._possession.proof(method, url, token=token, nonce=self._nonces[""])

    def renew(self, sent: Mapping[str, str | tuple[str, ...]], answer: HttpResponse) -> None:
        """A request was refused: the next proofs have the nonce that the answer brings; another token is fetched where it is the token."""
        nonce = answer.headers.get("dpop-nonce", "")
        if nonce:
            self._nonces[""] = nonce
        if not nonce or 'error="invalid_token"' in answer.headers.get("www-authenticate", ""):
            super().renew(sent, answer)

    def _signed_in(self) -> Token:
        try:
            return self._token_of(self._ask(self._scopes))
        except ScopesRefused as refused:
            granted = tuple(filter(self._is_granted, self._scopes))
            if not granted:
                raise signin_faults.nothing_granted(refused.detail) from None
            self._scopes = granted
            return self._token_of(self._ask(granted))

    def _is_granted(self, scope: str) -> bool:
        try:
            self._ask((scope,))
        except ScopesRefused:
            return False
        return True

    def _ask(self, scopes: tuple[str, ...]) -> HttpResponse:
        """The answer that has a token. Raises `CredentialsError`, `ScopesRefused` where Okta does not grant the scopes."""
        answer: HttpResponse = self._retrying(self._send, scopes)
        for _ in range(2):  # for a proof, and for its nonce
            if not self._learned(answer):
                break
            answer = self._retrying(self._send, scopes)
        if answer.status != 200:
            raise signin_faults.refused(answer, has_proof=self._possession is not None)
        return answer

    def _send(self, scopes: tuple[str, ...]) -> HttpResponse:
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self._token_url, "jti": str(uuid.uuid4())}
        form = {
            "grant_type": "client_credentials",
            "scope": " ".join(scopes),
            "client_assertion_type": _JWT_BEARER,
            "client_assertion": self._key.signed({**claims, "exp": int(time.time()) + ASSERTION_LIFE}, {"typ": "JWT"}),
        }
        proof = self._possession.proof("POST", self._token_url, nonce=self._nonces[TOKEN_PATH]) if self._possession else {}
        headers = {"Content-Type": "application/x-www-form-urlencoded", **proof}
        body = urlencode(form).encode()
        return self._http.send("POST", TOKEN_PATH, body=body, what="sign in", headers=headers, quota=TOKEN_PATH, accept=_READ_HERE)

    def _learned(self, answer: HttpResponse) -> bool:
        """True when the refusal asks for what the next attempt has and this one had not: a proof of possession, or its nonce."""
        error, nonce = answer.document().get("error"), answer.headers.get("dpop-nonce", "")
        if error == "use_dpop_nonce" and nonce and self._possession:
            self._nonces[TOKEN_PATH] = nonce
            return True
        if error == "invalid_dpop_proof" and not self._possession:
            self._possession = Possession()
            return True
        return False

    def _token_of(self, answer: HttpResponse) -> Token:
        found = answer.object()
        text, life = found.get("access_token"), found.get("expires_in")
        if not isinstance(text, str) or not text or not isinstance(life, int):
            raise BadAnswer("Okta's answer to the sign-in of the service app has no access token: is a proxy in between?")
        scheme = SCHEME if str(found.get("token_type")).lower() == SCHEME.lower() else "Bearer"
        return Token(text, time.time() + life, scheme, min(FRESH, life / 2))
