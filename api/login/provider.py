"""The identity provider: its discovery document and keys, the URL that people sign in at, and the ID token that they bring back."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

import msgspec
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwk, jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError

from api.login import claims as persons
from api.login.attempt import Attempt
from api.login.endpoints import Endpoints
from api.login.errors import ProviderFailed, SignInRefused
from providers.complaints import sentence
from worker.config.login import LoginSettings, is_safe
from worker.store.sessions import Person

log = logging.getLogger("api")

KEPT_FOR = 3600.0
"""Seconds for which the discovery document and the keys are kept."""

ASKED_AGAIN_AFTER = 60.0
"""Seconds after which keys are fetched anew for a token whose key is not among them."""

CLOCK_SKEW = 60
"""Seconds that the identity provider's clock may differ from ours."""

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that only the identity provider can make; those by the client's secret, and none at all, are refused."""


class Discovery(msgspec.Struct, frozen=True):
    """The part of a discovery document that is needed."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    end_session_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ("RS256",)
    authorization_response_iss_parameter_supported: bool = False

    def endpoints(self) -> dict[str, str]:
        """The addresses that we or the browser go to, by name."""
        return {name: url for name, url in msgspec.structs.asdict(self).items() if name.endswith(("_endpoint", "_uri")) and url}


class IdentityProvider:
    """One identity provider. Safe to use from several threads."""

    def __init__(self, settings: LoginSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._http = Endpoints(settings.elder_oidc_ca_bundle)
        self._found: tuple[float, Discovery] | None = None
        self._keys: tuple[float, jwk.KeySet] | None = None

    def address(self, attempt: Attempt) -> str:
        """The URL at which a person signs in. Raises `ProviderFailed`."""
        uri: str = prepare_grant_uri(
            self._discovery().authorization_endpoint,
            self._settings.elder_oidc_client_id,
            "code",
            self._redirect_uri,
            list(self._settings.elder_oidc_scopes),
            attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return uri

    def leaving(self) -> str:
        """The URL at which a person ends the session at the identity provider itself; empty where it has none, or cannot be asked."""
        try:
            return self._discovery().end_session_endpoint
        except ProviderFailed:
            return ""

    def person(self, attempt: Attempt, answer: Mapping[str, str]) -> Person:
        """The person who signed in, by the query that the browser came back with. Raises `SignInRefused`, `ProviderFailed`."""
        found = self._discovery()
        self._check_issuer(found, answer)
        if "error" in answer:
            raise SignInRefused(f"the identity provider has refused the sign-in ({_shown(answer['error'])}): {_described(answer)}")
        if not answer.get("code"):
            raise SignInRefused("the identity provider's answer has no code: sign in again")
        tokens = self._tokens(found, answer["code"], attempt)
        claims = self._claims(found, tokens, attempt.nonce)
        return persons.person(self._completed(found, claims, tokens), self._settings)

    @property
    def _redirect_uri(self) -> str:
        return f"{self._settings.elder_oidc_url.rstrip('/')}/login/callback"

    def _check_issuer(self, found: Discovery, answer: Mapping[str, str]) -> None:
        """Refuses an answer of another provider (RFC 9207), which would be given our code."""
        named = answer.get("iss")
        if named is None and found.authorization_response_iss_parameter_supported:
            raise SignInRefused("the answer does not name its identity provider, and ours always does: sign in again")
        if named is not None and named != found.issuer:
            raise SignInRefused(f"the answer comes from another identity provider ({_shown(named)}): sign in again")

    def _discovery(self) -> Discovery:
        """The discovery document, fetched at most once an hour. Raises `ProviderFailed`."""
        if self._found and self._clock() - self._found[0] < KEPT_FOR:
            return self._found[1]
        issuer = self._settings.elder_oidc_issuer
        raw = self._http.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration", "read its discovery document")
        try:
            found = msgspec.convert(raw, Discovery)
        except msgspec.ValidationError as error:
            raise ProviderFailed(
                f"nobody can sign in now: the discovery document of ELDER_OIDC_ISSUER is not usable: {sentence(error, Discovery)}"
            ) from None
        if found.issuer != issuer:
            raise ProviderFailed(
                f"nobody can sign in: ELDER_OIDC_ISSUER is '{issuer}', and the document there says '{_shown(found.issuer)}'"
            )
        for name, url in found.endpoints().items():
            if not is_safe(url.partition("?")[0]):
                raise ProviderFailed(f"nobody can sign in: `{name}` of the identity provider is not an https URL ({_shown(url)})")
        self._found = (self._clock(), found)
        return found

    def _tokens(self, found: Discovery, code: str, attempt: Attempt) -> dict[str, Any]:
        """The answer to the code: an ID token, and an access token. Raises `SignInRefused`, `ProviderFailed`."""
        secret, offered = self._settings.elder_oidc_client_secret, found.token_endpoint_auth_methods_supported
        method = "none" if not secret else "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
        form = prepare_token_request("authorization_code", redirect_uri=self._redirect_uri, code=code, code_verifier=attempt.verifier)
        names = (self._settings.elder_oidc_client_id, secret)
        auth = ClientAuth(*(map(_quoted, names) if method == "client_secret_basic" else names), method)
        url, headers, body = auth.prepare("POST", found.token_endpoint, {}, form)
        status, answer = self._http.post(url, "exchange a code", body, headers)
        if status >= 400:
            error = _shown(answer.get("error", status))
            log.warning("the identity provider has refused a code: %s, %s", error, _shown(answer.get("error_description", "")))
            if error == "invalid_grant":
                raise SignInRefused("the identity provider does not take this sign-in any more (invalid_grant): sign in again")
            raise ProviderFailed(f"nobody can sign in: the identity provider answers '{error}': check ELDER_OIDC_CLIENT_ID and its secret")
        if not isinstance(answer.get("id_token"), str):
            raise ProviderFailed("nobody can sign in: the identity provider's answer has no ID token")
        return answer

    def _claims(self, found: Discovery, tokens: Mapping[str, Any], nonce: str) -> dict[str, Any]:
        """The claims of the ID token, whose signature, issuer, audience, times and nonce are right. Raises `SignInRefused`."""
        try:
            token = self._decoded(found, tokens["id_token"])
            options = {
                "iss": {"essential": True, "value": found.issuer},
                "aud": {"essential": True, "value": self._settings.elder_oidc_client_id},
            }
            params = {"nonce": nonce, "client_id": self._settings.elder_oidc_client_id, "access_token": tokens.get("access_token")}
            claims = CodeIDToken(token.claims, token.header, options, params)
            claims.validate(now=int(time.time()), leeway=CLOCK_SKEW)
        except ExpiredTokenError:
            raise SignInRefused(f"the identity provider's ID token has expired: {_CLOCKS}") from None
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:  # a token is untrusted text
            log.warning("an ID token is refused: %s: %s", type(error).__name__, error)
            raise SignInRefused(f"the identity provider's ID token is refused ({_shown(error)}): {_CLOCKS}") from None
        return dict(claims)

    def _decoded(self, found: Discovery, token: str) -> jwt.Token:
        algorithms = [one for one in ALGORITHMS if one in found.id_token_signing_alg_values_supported]
        try:
            return jwt.decode(token, self._key_set(found, KEPT_FOR), algorithms=algorithms)
        except (InvalidKeyIdError, ValueError):  # no such key: the provider may have changed its keys
            return jwt.decode(token, self._key_set(found, ASKED_AGAIN_AFTER), algorithms=algorithms)

    def _key_set(self, found: Discovery, oldest: float) -> jwk.KeySet:
        """The provider's keys, fetched anew when ours are older than `oldest` seconds. Raises `ProviderFailed`."""
        if self._keys and self._clock() - self._keys[0] < oldest:
            return self._keys[1]
        raw = self._http.get(found.jwks_uri, "read its keys")
        try:
            keys = jwk.KeySet.import_key_set({"keys": [key for key in raw["keys"] if key.get("kty") in ("RSA", "EC", "OKP")]})
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ProviderFailed(f"nobody can sign in now: the identity provider's keys are not usable: {_shown(error)}") from None
        self._keys = (self._clock(), keys)
        return keys

    def _completed(self, found: Discovery, claims: dict[str, Any], tokens: Mapping[str, Any]) -> dict[str, Any]:
        """The claims, with those of the userinfo endpoint where the ID token has no roles; many providers keep groups there."""
        access = tokens.get("access_token")
        if persons.has_role_claim(claims, self._settings) or not found.userinfo_endpoint or not isinstance(access, str):
            return claims
        more = self._http.get(found.userinfo_endpoint, "read who signed in", {"Authorization": f"Bearer {access}"})
        if more.get("sub") != claims["sub"]:
            raise SignInRefused("the identity provider's userinfo is of somebody else than its ID token: sign in again")
        return {**more, **claims}


_CLOCKS = "sign in again; if it happens again, compare the clocks of this host and the identity provider"


def _described(answer: Mapping[str, str]) -> str:
    return _shown(answer.get("error_description") or "it does not say why")


def _quoted(text: str) -> str:
    """An ID or a secret as RFC 6749 (2.3.1) has it in a header."""
    return quote(text, safe="")


def _shown(value: Any) -> str:
    """A text of the provider's, as a sentence can hold it."""
    return "".join(filter(str.isprintable, str(value)))[:200]
