"""Refused sign-ins of a service app: what Okta's words mean, and what to do."""

from __future__ import annotations

from providers.errors import CredentialsError, ProviderError
from providers.http.response import HttpResponse, foreign, own_words

SENTENCES = {
    "kid is invalid": "the app has several keys, or none with this id: set OKTA_KEY_ID to the id (KID) of the key under Public Keys",
    "signature is invalid": "OKTA_PRIVATE_KEY does not belong to the app's public key of that id: check it and OKTA_KEY_ID",
    "private_key_jwt": "choose 'Public key / Private key' as the client authentication of the app, and add the key",
    "does not have a jwkset": "the app has no public key: choose 'Public key / Private key' as its client authentication, and add the key",
    "expir": "the clock of this machine differs from Okta's by more than half an hour",
    "audience": "the organization goes by another name: set OKTA_DOMAIN to the domain that Okta shows for it",
    "grant type": "the app is not a service app: make one of the kind 'API Services', as another kind has no client credentials",
}
"""Explanations by words of Okta's own description, in lower case; the first that fits counts."""

_UNKNOWN = "check OKTA_CLIENT_ID, that the app is active, and that its key is OKTA_PRIVATE_KEY"


class ScopesRefused(CredentialsError):
    """Okta does not grant a scope that was asked for."""


def refused(answer: HttpResponse, *, has_proof: bool) -> ProviderError:
    """The error for an answer of the token endpoint that has no token."""
    body, said, detail = answer.document(), own_words(answer), answer.text()
    error, words = str(body.get("error") or body.get("errorCode") or ""), str(body.get("error_description") or "").lower()
    if not error:
        return foreign("Okta", answer, "sign in")
    if error == "invalid_scope":
        return ScopesRefused(f"Okta refuses a scope{said}", detail=detail)
    if error == "consent_required":
        return nothing_granted(detail)
    if error in ("invalid_dpop_proof", "use_dpop_nonce") and has_proof:
        return CredentialsError(
            f"Okta does not accept the proof of possession (DPoP) of the service app ({error}): check the clock of this machine, or "
            f"clear 'Require Demonstrating Proof of Possession (DPoP) header' in the app's General Settings{said}",
            detail=detail,
        )
    reason = next((sentence for part, sentence in SENTENCES.items() if part in words), _UNKNOWN)
    return CredentialsError(f"Okta refuses the sign-in of the service app ({error}): {reason}{said}", detail=detail)


def nothing_granted(detail: str) -> CredentialsError:
    """The error for an app to which none of the scopes is granted."""
    return CredentialsError(
        "none of the scopes is granted to the service app: grant in its tab 'Okta API Scopes' those that "
        "`elder-worker providers okta --policy` prints",
        detail=detail,
    )
