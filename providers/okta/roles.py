"""Reads admin roles, and who has them: users and groups."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from typing import Any

from providers.catalogue.paths import first
from providers.concurrency import Once
from providers.errors import ScopeError, Throttled
from providers.okta import catalogue
from providers.okta.catalogue import ADMIN_ROLE, ROLE_ASSIGNMENT, Listing
from providers.okta.client import Client, Gone
from providers.okta.pool import pool
from providers.okta.shape import OktaShape
from providers.provider import Item
from providers.records import Incomplete, Link, Rejected

Roles = list[dict[str, Any]]


class AdminRoles:
    """The admin roles of one organization and their assignments."""

    def __init__(self, client: Client, shape: OktaShape) -> None:
        self._client, self._shape = client, shape
        self._administrators_once = Once[list[str]](kept=(ScopeError,))

    def administrators(self) -> list[str]:
        """The users that have roles, asked for once. Raises `ProviderError`: Okta shows them to Super Administrators only."""
        return self._administrators_once.get(lambda: [item["id"] for item in self._client.each(catalogue.ADMINISTRATORS)])

    def __call__(self) -> Iterator[Item]:
        """Every role that somebody has, once, and every assignment. Raises a `ProviderError` when it is not known who has roles."""
        users = self.administrators()
        groups = [item["id"] for item in self._client.each(catalogue.PRIVILEGED_GROUPS) if _may_have_roles(item)]
        seen = set[str]()
        for principal, found in itertools.chain(
            self._roles(users, catalogue.ROLES_OF_USERS), self._roles(groups, catalogue.ROLES_OF_GROUPS)
        ):
            if isinstance(found, ScopeError):  # one principal's roles: the others go on
                kinds = (ADMIN_ROLE, ROLE_ASSIGNMENT)
                yield from (Incomplete.because(kind.sub_type, found, f"the roles of {principal}") for kind in kinds)
                continue
            for item in found:
                yield from self._assignment(principal, item, seen)

    def _roles(self, principals: list[str], listing: Listing) -> Iterator[tuple[str, Roles | ScopeError]]:
        """(principal, its own role assignments): what a user has through a group belongs to the group."""
        read = functools.partial(self._roles_of, listing)
        with pool() as threads:
            yield from zip(principals, threads.map(read, principals), strict=True)

    def _roles_of(self, listing: Listing, principal: str) -> Roles | ScopeError:
        try:
            found = list(self._client.each(listing, principal))
        except Gone as error:
            one = catalogue.ONE_USER if listing is catalogue.ROLES_OF_USERS else catalogue.ONE_GROUP
            return self._client.still_there(one, principal, error) or []
        except Throttled:
            raise  # so would be the next
        except ScopeError as error:
            return error
        return [item for item in found if listing is catalogue.ROLES_OF_GROUPS or item.get("assignmentType") != "GROUP"]

    def _assignment(self, principal: str, item: dict[str, Any], seen: set[str]) -> Iterator[Item]:
        custom = item.get("role") if item.get("type") == "CUSTOM" else None
        context = {"standard": f"{self._client.domain}/roles/{item.get('type')}", **({"role": str(custom)} if custom else {})}
        role = self._shape.made(ADMIN_ROLE, {**item, "role": custom}, context)
        if isinstance(role, Rejected):
            yield role
            return
        if role.external_id not in seen:
            seen.add(role.external_id)
            yield role
        links = (Link("has_role", role.external_id), Link("granted_to", principal))
        yield self._shape.made(ROLE_ASSIGNMENT, item, {"principal": principal}, links=links)


def _may_have_roles(group: dict[str, Any]) -> bool:
    return first(group, "_embedded.stats.hasAdminPrivilege") is not False
