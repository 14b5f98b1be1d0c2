"""Authentik's API: lists by page number, and Authentik's refusals in our words."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from providers.address import base_url, display_host
from providers.authentik.catalogue import ME, PERMISSIONS, PERMISSIONS_QUERY, ROOT
from providers.authentik.config import AuthentikConfig
from providers.errors import BadAnswer, CredentialsError, ProviderError, Unsupported
from providers.http.client import Http
from providers.http.response import HttpResponse
from providers.pages import Page

_NOT_SIGNED_IN = frozenset(
    {"Token invalid/expired", "Authentication credentials were not provided.", "Malformed header", "Unsupported authentication type"}
)
"""What Authentik says with a 403 when it means a 401."""


class Client:
    """One installation, as one token."""

    def __init__(self, config: AuthentikConfig) -> None:
        url = base_url(config.domain)
        self.domain = display_host(url)
        self.http = Http(
            url + ROOT,
            f"Authentik ({self.domain})",
            headers={"Authorization": f"Bearer {config.api_token.strip()}"},
            explain=_explained,
            advice="check AUTHENTIK_DOMAIN",
            verify=config.verify_ssl,
        )

    def me(self) -> dict[str, Any]:
        """The user that the token belongs to. Raises `CredentialsError`."""
        try:
            user = self.http.get(ME, what="look up who the token belongs to", quota=ME).object().get("user")
        except (Unsupported, BadAnswer) as error:
            raise CredentialsError(f"there is no Authentik at {self.domain}: check AUTHENTIK_DOMAIN", detail=str(error)) from None
        if not isinstance(user, dict):
            raise BadAnswer(f"Authentik ({self.domain}) does not say who the token belongs to")
        return user

    def permissions(self, role: str) -> Iterator[str]:
        """The permissions on all objects of their kind that a role gives: ``authentik_core.view_user``."""
        for page in self.pages(PERMISSIONS, {**PERMISSIONS_QUERY, "role": role}, what="list the permissions of the token's roles"):
            yield from (f"{item.get('app_label')}.{item.get('codename')}" for item in page.items)

    def pages(self, path: str, query: Mapping[str, str], *, what: str, permission: str = "") -> Iterator[Page]:
        """Every page of a list."""
        start = f"{path}?{urlencode(query)}"
        read = functools.partial(_page, start, what)
        return self.http.pages(start, read, what=what, permission=permission, quota=path)


def _page(start: str, what: str, answer: HttpResponse) -> Page:
    """One page; `pagination.next` is a page number, and 0 at the end. `Page.answer` is the length of the whole list."""
    items, count, number = answer.object().get("results"), _pagination(answer).get("count"), _pagination(answer).get("next")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items) or not isinstance(count, int | float):
        raise BadAnswer(f"Authentik answered '{what}' with something that is no page of a list")
    if number is not None and not isinstance(number, int | float):
        raise BadAnswer("Authentik names a next page that is no number")
    return Page(items, f"{start}&page={int(number)}" if number else None, int(count))


def _pagination(answer: HttpResponse) -> dict[str, Any]:
    found = answer.object().get("pagination")
    if not isinstance(found, dict):
        raise BadAnswer("Authentik answered with something that is no page of a list: is it an Authentik at all?")
    return found


def _explained(answer: HttpResponse, what: str) -> ProviderError | None:  # noqa: ARG001 - as every explanation
    if answer.status == 403 and _detail(answer) in _NOT_SIGNED_IN:
        return CredentialsError(
            "Authentik does not accept the API token: it is wrong, revoked or expired, or its user is inactive; "
            "make one of the intent API under Directory > Tokens, and set AUTHENTIK_API_TOKEN",
            detail=answer.text(),
        )
    return None


def _detail(answer: HttpResponse) -> str:
    try:
        return str(answer.object().get("detail", ""))
    except BadAnswer:
        return ""
