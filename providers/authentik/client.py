"""Authentik's API: lists by page number, and the errors that Authentik's refusals mean."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from providers.address import base_url, display_host
from providers.authentik.catalogue import ME, PERMISSIONS, PERMISSIONS_QUERY, ROOT
from providers.authentik.config import AuthentikConfig
from providers.catalogue import paths
from providers.errors import BadAnswer, CredentialsError, PageExpired, ProviderError, Unsupported
from providers.http.client import Http
from providers.http.response import HttpResponse, foreign
from providers.pages import Page, agreeing, items, restarted

_NOT_SIGNED_IN = frozenset(
    {"Token invalid/expired", "Authentication credentials were not provided.", "Malformed header", "Unsupported authentication type"}
)
"""The details of a 403 that means a 401."""


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
            confirm=ME,
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
        what = "list the permissions of the token's roles"
        for item in self.items(PERMISSIONS, {**PERMISSIONS_QUERY, "role": role}, "id", what=what):
            yield f"{paths.first(item, 'app_label')}.{paths.first(item, 'codename')}"

    def items(self, path: str, query: Mapping[str, str], number: str, *, what: str, permission: str = "") -> Iterator[Any]:
        """Every item of a list, once. Raises `PageExpired` for a list that changes each time while it is read.

        Pages are counted from the start, so that an object that is deleted meanwhile moves the rest up, and one of them is on no page: a
        list of several pages is read until two readings agree. `number` is the path of an item's id.
        """
        start = f"{path}?{urlencode(query)}"
        read = functools.partial(
            self.http.pages, start, functools.partial(_page, start, what), what=what, permission=permission, quota=path
        )
        key = functools.partial(_key, number)
        return items(restarted(functools.partial(agreeing, read, what=what, key=key), key=key))


def _key(number: str, item: Any) -> str:
    """An item's id; the whole item where it has none."""
    return str(paths.first(item, number) or repr(item))


def _page(start: str, what: str, answer: HttpResponse) -> Page:
    """One page; `pagination.next` is a page number, and 0 at the end."""
    found, following = answer.object().get("results"), _pagination(answer).get("next")
    if not isinstance(found, list):
        raise BadAnswer(f"Authentik answered '{what}' with something that is not a page of a list")
    if following is not None and not isinstance(following, int | float):
        raise BadAnswer("Authentik names a next page that is not a number")
    if not following and _number(answer, "end_index") < _number(answer, "count"):
        raise PageExpired(f"the list of '{what}' ended before its last item each time that it was read")
    return Page(found, f"{start}&page={int(following)}" if following else None)


def _number(answer: HttpResponse, name: str) -> float:
    found = _pagination(answer).get(name)
    if not isinstance(found, int | float):
        raise BadAnswer(f"Authentik's page of a list has no `{name}`, and so does not say whether it is the last")
    return found


def _pagination(answer: HttpResponse) -> dict[str, Any]:
    found = answer.object().get("pagination")
    if not isinstance(found, dict):
        raise BadAnswer("Authentik answered with something that is not a page of a list: is it an Authentik at all?")
    return found


def _explained(answer: HttpResponse, what: str) -> ProviderError | None:
    if answer.status == 404 and not _detail(answer):
        return foreign("Authentik", answer, what)
    if answer.status == 404 and _detail(answer) == "Invalid page.":
        return PageExpired(f"the list of '{what}' changed each time while it was read, so that items may be missing", detail=answer.text())
    if answer.status == 403 and _detail(answer) in _NOT_SIGNED_IN:
        return CredentialsError(
            "Authentik does not accept the API token: it is wrong, revoked or expired, or its user is inactive; "
            "make one of the intent API under Directory > Tokens, and set AUTHENTIK_API_TOKEN",
            detail=answer.text(),
        )
    return None


def _detail(answer: HttpResponse) -> str:
    return str(answer.document().get("detail", ""))
