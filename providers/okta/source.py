"""Reads an Okta organization.

Every scope stands on its own, so that a token that may not read one of them costs no more than that one: users carry their memberships,
applications whom they are assigned to, and role assignments are resources that link a role and who has it. When one list of members or of
assignments cannot be read, the others are told of, and no link is taken away.

Okta leaves out silently what the token's administrator may not see. The group Everyone, which every organization has, is what tells: an
administrator who is limited to some groups is not shown it.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import itertools
import time
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from providers.catalogue.paths import first, pick
from providers.errors import Outcome, ProviderError, ScopeError, Throttled
from providers.okta import catalogue
from providers.okta.client import Client, Gone
from providers.okta.config import OktaConfig
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Resource, Scope

WIDTH = 8
"""Lists of one kind (members, assignments, roles) that are read at once; Okta allows an organization 35 to 75 requests at once."""

DIRECT_USERS = 20_000
"""Users assigned to one application directly that are linked. One with more (usually where users are imported from) says so instead."""


class OktaSource(Source):
    """One organization."""

    concurrency = 3

    def __init__(self, config: OktaConfig) -> None:
        self._client = Client(config)
        self._organization = Organization(self._client.domain, f"Okta: {self._client.domain}")
        self._since = ""

    def check(self) -> Identity:
        """Asks who the token belongs to."""
        user, now = self._client.me()
        self._since = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - 60))
        return Identity(str(first(user, "profile.login") or user.get("id") or "unknown"), self._client.domain)

    def plan(self) -> Iterator[Read]:
        """The directory, the applications, the admin roles."""
        yield Read(self._scopes("okta_group", "okta_user"), self._read_directory)
        yield Read(self._scopes("okta_application"), self._read_applications)
        yield Read(self._scopes("okta_admin_role", "okta_role_assignment"), self._read_roles)

    def close(self) -> None:
        """Closes the connections."""
        self._client.http.close()

    def _scopes(self, *types: str) -> tuple[Scope, ...]:
        return tuple(Scope("okta", self._client.domain, "", name) for name in types)

    # --- groups and users

    def _read_directory(self) -> Iterator[Item]:
        yield self._organization
        groups, whole = list[str](), False
        for item in self._client.each(catalogue.GROUPS):
            groups.append(item["id"])
            whole = whole or _is_everyone(item)
            yield self._resource(item, "group", "okta_group", first(item, "profile.name"), catalogue.GROUPS)
        if not whole:
            yield from (Incomplete(kind, Outcome.DENIED, _LIMITED, catalogue.GROUPS.permission) for kind in ("okta_group", "okta_user"))
        memberships, failure = self._memberships(groups)
        try:
            yield from self._users(memberships, partial=failure is not None or not whole)
        except ProviderError as error:  # the groups are complete all the same
            failure = error
        if failure is not None:
            yield Incomplete.because("okta_user", failure)

    def _memberships(self, groups: list[str]) -> tuple[dict[str, list[str]], ProviderError | None]:
        """User -> groups; and why the members of a group are not known."""
        found: dict[str, list[str]] = {}
        failure: ProviderError | None = None
        with _pool() as pool:
            for group, members in zip(groups, pool.map(self._members, groups), strict=True):
                if isinstance(members, ProviderError):
                    failure = failure or members
                    if not isinstance(members, ScopeError) or isinstance(members, Throttled):
                        break  # so would be the next
                    continue
                for member in members:
                    found.setdefault(member, []).append(group)
        return found, failure

    def _members(self, group: str) -> list[str] | ProviderError:
        try:
            return [item["id"] for item in self._client.each(catalogue.MEMBERS, group)]
        except Gone:  # it was deleted since the groups were listed
            return []
        except ProviderError as error:
            return error

    def _users(self, memberships: dict[str, list[str]], *, partial: bool) -> Iterator[Resource]:
        """All of them, each once. Who comes back from DEPROVISIONED between the first two lists is in neither, but has just changed."""
        changed = catalogue.USERS.named(filter=f'lastUpdated gt "{self._since}"')
        seen = set[str]()
        for item in itertools.chain.from_iterable(map(self._client.each, (catalogue.USERS, catalogue.DEPROVISIONED, changed))):
            if item["id"] not in seen:
                seen.add(item["id"])
                links = tuple(Link("member_of", group) for group in sorted(memberships.get(item["id"], ())))
                name = _name_of_user(item)
                yield self._resource(item, "user", "okta_user", name, catalogue.USERS, links, partial=partial)

    # --- applications

    def _read_applications(self) -> Iterator[Item]:
        yield self._organization
        found = (
            self._resource(item, "application", "okta_application", item.get("label"), catalogue.APPLICATIONS)
            for item in self._client.each(catalogue.APPLICATIONS)
        )
        with _pool() as pool:
            yield from itertools.chain.from_iterable(pool.map(self._with_assignments, found))

    def _with_assignments(self, application: Resource) -> tuple[Item, ...]:
        """The application and whom it is assigned to, and why that is not known in full; nothing of it when it is gone."""
        number, groups, users, failure = application.external_id, list[str](), list[str](), None
        try:
            groups = [item["id"] for item in self._client.each(catalogue.ASSIGNED_GROUPS, number)]
            users = self._direct_users(number)
        except Gone:  # it was deleted since the applications were listed
            return ()
        except Throttled:
            raise  # so would be the next
        except ScopeError as error:
            failure = Incomplete.because("okta_application", error, application.name)
        attributes = application.attributes
        if len(users) > DIRECT_USERS:
            attributes, users = {**attributes, "directUsers": f"more than {DIRECT_USERS}"}, []
        links = tuple(Link("assigned_to", target) for target in sorted({*groups, *users}))
        made = msgspec.structs.replace(application, attributes=attributes, links=links, links_partial=failure is not None)
        return (made, failure) if failure else (made,)

    def _direct_users(self, application: str) -> list[str]:
        """Those that are assigned one by one, and not as members of a group; no more than are needed to know that they are too many."""
        everybody = self._client.each(catalogue.ASSIGNED_USERS, application)
        return list(itertools.islice((item["id"] for item in everybody if item.get("scope") != "GROUP"), DIRECT_USERS + 1))

    # --- admin roles

    def _read_roles(self) -> Iterator[Item]:
        yield self._organization
        users = [item["id"] for item in self._client.each(catalogue.ADMINISTRATORS)]
        groups = [
            g["id"] for g in self._client.each(catalogue.PRIVILEGED_GROUPS) if first(g, "_embedded.stats.hasAdminPrivilege") is not False
        ]
        told = set[str]()
        for principal, item in itertools.chain(
            self._roles(users, catalogue.ROLES_OF_USERS), self._roles(groups, catalogue.ROLES_OF_GROUPS)
        ):
            role = self._role(item)
            if role.external_id not in told:
                told.add(role.external_id)
                yield role
            yield self._assignment(principal, item, role)

    def _roles(self, principals: list[str], listing: catalogue.Listing) -> Iterator[tuple[str, dict[str, Any]]]:
        """(principal, its own role assignment): what a user has through a group belongs to the group."""
        read = functools.partial(self._client.each, listing)
        with _pool() as pool:
            for principal, found in zip(principals, pool.map(lambda name: _unless_gone(read(name)), principals), strict=True):
                own = (item for item in found if listing is catalogue.ROLES_OF_GROUPS or item.get("assignmentType") != "GROUP")
                yield from ((principal, item) for item in own)

    def _role(self, item: dict[str, Any]) -> Resource:
        """Of a standard role the type is all there is of an id."""
        own = item.get("role") if item.get("type") == "CUSTOM" else None
        number = own or f"{self._client.domain}/roles/{item.get('type')}"
        name = item.get("label") or str(item.get("type"))
        return Resource(number, "role", "okta_admin_role", name, {"type": item.get("type")}, organization=self._client.domain)

    def _assignment(self, principal: str, item: dict[str, Any], role: Resource) -> Resource:
        """The ids of standard assignments are told apart by principal only."""
        made = self._resource(item, "permission", "okta_role_assignment", role.name, catalogue.ROLES_OF_USERS)
        links = (Link("has_role", role.external_id), Link("granted_to", principal))
        return msgspec.structs.replace(made, external_id=f"{principal}/roles/{item['id']}", links=links)

    def _resource(
        self,
        item: dict[str, Any],
        entity_type: str,
        sub_type: str,
        name: Any,
        listing: catalogue.Listing,
        links: tuple[Link, ...] = (),
        *,
        partial: bool = False,
    ) -> Resource:
        found, home = pick(item, listing.kept), self._client.domain
        return Resource(item["id"], entity_type, sub_type, name or item["id"], found, {}, links, home, links_partial=partial)


_LIMITED = (
    "the group Everyone, which every organization has, is not shown: the token belongs to an administrator who is limited to some groups; "
    "make it as one with the role Read-only Administrator"
)


def _is_everyone(group: dict[str, Any]) -> bool:
    return group.get("type") == "BUILT_IN" and first(group, "profile.name") == "Everyone"


@contextlib.contextmanager
def _pool() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    """At its end, what has not begun is dropped."""
    pool = concurrent.futures.ThreadPoolExecutor(WIDTH, thread_name_prefix="okta")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _unless_gone(items: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    try:
        return list(items)
    except Gone:  # it was deleted since it was listed
        return []


def _name_of_user(item: dict[str, Any]) -> str:
    profile = item.get("profile") or {}
    parts = " ".join(part for part in (profile.get("firstName"), profile.get("lastName")) if part)
    return profile.get("displayName") or parts or profile.get("login") or item["id"]
