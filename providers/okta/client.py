"""Okta's API: lists to their last page, and the errors that Okta's refusals mean."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from providers.address import base_url, display_host
from providers.catalogue.paths import first, is_text
from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, ScopeError, Unsupported
from providers.http import quota
from providers.http.client import Http
from providers.http.credential import Credential
from providers.http.response import HttpResponse, foreign, next_link, own_words
from providers.okta.catalogue import GROUP, ME, SCOPES, Listing
from providers.okta.config import OktaConfig
from providers.pages import Page, items
from providers.records import Identity

if TYPE_CHECKING:
    from providers.okta.signin import ServiceApp

_INSUFFICIENT = re.compile(r'(?=.*\berror="insufficient_scope").*\bscope="([^"]*)"')
"""A challenge whose token lacks a scope: the scope. Okta then says nothing in the body."""


class Gone(Unsupported):
    """Okta itself says that there is no such object (any more)."""


class Client:
    """One organization, as one service app or one token."""

    def __init__(self, config: OktaConfig) -> None:
        url = base_url(config.domain)
        self.domain = display_host(url)
        name = f"Okta ({self.domain})"
        self._app = _service_app(config, url, name)
        self.http = self._of_app(self._app, url, name) if self._app else _of_token(config.api_token.strip(), url, name)

    def close(self) -> None:
        """Closes all open connections."""
        self.http.close()
        if self._app:
            self._app.close()

    def identity(self) -> tuple[Identity, float]:
        """The identity by which Okta knows us, and the time by its clock. Raises `CredentialsError`."""
        try:
            answer = (
                self._app.organization() if self._app else self.http.get(ME.path, what=ME.what, permission=ME.permission, quota=ME.path)
            )
        except (Unsupported, BadAnswer) as error:
            raise CredentialsError(f"there is no Okta organization at {self.domain}: check OKTA_DOMAIN", detail=error.detail) from None
        found, now = answer.object(), quota.clock(answer.headers)
        if self._app is None:
            return Identity(str(first(found, "profile.login") or found.get("id") or "unknown"), self.domain), now
        self._confirm()
        self.http.credential.accepted()
        return Identity(self._app.client_id, self.domain, {"organization": str(found.get("id") or "unknown")}), now

    def _of_app(self, app: ServiceApp, url: str, name: str) -> Http:
        return Http(
            url,
            name,
            headers=app.headers,
            renew=app.renew,
            prove=app.prove,
            explain=_explained_to_app,
            credential=Credential(name, self._confirm),
            advice="check OKTA_DOMAIN",
        )

    def _confirm(self) -> None:
        """Asks for one group: a service app is not a user, who could ask for itself. An app that is denied groups is accepted all the same.

        Raises `CredentialsError` when Okta does not accept the app, other errors without a verdict.
        """
        try:
            self.http.confirm(f"{GROUP.path}?limit=1")
        except Denied as denied:
            if not denied.permission:  # told by something that is not Okta
                raise

    def each(self, listing: Listing, name: str = "") -> Iterator[dict[str, Any]]:
        """Every item of a list, each with an id. Raises `BadAnswer` for one without. `name` fills the hole in the path."""
        for item in self.listed(listing, name):
            if not isinstance(item, dict) or not item.get("id") or not is_text(item["id"]):
                raise BadAnswer(f"Okta answered '{listing.what}' with an item that has no id: is a proxy in between?")
            yield item

    def listed(self, listing: Listing, name: str = "") -> Iterator[Any]:
        """Every item of a list as it comes, the next page fetched when it is needed."""
        path = _filled(listing, name)
        if listing.query:
            path += "?" + urlencode(listing.query)
        following = _next_in_body if listing.items else next_link

        def page(answer: HttpResponse) -> Page:
            found = Page(_items(answer, listing), following(answer))
            if not listing.items and "link" not in answer.headers:
                self._prove_the_end(answer, len(found.items), listing)
            return found

        return items(self.http.pages(path, page, what=listing.what, permission=listing.permission, quota=listing.path))

    def still_there(self, listing: Listing, name: str, gone: Gone) -> ScopeError | None:
        """The reason why a list under an object could not be read, when the object itself is there; None when Okta does not find it either.

        Okta answers "not found" for a list under an object that it goes on listing, too, as for an application whose settings are broken.
        """
        try:
            self.http.get(_filled(listing, name), what=listing.what, permission=listing.permission, quota=listing.path)
        except Gone:
            return None
        except ScopeError as error:
            return error
        return ScopeError(f"Okta has {name}, and does not find what is under it: {gone}", detail=gone.detail)

    def _prove_the_end(self, answer: HttpResponse, count: int, listing: Listing) -> None:
        """Asks for one item less where a full page came without a ``Link``: Okta must then name a next page, else somebody drops its links.

        Raises `BadAnswer`.
        """
        parts = urlsplit(answer.url)
        query = dict(parse_qsl(parts.query))
        limit = int(query.get("limit", "0"))
        if not 1 < limit <= count:
            return
        url = parts._replace(query=urlencode({**query, "limit": str(limit - 1)})).geturl()
        if not next_link(self.http.get(url, what=listing.what, permission=listing.permission, quota=listing.path)):
            raise BadAnswer(f"Okta's pages of '{listing.what}' come without the Link header that names the next one: does a proxy drop it?")


def _service_app(config: OktaConfig, url: str, name: str) -> ServiceApp | None:
    if not config.client_id:
        return None
    from providers.okta.signin import ServiceApp  # noqa: PLC0415 - a job with a token needs no cryptography

    return ServiceApp(url, name, config, SCOPES)


def _of_token(token: str, url: str, name: str) -> Http:
    return Http(url, name, headers={"Authorization": f"SSWS {token}"}, explain=_explained, confirm=ME.path, advice="check OKTA_DOMAIN")


def _filled(listing: Listing, name: str) -> str:
    """The path of a list, with `name` in its hole."""
    before, _, rest = listing.path.partition("{")
    return before + quote(name, safe="") + rest.partition("}")[2]


def _items(answer: HttpResponse, listing: Listing) -> list[Any]:
    found = answer.object().get(listing.items) if listing.items else answer.array()
    if not isinstance(found, list):
        raise BadAnswer(f"Okta answered '{listing.what}' with something that is not a list: is a proxy in between?")
    return found


def _next_in_body(answer: HttpResponse) -> str | None:
    links = answer.object().get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    return following.get("href") if isinstance(following, dict) else None


def _explained_to_app(answer: HttpResponse, what: str) -> ProviderError | None:
    """The error that a refusal means for a service app; Okta tells in a header, without a body, that its token lacks a scope."""
    challenge = answer.headers.get("www-authenticate", "")
    if answer.status == 403 and (lacking := _INSUFFICIENT.search(challenge)):
        scope = next((one for one in lacking[1].split() if one in SCOPES), lacking[1])
        return Denied(
            f"Okta refuses to {what} (403): the scope '{scope}' is not granted to the service app: grant it in its tab 'Okta API Scopes'",
            permission=scope,
            detail=challenge,
        )
    if answer.status == 401:
        return CredentialsError(
            "Okta does not accept the access token of the service app (401): was the app deactivated, or its key removed?"
            + own_words(answer),
            detail=answer.text() or challenge,
        )
    return _explained(answer, what)


def _explained(answer: HttpResponse, what: str) -> ProviderError | None:
    """The error that one of Okta's codes means; None for codes that are read by their status."""
    match _code(answer):
        case "E0000011":
            return CredentialsError(
                "Okta does not accept the API token (E0000011): it is wrong, revoked, or was not used for 30 days; "
                "make one in the admin console under Security > API > Tokens, and set OKTA_API_TOKEN",
                detail=answer.text(),
            )
        case "E0000007":
            return Gone(f"Okta knows of no such object at '{what}' (E0000007){own_words(answer)}", detail=answer.text())
        case "E0000015":
            sentence = f"this Okta organization does not have the feature that '{what}' needs (E0000015){own_words(answer)}"
            return Unsupported(sentence, detail=answer.text())
        case "E0000006" if what == ME.what:
            return Denied(
                f"Okta refuses to {what} (E0000006): the permission '{ME.permission}' is missing, or the token is for another network zone",
                permission=ME.permission,
                detail=answer.text(),
            )
        case "" if answer.status == 404:
            return foreign("Okta", answer, what)
    return None


def _code(answer: HttpResponse) -> str:
    return str(answer.document().get("errorCode", ""))
