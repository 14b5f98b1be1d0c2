"""Azure's errors in our words."""

from __future__ import annotations

import re

from azure.core import exceptions as azure
from azure.identity import CredentialUnavailableError

from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, ScopeError, Throttled, TimedOut, Unsupported

_ACTION = re.compile(r"action '([^']+)'")
_SIGN_IN = {
    "AADSTS7000222": "the client secret has expired: make a new one for the app registration",
    "AADSTS7000215": "the client secret is wrong: use the secret's value, not its id",
    "AADSTS700016": "the client_id is not known in this tenant",
    "AADSTS700024": "the federated token is too old: check the clock, and AZURE_FEDERATED_TOKEN_FILE",
    "AADSTS90002": "the tenant_id is not known to Azure",
}
_UNSUPPORTED = frozenset(
    {"MissingSubscriptionRegistration", "DisallowedProvider", "FeatureNotSupportedForAccount", "NoRegisteredProviderFound"}
)


def classify(error: Exception) -> ProviderError | None:
    """Our error for one of the SDK's, or None."""
    match error:
        case CredentialUnavailableError():
            return CredentialsError(
                "this machine has no managed identity: give the job tenant_id, client_id and client_secret, or set AZURE_CREDENTIALS_FILE",
                detail=error.message,
            )
        case azure.ClientAuthenticationError(__cause__=azure.ServiceRequestError() | azure.ServiceResponseError() as silence):
            return _unheard(silence, " at the sign-in")
        case azure.ClientAuthenticationError():
            return CredentialsError(_sign_in_sentence(error.message), detail=error.message)
        case azure.DecodeError() | azure.DeserializationError():
            return BadAnswer("Azure answered with something that is not JSON", detail=str(error.message))
        case azure.HttpResponseError():
            return _by_status(error)
        case azure.ServiceRequestError() | azure.ServiceResponseError():
            return _unheard(error)
        case _:
            return None


def _unheard(error: azure.AzureError, where: str = "") -> ProviderError:
    detail = str(error.message)
    if "CERTIFICATE_VERIFY_FAILED" in detail:
        return BadAnswer(f"the TLS certificate of Azure{where} is not trusted: set AZURE_CA_BUNDLE if a proxy signs its own", detail=detail)
    return TimedOut(f"no answer from Azure{where}: {type(error).__name__}", detail=detail)


def _by_status(error: azure.HttpResponseError) -> ProviderError:
    code = getattr(error.error, "code", None) or ""
    detail = f"{error.status_code} {code}: {error.message}"
    if code in _UNSUPPORTED:
        return Unsupported(f"not available in this subscription ({code})", detail=detail)
    match error.status_code:
        case 401:
            return CredentialsError(_sign_in_sentence(error.message or code), detail=detail)
        case 403:
            return _denied(error, code, detail)
        case 429:
            return Throttled("Azure asks to slow down (429), and still did after five tries", detail=detail)
        case 408 | 500 | 502 | 503 | 504:
            return TimedOut(f"Azure answered {error.status_code} {code}".rstrip() + ", and still did after five tries", detail=detail)
        case _:
            return ScopeError(f"Azure answered {error.status_code} {code}".rstrip(), detail=detail)


def _denied(error: azure.HttpResponseError, code: str, detail: str) -> Denied:
    found = _ACTION.search(error.message or "")
    permission = found.group(1) if found else ""
    needed = f"the permission {permission}" if permission else "a permission"
    return Denied(f"Azure refuses ({code or 403}): {needed} is missing; the role Reader has it", permission=permission, detail=detail)


def _sign_in_sentence(message: str | None) -> str:
    for code, sentence in _SIGN_IN.items():
        if code in (message or ""):
            return f"cannot sign in to Azure: {sentence}"
    if "ExpiredAuthenticationToken" in (message or ""):
        return "Azure says that the token has expired: check the clock of this machine and the credential"
    return "cannot sign in to Azure: check tenant_id, client_id and client_secret"
