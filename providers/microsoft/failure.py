"""Errors that Microsoft's libraries raise themselves, as ours."""

from __future__ import annotations

from azure.core import exceptions as azure
from azure.identity import CredentialUnavailableError

from providers.errors import BadAnswer, CredentialsError, ProviderError, ScopeError, TimedOut
from providers.microsoft.signin_faults import PRODUCTS, sign_in_error

_NOT_MICROSOFTS = ("Unexpected response from Microsoft Entra ID", "No response content from Microsoft Entra ID")
"""How azure-identity words that an answer is not JSON, or holds neither a token nor an error."""


def of_signin(error: Exception, prefix: str, *, renewed: bool = False) -> ProviderError | None:
    """Our error for one that azure-identity lets through, or None. `renewed` says that there was a token before.

    A managed identity that has given one is there: when its endpoint does not answer, it is silent, and not missing.
    """
    match error:
        case CredentialUnavailableError(__cause__=ProviderError() as ours) if renewed:
            return ours
        case CredentialUnavailableError(__cause__=ValueError()) if renewed:
            return BadAnswer("the managed identity endpoint answers with something that is not JSON", detail=str(error.message))
        case OSError(filename=str() as path):
            sentence = (
                f"cannot sign in to {PRODUCTS[prefix][0]}: {path} cannot be read ({error.strerror}): see whether the token is mounted"
            )
            return CredentialsError(sentence, detail=str(error))
    return classify(error, prefix)


def classify(error: Exception, prefix: str) -> ProviderError | None:
    """Our error for one that the SDK raises itself, or None. `prefix` is that of the operator's variables: ``AZURE_``."""
    product = PRODUCTS[prefix][0]
    match error:
        case CredentialUnavailableError():
            return CredentialsError(
                f"this machine has no managed identity: give tenant_id, client_id and client_secret, or set {prefix}CREDENTIALS_FILE",
                detail=str(error.message),
            )
        case azure.ClientAuthenticationError(__cause__=ProviderError() as ours):  # raised by our transport, wrapped by azure-identity
            return ours
        case azure.ClientAuthenticationError() if _is_foreign(error):
            return BadAnswer(
                f"what answers the sign-in to {product} is not Microsoft Entra: is a proxy in between, or {prefix}AUTHORITY_HOST wrong?",
                detail=str(error.message),
            )
        case azure.ClientAuthenticationError():
            return sign_in_error(str(error.message), prefix)
        case azure.DecodeError() | azure.DeserializationError():
            return BadAnswer(f"{product} answers with something that is not JSON", detail=str(error))
        case azure.HttpResponseError():
            return ScopeError(f"{product} answers {error.status_code} where no such answer is known", detail=str(error.message))
        case azure.ServiceRequestError() | azure.ServiceResponseError():
            return TimedOut(f"no answer from {product}, or the connection was cut ({type(error).__name__})", detail=str(error.message))
        case azure.AzureError() | azure.SerializationError():
            words = str(error).strip().partition("\n")[0][:300]
            return ScopeError(f"the SDK of {product} does not make the call or read its answer ({words})", detail=str(error))
        case _:
            return None


def _is_foreign(error: azure.ClientAuthenticationError) -> bool:
    """True for a sign-in that was answered with something else than a token or a refusal of Microsoft Entra."""
    return isinstance(error.__cause__, ValueError | azure.DecodeError) or str(error.message).startswith(_NOT_MICROSOFTS)
