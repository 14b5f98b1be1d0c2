"""Okta's token endpoint for service apps, and what a token may read: as strict as Okta, and in Okta's words.

Assertions and proofs are verified by joserfc, which signs none of them.

- An assertion is taken once, also when its request is refused for something else.
- A token has those of the scopes that are granted; `refuses_scopes` makes an organization that refuses the request instead.
- An app that `requires_dpop` gets tokens for proofs of possession only, whose nonce is the endpoint's own.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from peers.answering import Reply

TOKEN_PATH = "/oauth2/v1/token"
ORGANIZATION_PATH = "/.well-known/okta-organization"
CLIENT, KID = "0oaservice0000000001", "canary-kid"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = {
    r"/api/v1/(users|groups)/[^/]+/roles": "okta.roles.read",
    r"/api/v1/iam/.*": "okta.roles.read",
    r"/api/v1/users(/.*)?": "okta.users.read",
    r"/api/v1/groups(/.*)?": "okta.groups.read",
    r"/api/v1/apps(/.*)?": "okta.apps.read",
    r"/api/v1/zones": "okta.networkZones.read",
    r"/api/v1/trustedOrigins": "okta.trustedOrigins.read",
    r"/api/v1/idps": "okta.idps.read",
    r"/api/v1/authorizationServers": "okta.authorizationServers.read",
}
"""Path -> the scope that reads it, by Okta's reference; the first that fits counts."""


ALGORITHMS = {"": "RS256", "P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
"""Curve of the app's key -> the one algorithm that is taken from it; an RSA key has no curve."""


def _refused(status: int, error: str, description: str, **headers: str) -> Reply:
    return status, headers, {"error": error, "error_description": description}


UNKNOWN_CLIENT: Reply = (401, {}, {
    "errorCode": "invalid_client", "errorSummary": "Invalid value for 'client_id' parameter.", "errorLink": "invalid_client",
    "errorId": "oae1", "errorCauses": [],
})  # fmt: skip
NO_KEYS = _refused(401, "invalid_client", "The client does not have a JWKSet configured, but the client_assertion requires one.")
WRONG_KID = _refused(401, "invalid_client", "The client_assertion JWT kid is invalid.")
WRONG_SIGNATURE = _refused(401, "invalid_client", "The client_assertion signature is invalid.")
WRONG_AUDIENCE = _refused(401, "invalid_client", "The audience claim for client_assertion must be the endpoint invoked for the request.")
EXPIRED = _refused(401, "invalid_client", "The client_assertion token is expired.")
TOO_LONG = _refused(401, "invalid_client", "The client_assertion token has an expiration too far into the future.")
USED = _refused(401, "invalid_client", "The client_assertion token has already been used.")
NOTHING_GRANTED = _refused(400, "consent_required", "You are not allowed any of the requested scopes.")
UNGRANTED = _refused(400, "invalid_scope", "One or more scopes are not configured for the authorization server resource.")
NO_PROOF = _refused(400, "invalid_dpop_proof", "The DPoP proof JWT header is missing.")
SECRET_APP = _refused(
    400,
    "invalid_client",
    "Client Credentials requests to the Org Authorization Server must use the private_key_jwt token_endpoint_auth_method.",
)
NO_SERVICE_APP = _refused(400, "unauthorized_client", "The client is not authorized to use the provided grant type.")


class _Registry(jws.JWSRegistry):
    """Takes headers that hold a public key."""

    max_header_length = 2048

    def __init__(self) -> None:
        super().__init__(algorithms=["RS256"])


def key_of(kid: str, curve: str = "") -> RSAKey | ECKey:
    """A key pair, RSA without a curve; making one takes a moment, so that it is the same for all tests of a process."""
    return _made(kid, curve)


@functools.cache
def _made(kid: str, curve: str) -> RSAKey | ECKey:
    if curve:
        return ECKey.generate_key(curve, {"kid": kid}, private=True)
    return RSAKey.generate_key(2048, {"kid": kid}, private=True)


def _public(key: RSAKey | ECKey) -> RSAKey | ECKey:
    """The public half of an app's key, which is all that an organization has."""
    return type(key).import_key(key.as_dict(private=False))


class ServiceApp:
    """One service app of the organization at `url`, with its keys, its grants, and the tokens that were given to it."""

    def __init__(self) -> None:
        self.url = ""
        self.keys: dict[str, RSAKey | ECKey] = {KID: key_of(KID)}
        self.granted = set(SCOPES.values())
        self.is_active, self.requires_dpop, self.refuses_scopes = True, False, False
        self.life = 3600
        self.refusal: Reply | None = None
        """Given instead of every token."""
        self.tokens: dict[str, tuple[frozenset[str], float, str]] = {}
        """Token -> its scopes, its end, and the thumbprint of the key that it is bound to."""
        self.attempts: list[Mapping[str, str]] = []
        self.nonce, self.api_nonce = "nonce-1", ""
        self.problems: list[str] = []
        self._used: set[str] = set()

    @property
    def config(self) -> dict[str, str]:
        """The config of a connector that signs in as this app."""
        return {"domain": self.url, "client_id": CLIENT, "private_key": key_of(KID).as_pem(private=True).decode(), "key_id": KID}

    # --- the token endpoint

    def token(self, body: bytes, headers: Mapping[str, str]) -> Reply:
        """The answer to a request for a token."""
        form = {name: values[0] for name, values in parse_qs(body.decode(), strict_parsing=True).items()}
        self.attempts.append(form)
        wanted = {"grant_type", "scope", "client_assertion_type", "client_assertion"}
        if form.keys() != wanted or form["grant_type"] != "client_credentials" or form["client_assertion_type"] != ASSERTION_TYPE:
            self.problems.append(f"a request for a token with {sorted(form)}")
        if headers.get("Content-Type") != "application/x-www-form-urlencoded" or headers.get("Authorization"):
            self.problems.append("a request for a token that is not a form, or is signed in already")
        refused = self._assertion(form["client_assertion"]) or self.refusal
        if refused:
            return refused
        bound, refused = self._bound(headers)
        return refused or self._given(frozenset(form["scope"].split()), bound)

    def _assertion(self, assertion: str) -> Reply | None:
        header = jws.extract_compact(assertion.encode()).headers()
        if not self.keys:
            return NO_KEYS
        if header.get("kid") is None and len(self.keys) > 1:
            return WRONG_KID
        key = self.keys.get(header.get("kid", next(iter(self.keys))))
        if key is None:
            return WRONG_KID
        try:
            claims = jwt.decode(assertion, _public(key), algorithms=[ALGORITHMS[key.curve_name if isinstance(key, ECKey) else ""]]).claims
        except JoseError:
            return WRONG_SIGNATURE
        if claims.get("iss") != CLIENT or claims.get("sub") != CLIENT or not self.is_active:
            return UNKNOWN_CLIENT
        return self._claims(claims)

    def _claims(self, claims: Mapping[str, Any]) -> Reply | None:
        if claims.get("aud") != self.url + TOKEN_PATH:
            return WRONG_AUDIENCE
        if claims["exp"] <= time.time():
            return EXPIRED
        if claims["exp"] > time.time() + 3600:
            return TOO_LONG
        if claims["jti"] in self._used:
            return USED
        self._used.add(claims["jti"])
        return None

    def _bound(self, headers: Mapping[str, str]) -> tuple[str, Reply | None]:
        """The thumbprint of the key that a proof shows, or a refusal."""
        proof = headers.get("DPoP")
        if proof is None:
            return "", NO_PROOF if self.requires_dpop else None
        fault, claims, thumbprint = self._proved(proof, "POST", TOKEN_PATH)
        if fault:
            return "", _refused(400, "invalid_dpop_proof", fault)
        if claims.get("nonce") != self.nonce:
            return "", _refused(400, "use_dpop_nonce", "Authorization server requires nonce in DPoP proof.", **{"DPoP-Nonce": self.nonce})
        return thumbprint, None

    def _given(self, wanted: frozenset[str], bound: str) -> Reply:
        scopes = wanted & self.granted
        if self.refuses_scopes and scopes != wanted:
            return UNGRANTED
        if not scopes:
            return NOTHING_GRANTED
        token = f"canary-access-token-{secrets.token_urlsafe(24)}"
        self.tokens[token] = scopes, time.time() + self.life, bound
        kind = "DPoP" if bound else "Bearer"
        return 200, {}, {"token_type": kind, "expires_in": self.life, "access_token": token, "scope": " ".join(sorted(scopes))}

    # --- requests with a token

    def refused(self, path: str, headers: Mapping[str, str]) -> Reply | None:
        """Why a request with a token is refused; None when it is not."""
        scheme, _, token = headers.get("Authorization", "").partition(" ")
        scope = next((scope for pattern, scope in SCOPES.items() if re.fullmatch(pattern, path)), "")
        scopes, end, bound = self.tokens.get(token, (frozenset(), 0.0, ""))
        if end <= time.time() or scheme != ("DPoP" if bound else "Bearer"):
            return self._challenge(401, scheme, path, scope, "invalid_token", "The access token is invalid.")
        if bound and (refused := self._unproved(path, headers, token, bound)):
            return refused
        if scope not in scopes:
            return self._challenge(
                403, scheme, path, scope, "insufficient_scope", "The access token provided does not contain the required scopes."
            )
        return None

    def _unproved(self, path: str, headers: Mapping[str, str], token: str, bound: str) -> Reply | None:
        fault, claims, thumbprint = self._proved(headers.get("DPoP", ""), "GET", path)
        ath = base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=").decode()
        if fault or thumbprint != bound or claims.get("ath") != ath:
            return _refused(400, "invalid_dpop_proof", fault or "The DPoP proof does not match the access token.")
        if claims.get("nonce", "") != self.api_nonce:
            nonce = {"DPoP-Nonce": self.api_nonce, "WWW-Authenticate": 'DPoP error="use_dpop_nonce"'}
            return _refused(401, "use_dpop_nonce", "Resource server requires nonce in DPoP proof.", **nonce)
        return None

    def _challenge(self, status: int, scheme: str, path: str, scope: str, error: str, description: str) -> Reply:
        """A refusal as Okta gives it for OAuth 2.0: all that it says is in the header."""
        challenge = (
            f'{scheme} authorization_uri="{self.url}/oauth2/v1/authorize", realm="{self.url}", scope="{scope}", error="{error}", '
            f'error_description="{description}", resource="{path}"'
        )
        return status, {"WWW-Authenticate": challenge, **({"DPoP-Nonce": self.api_nonce} if scheme == "DPoP" else {})}, b""

    def _proved(self, proof: str, method: str, path: str) -> tuple[str, Mapping[str, Any], str]:
        """A fault of a proof, its claims, and the thumbprint of its key."""
        try:
            shown = jws.deserialize_compact(proof, lambda one: RSAKey.import_key(one.headers()["jwk"]), registry=_Registry())
            header, claims = shown.headers(), json.loads(shown.payload)
        except (JoseError, KeyError, ValueError):
            return "The DPoP proof JWT is invalid.", {}, ""
        wrong = [name for name, value in {"htm": method, "htu": self.url + path}.items() if claims.get(name) != value]
        if header.get("typ") != "dpop+jwt" or header["jwk"].keys() & {"d", "p", "q"} or abs(claims["iat"] - time.time()) > 300:
            wrong.append("header or iat")
        if claims["jti"] in self._used:
            wrong.append("jti")
        self._used.add(claims["jti"])
        return f"The DPoP proof JWT is invalid: {wrong}" if wrong else "", claims, RSAKey.import_key(header["jwk"]).thumbprint()
