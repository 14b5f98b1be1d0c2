"""Refused sign-ins: Microsoft Entra's AADSTS codes, each with what it means here and what to do."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from providers.errors import CredentialsError, ProviderError, Throttled, TimedOut
from providers.http.response import HttpResponse, foreign

_CODE = re.compile(r"AADSTS(\d{4,8})")

SENTENCES = {
    "7000215": "the client secret is wrong: use the secret's value, not its id",
    "7000222": "the client secret has expired: make a new one for the app registration",
    "7000216": "the app needs a client secret or a certificate, and none was sent: set client_secret",
    "7000218": "the app needs a client secret or a certificate, and none was sent: set client_secret",
    "7000112": "the app registration is disabled in this tenant: an administrator can enable it under Enterprise applications",
    "7000229": "the app has no service principal in this tenant: an administrator creates it with `az ad sp create --id <client_id>`",
    "700016": "the client_id is not known in this tenant: check client_id and tenant_id",
    "700024": "the federated token is too old: check the clock, and AZURE_FEDERATED_TOKEN_FILE",
    "700027": "the certificate or federated token is not one that the app trusts: check its credentials",
    "70021": "no federated credential of the app matches this token: check issuer, subject and audience of the credential",
    "700211": "no federated credential of the app matches the token's issuer: check the credential's issuer",
    "700212": "no federated credential of the app matches the token's audience: check the credential's audience",
    "700213": "no federated credential of the app matches the token's subject: check the credential's subject",
    "70025": "the app has no federated credential: add one, or use a client secret",
    "90002": "the tenant_id is not known in this cloud: check it, and {prefix}CLOUD",
    "900021": "the tenant_id is not valid: it must be a GUID or a domain of the tenant",
    "900023": "the tenant_id is not valid: it must be a GUID or a domain of the tenant",
    "50020": "the account belongs to another tenant: check tenant_id",
    "50194": "the app is for one tenant only, and not for this one: check tenant_id",
    "90072": "the account does not exist in this tenant: check tenant_id",
    "500011": "the tenant does not know {api} under this address: check {prefix}CLOUD and tenant_id",
    "50001": "the tenant does not know {api} under this address: check {prefix}CLOUD and tenant_id",
    "500014": "the service principal of {api} is disabled in this tenant: an administrator can enable it",
    "900382": "the app belongs to another Azure cloud: set {prefix}CLOUD",
    "900432": "the app belongs to another Azure cloud: set {prefix}CLOUD",
    "900439": "the app belongs to Azure Government: set {prefix}CLOUD to AzureUSGovernment",
    "65001": "an administrator has not consented to the app in this tenant",
    "50105": "the app requires an assignment that this principal does not have: assign it under Enterprise applications",
    "50034": "the account does not exist in this tenant: check tenant_id and client_id",
    "50057": "the account is disabled in this tenant: an administrator can enable it",
    "53003": "a Conditional Access policy blocks this sign-in: allow this worker's network, or exclude the app from the policy",
    "53000": "a Conditional Access policy asks for a compliant device, which a worker is not: exclude the app from the policy",
    "53001": "a Conditional Access policy asks for a joined device, which a worker is not: exclude the app from the policy",
    "53002": "a Conditional Access policy asks for an approved app: exclude this one from the policy",
    "53004": "a policy asks for more sign-in methods than a worker can have: exclude the app from the policy",
    "53011": "the tenant blocks this principal as risky: an administrator can dismiss the risk in Entra ID Protection",
    "530032": "a security policy of the tenant blocks this sign-in: ask its administrator",
    "530035": "the tenant's security defaults block this sign-in: ask its administrator",
    "530036": "a security policy of the tenant blocks this sign-in: ask its administrator",
    "50076": "the tenant asks for a second factor, which a worker does not have: use a service principal",
    "50079": "the tenant asks for a second factor, which a worker does not have: use a service principal",
    "50158": "the tenant asks for an external check, which a worker cannot pass: use a service principal that is exempt",
    "5000811": "the token's signature cannot be verified: check the app's credentials",
    "50012": "the credential could not be verified: check the clock and the app's credentials",
    "50013": "the federated token is not valid: check its issuer and the clock",
    "500133": "the federated token is not within its valid time: check the clock of this machine",
    "5000225": "the tenant is blocked by Microsoft, as it was not used for long: ask Microsoft's support",
    "50059": "no tenant was named: set tenant_id",
    "90013": "a value of the sign-in is not valid: check tenant_id, client_id and client_secret for blanks and quotes",
    "90019": "no tenant was named: set tenant_id",
}
"""Explanations by the number of the AADSTS code; `{api}` is the API that is signed in to, `{prefix}` that of the operator's variables."""

PRODUCTS = {"AZURE_": ("Azure", "Resource Manager"), "ENTRA_": ("Microsoft Entra ID", "Microsoft Graph")}
"""Names of the sign-in and of the API that it is for, by the prefix of the operator's variables."""

NEW_SIGN_IN = "check the app registration, its secret or certificate, and the clock of this machine"
"""The advice for a token that is refused after the sign-in has given it."""

_BUSY = {"50196": Throttled, "90055": Throttled, "90033": TimedOut, "90006": TimedOut, "90012": TimedOut}
"""Codes that pass by themselves."""


def sign_in_explained(prefix: str) -> Callable[[HttpResponse, str], ProviderError | None]:
    """A function that gives the error which an answer of Microsoft Entra means; None leaves it to the usual reading."""

    def explain(answer: HttpResponse, what: str) -> ProviderError | None:
        try:
            found = json.loads(answer.body)
            text = str(found.get("error_description") or found.get("error") or "")
        except (ValueError, AttributeError, RecursionError):
            text = ""
        if answer.status == 429 or (answer.status >= 500 and not _CODE.search(text)):
            return None
        if answer.is_foreign and not _CODE.search(answer.text()):
            return foreign(f"{PRODUCTS[prefix][0]}'s sign-in", answer, what)
        return sign_in_error(text or answer.text(), prefix)

    return explain


def sentence(code: str, prefix: str) -> str:
    """The explanation of a code, with the API and the variables of the product."""
    return SENTENCES[code].format(api=PRODUCTS[prefix][1], prefix=prefix)


def sign_in_error(text: str, prefix: str) -> ProviderError:
    """The error for Microsoft Entra's own description of it. `prefix` is that of the operator's variables: ``AZURE_``."""
    product = PRODUCTS[prefix][0]
    code = next((found for found in _CODE.findall(text) if found in SENTENCES or found in _BUSY), "")
    detail = text[:2000]
    if code in _BUSY:
        return _BUSY[code](f"Microsoft Entra cannot sign anybody in at the moment (AADSTS{code})", detail=detail)
    if code:
        return CredentialsError(f"cannot sign in to {product}: {sentence(code, prefix)} (AADSTS{code})", detail=detail)
    unknown = _CODE.search(text)
    if unknown:
        reason = text[unknown.end() :].lstrip(": ").partition("Trace ID")[0].partition("\n")[0].strip()[:300]
        return CredentialsError(f"cannot sign in to {product} ({unknown[0]}): {reason}", detail=detail)
    return CredentialsError(f"cannot sign in to {product}: check tenant_id, client_id and client_secret", detail=detail)
