"""Errors that Microsoft's libraries raise themselves, as ours."""

from __future__ import annotations

from azure.core import exceptions as azure
from azure.identity import CredentialUnavailableError

from providers.errors import BadAnswer, CredentialsError, ProviderError, ScopeError
from providers.microsoft.signin_faults import PRODUCTS, sign_in_error


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
        case azure.ClientAuthenticationError():
            return sign_in_error(str(error.message), prefix)
        case azure.DecodeError() | azure.DeserializationError():
            return BadAnswer(f"{product} answers with something that is not JSON", detail=str(error.message))
        case azure.HttpResponseError():
            return ScopeError(f"{product} answers {error.status_code} where no such answer is known", detail=str(error.message))
        case _:
            return None
