"""Microsoft Graph: lists to their last page, and the errors that its refusals mean."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from providers import expiry
from providers.entra.catalogue import APPLICATIONS, GROUPS, TENANT, Listing
from providers.entra.config import EntraConfig, EntraOperator
from providers.errors import BadAnswer, CredentialsError, Denied, PageExpired, ProviderError, Unsupported
from providers.http.client import Http
from providers.http.response import HttpResponse, foreign
from providers.microsoft.partial import ensure_whole
from providers.microsoft.signin import AUTHORITIES, SignIn, trust
from providers.microsoft.signin_faults import NEW_SIGN_IN, sign_in_error
from providers.pages import Page, items, restarted

NAME = "Microsoft Graph"
PREFIX = "ENTRA_"
GRAPHS = {
    "AzureCloud": "https://graph.microsoft.com",
    "AzureUSGovernment": "https://graph.microsoft.us",
    "AzureChinaCloud": "https://microsoftgraph.chinacloudapi.cn",
}
"""Microsoft Graph of each cloud."""

_EXPIRED = frozenset({"directory_expiredpagetoken", "expiredpagetoken", "invalidpagetoken", "requestexpired"})
_UNLICENSED = frozenset({"authentication_requestfromnonpremiumtenantorb2ctenant", "tenantlicenserequired", "aadpremiumlicenserequired"})
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


class Gone(Unsupported):
    """There is no such object (any more)."""


class Client:
    """One tenant, as one principal. Safe to use from several threads."""

    def __init__(self, config: EntraConfig, operator: EntraOperator) -> None:
        graph = GRAPHS[operator.cloud]
        self._sign_in = SignIn(config, operator, operator.authority_host or AUTHORITIES[operator.cloud], PREFIX)
        self.who = self._sign_in.who
        self._configured = config.tenant_id
        bearer = self._sign_in.bearer([f"{graph}/.default"])
        self.http = Http(
            operator.graph_url or graph,
            NAME,
            headers=bearer.headers,
            renew=bearer.renew,
            explain=_explained,
            confirm=TENANT.listing.url(),
            advice="check ENTRA_GRAPH_URL" if operator.graph_url else "is it reachable from here?",
            trust=trust(PREFIX),
            ca_file=operator.ca_bundle,
        )

    def close(self) -> None:
        """Closes all connections to Microsoft Graph."""
        self.http.close()
        self._sign_in.close()

    def tenant(self) -> dict[str, Any]:
        """The tenant; of one whose description may not be read, the id alone, where the config has it. Raises `ProviderError`."""
        try:
            return next(self.list(TENANT.listing, TENANT.permission))
        except Denied:
            if not _GUID.fullmatch(self._configured):
                raise
            return {"id": self._configured.lower()}
        except StopIteration:
            raise BadAnswer(f"{NAME} names no tenant at '{TENANT.listing.what}'") from None

    def expires_at(self) -> str:
        """The end of the certificate or secret that is signed in with; empty where it is not known.

        The app registration names each secret by its first characters. Where several begin alike, the first of them to end counts.
        """
        hint = self._sign_in.hint
        if not hint:
            return self._sign_in.expires_at
        try:
            path = f"/v1.0/applications(appId='{quote(self.who, safe='')}')?$select=passwordCredentials"
            found = self.http.get(path, what="look up the app", permission=APPLICATIONS.permission, quota="graph").object()
        except ProviderError:  # it may be an app of another tenant, or not be readable
            return ""
        secrets = found.get("passwordCredentials")
        alike = [one for one in secrets if isinstance(one, dict) and one.get("hint") == hint] if isinstance(secrets, list) else []
        return min(filter(None, (expiry.of_moment(str(one.get("endDateTime"))) for one in alike)), default="")

    def list(self, listing: Listing, permission: str, identifier: str = "") -> Iterator[dict[str, Any]]:
        """Every item once, to the last page. A list whose page token expires is begun anew. Raises `ProviderError`."""

        def read() -> Iterator[Page]:
            return self.http.pages(listing.url(identifier), _page(listing), what=listing.what, permission=permission, quota="graph")

        return items(restarted(read, key=_key))

    def has_group(self, group: str) -> bool:
        """True for the id of a group that is there."""
        listing = Listing(f"{GROUPS.listing.path}/{{id}}")
        try:
            self.http.get(listing.url(group), what="look up a group", permission=GROUPS.permission, quota="graph")
        except Gone:
            return False
        return True


def _page(listing: Listing) -> Any:
    def read(answer: HttpResponse) -> Page:
        body = answer.object()
        found = body.get("value")
        ensure_whole(body, f"{NAME} answered '{listing.what}'")
        if not isinstance(found, list):
            raise BadAnswer(f"{NAME} answered '{listing.what}' with something that is not a list: is a proxy in between?")
        return Page(found, body.get("@odata.nextLink") or None)

    return read


def _key(item: Any) -> str:
    """Returns the key that identifies an item when a list is read again."""
    found = item.get("id") if isinstance(item, dict) else None
    return found if isinstance(found, str) else json.dumps(item, sort_keys=True, default=str)


def _explained(answer: HttpResponse, what: str) -> ProviderError | None:
    """The error that one of Graph's codes means; None for codes that are read by their status."""
    code, message = _error(answer)
    low, detail = code.lower(), answer.text()
    if low in _EXPIRED:
        return PageExpired(f"the pages of '{what}' expired ({code})", detail=detail)
    if low in _UNLICENSED:
        return Unsupported(f"the tenant has no licence for '{what}' ({code})", detail=detail)
    if answer.status == 401:
        if "AADSTS" in message:
            return sign_in_error(message, PREFIX)
        return CredentialsError(
            f"{NAME} does not accept the token ({code or 401}): {message[:300].rstrip('. ')}; {NEW_SIGN_IN}", detail=detail
        )
    if answer.status == 404 and low in ("request_resourcenotfound", "resourcenotfound", "directory_objectnotfound"):
        return Gone(f"{NAME} knows of no such object at '{what}' ({code})", detail=detail)
    return foreign(NAME, answer, what) if answer.status == 404 and not code else None


def _error(answer: HttpResponse) -> tuple[str, str]:
    error = answer.document().get("error")
    return (str(error.get("code") or ""), str(error.get("message") or "")) if isinstance(error, dict) else ("", "")
