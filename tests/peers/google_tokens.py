"""Google's token endpoints: signed JWTs, refresh tokens and federated tokens for bearer tokens; and the metadata server of a machine."""

from __future__ import annotations

import base64
import itertools
import json
import time
from functools import cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

GOOGLES = "https://oauth2.googleapis.com/token"
ACCOUNT = "reader@my-gcp-project-123.iam.gserviceaccount.com"
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CLOUD = "https://www.googleapis.com/auth/cloud-platform"
PERSON = {"client_id": "gcloud", "client_secret": "canary-client-secret", "refresh_token": "canary-refresh-token"}
FEDERATED = "canary-federated-token"

Refused = tuple[int, str, str] | tuple[int, str, str, str] | tuple


@cache
def _private() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)  # of a size that is quick to load, as each sign-in does


class Tokens:
    """The accounts, what is delegated to them, and the tokens given out: token -> (scopes, valid until)."""

    def __init__(self) -> None:
        self.accounts = {ACCOUNT}
        self.people: set[str] = {"admin@example.com"}
        self.delegated: set[str] | None = None
        self.given: dict[str, tuple[frozenset[str], float]] = {}
        self.lifetime = 3599
        self._number = itertools.count(1)

    def key(self, **changes: object) -> dict:
        """A service account's JSON, as the console gives it out; `private_key=None` and the like leave a field out."""
        pem = _private().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        found = {
            "type": "service_account",
            "project_id": "my-gcp-project-123",
            "private_key_id": "canary0123456789",
            "private_key": pem.decode(),
            "client_email": ACCOUNT,
            "client_id": "100000000000000000001",
            "auth_uri": "https://accounts.google.com/o/oauth2/auth",
            "token_uri": GOOGLES,
            "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
            "client_x509_cert_url": "https://www.googleapis.com/robot/v1/metadata/x509/reader",
            "universe_domain": "googleapis.com",
            **changes,
        }
        return {name: value for name, value in found.items() if value is not None}

    def grant(self, form: dict[str, str], url: str) -> dict | Refused:
        """The token endpoint's answer to a form."""
        match form.get("grant_type"):
            case "refresh_token":
                if PERSON.items() <= form.items():
                    return self._give(form.get("scope", CLOUD))
                return 400, "invalid_grant", "Token has been expired or revoked."
            case _ if form.get("grant_type") == EXCHANGE:
                if form.get("subject_token") == FEDERATED:
                    return self._give(form["scope"]) | {"issued_token_type": "urn:ietf:params:oauth:token-type:access_token"}
                return 400, "invalid_grant", "The given subject token is not valid."
            case other if other != GRANT:
                return 400, "unsupported_grant_type", f"Invalid grant_type: {other}"
        return self._signed(form, url)

    def _signed(self, form: dict[str, str], url: str) -> dict | Refused:
        claims = _claims(form.get("assertion", ""))
        if claims is None:
            return 400, "invalid_grant", "Invalid JWT Signature."
        if claims.get("iss") not in self.accounts:
            return 400, "invalid_grant", "Invalid grant: account not found"
        if claims.get("aud") not in (GOOGLES, f"{url}/token"):
            return 400, "invalid_grant", "Invalid JWT: Failed audience check."
        issued, expires, now = claims.get("iat", 0), claims.get("exp", 0), time.time()
        if not (issued - 300 <= now <= expires and expires - issued <= 3600):
            text = (
                "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable timeframe. Check your iat and exp values"
            )
            return 400, "invalid_grant", f"{text} in the JWT claim."
        scopes = frozenset(claims.get("scope", "").split())
        if not scopes:
            return 400, "invalid_scope", "Invalid OAuth scope or ID token audience provided."
        if "sub" in claims and claims["sub"] != claims["iss"]:
            if claims["sub"] not in self.people:
                return 400, "invalid_grant", "Invalid email or User ID"
            if self.delegated is not None and not scopes <= self.delegated:
                text = "Client is unauthorized to retrieve access tokens using this method, or client not authorized for any of the scopes"
                return 401, "unauthorized_client", f"{text} requested."
        return self._give(" ".join(scopes))

    def metadata(self, path: str, query: dict[str, list[str]]) -> dict | Refused:
        """The metadata server of a machine whose service account is `ACCOUNT`."""
        account = "/computeMetadata/v1/instance/service-accounts/"
        if path == f"{account}default/":
            return {"email": ACCOUNT, "scopes": [CLOUD], "aliases": ["default"]}
        if path in (f"{account}{ACCOUNT}/token", f"{account}default/token"):
            return self._give(" ".join(query.get("scopes", [CLOUD])).replace(",", " "))
        return 404, "notFound", f"no such metadata: {path}"

    def _give(self, scopes: str) -> dict:
        token = f"ya29.canary-{next(self._number)}"
        self.given[token] = frozenset(scopes.split()), time.time() + self.lifetime
        return {"access_token": token, "expires_in": self.lifetime, "token_type": "Bearer"}

    def forget(self) -> None:
        """Every token given out so far is refused from now on, whatever was said of its life."""
        self.given.clear()

    def refuses(self, header: str, scopes: frozenset[str]) -> Refused | None:
        """Why this Authorization header is not good for a method with these scopes."""
        token = header.removeprefix("Bearer ")
        held = self._held(token)
        if held is None:
            text = "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid credential."
            return 401, "authError", text, "UNAUTHENTICATED"
        if scopes and not held & scopes:
            detail = {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT",
                "domain": "googleapis.com",
            }
            text = "Request had insufficient authentication scopes."
            wanted = f'Bearer realm="https://accounts.google.com/", error="insufficient_scope", scope="{" ".join(sorted(scopes))}"'
            return 403, "insufficientPermissions", text, "PERMISSION_DENIED", (detail,), "global", (("WWW-Authenticate", wanted),)
        return None

    def _held(self, token: str) -> frozenset[str] | None:
        if token in self.given:
            scopes, until = self.given[token]
            return scopes if time.time() < until else None
        claims = _claims(token)  # a self-signed JWT, as the Cloud clients send it
        if claims and claims.get("iss") in self.accounts and time.time() < claims.get("exp", 0):
            return frozenset(claims.get("scope", CLOUD).split())
        return None


def _claims(token: str) -> dict | None:
    """The claims of a JWT that our key has signed."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        header, claims, signature = (base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)) for part in parts)
        _private().public_key().verify(signature, f"{parts[0]}.{parts[1]}".encode(), padding.PKCS1v15(), hashes.SHA256())
        assert json.loads(header)["alg"] == "RS256"
        return json.loads(claims)
    except (ValueError, InvalidSignature):
        return None
