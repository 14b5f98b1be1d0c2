"""Okta's API: lists to their last page, and the errors that Okta's refusals mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from providers.address import base_url, display_host
from providers.errors import BadAnswer, CredentialsError, Denied, ProviderError, ScopeError, Unsupported
from providers.http import quota
from providers.http.client import Http
from providers.http.response import HttpResponse, foreign, next_link, own_words
from providers.okta.catalogue import ME, Listing
from providers.okta.config import OktaConfig
from providers.pages import Page, items


class Gone(Unsupported):
    """Okta itself says that there is no such object (any more)."""


class Client:
    """One organization, as one token."""

    def __init__(self, config: OktaConfig) -> None:
        url = base_url(config.domain)
        self.domain = display_host(url)
        self.http = Http(
            url,
            f"Okta ({self.domain})",
            headers={"Authorization": f"SSWS {config.api_token.strip()}"},
            explain=_explained,
            confirm=ME.path,
            advice="check OKTA_DOMAIN",
        )

    def me(self) -> tuple[dict[str, Any], float]:
        """The user that the token belongs to, and the time by Okta's clock. Raises `CredentialsError`."""
        try:
            answer = self.http.get(ME.path, what=ME.what, permission=ME.permission, quota=ME.path)
        except (Unsupported, BadAnswer) as error:
            raise CredentialsError(f"there is no Okta organization at {self.domain}: check OKTA_DOMAIN", detail=error.detail) from None
        return answer.object(), quota.clock(answer.headers)

    def each(self, listing: Listing, name: str = "") -> Iterator[dict[str, Any]]:
        """Every item of a list, each with an id. Raises `BadAnswer` for one without. `name` fills the hole in the path."""
        for item in self.listed(listing, name):
            if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
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


def _filled(listing: Listing, name: str) -> str:
    """The path of a list, with `name` in its hole."""
    before, _, rest = listing.path.partition("{")
    return before + quote(name, safe="") + rest.partition("}")[2]


def _items(answer: HttpResponse, listing: Listing) -> list[Any]:
    found = answer.object().get(listing.items) if listing.items else answer.array()
    if not isinstance(found, list):
        raise BadAnswer(f"Okta answered '{listing.what}' with something that is no list: is a proxy in between?")
    return found


def _next_in_body(answer: HttpResponse) -> str | None:
    links = answer.object().get("_links")
    following = links.get("next") if isinstance(links, dict) else None
    return following.get("href") if isinstance(following, dict) else None


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
