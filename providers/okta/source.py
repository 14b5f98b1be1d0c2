"""Reads an Okta organization.

Every scope stands on its own, so that a token that may not read one of them costs no more than that one: users carry their memberships,
applications whom they are assigned to, and role assignments are resources that link a role and who has it. When one list of members or of
assignments cannot be read, the others are told of, and no link is taken away.

Okta leaves out silently what the token's administrator may not see. The group Everyone, which every organization has, is what tells: an
administrator who is limited to some groups is not shown it.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from providers.catalogue.masking import Masking
from providers.catalogue.paths import first
from providers.errors import Outcome, ProviderError, ScopeError, Throttled
from providers.http.credential import Credential
from providers.okta import catalogue
from providers.okta.applications import Applications
from providers.okta.catalogue import ADMIN_ROLE, APPLICATION, GROUP, PLAIN, ROLE_ASSIGNMENT, USER, OktaKind
from providers.okta.client import Client, Gone
from providers.okta.config import OktaConfig
from providers.okta.pool import pool
from providers.okta.roles import AdminRoles
from providers.okta.shape import OktaShape
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Rejected, Resource, Scope


class OktaSource(Source):
    """One organization of Okta."""

    concurrency = 3

    def __init__(self, config: OktaConfig) -> None:
        self._client = Client(config)
        self._shape = OktaShape(self._client.domain, config.ignore_fields, Masking(config.mask_names))
        self._organization = Organization(self._client.domain, f"Okta: {self._client.domain}")
        self._since = ""

    def check(self) -> Identity:
        """Signs in, and asks as whom Okta knows us."""
        identity, now = self._client.identity()
        self._since = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - 60))
        return identity

    def plan(self) -> Iterator[Read]:
        """The directory, the applications, the admin roles, and every type that one list shows in full."""
        yield self._read(self._read_directory, GROUP, USER)
        roles = AdminRoles(self._client, self._shape)
        yield self._read(Applications(self._client, self._shape, roles.administrators), APPLICATION)
        yield self._read(roles, ADMIN_ROLE, ROLE_ASSIGNMENT)
        for kind in PLAIN:
            yield self._read(functools.partial(self._read_plain, kind), kind)

    @property
    def credential(self) -> Credential:
        """The verdict over the service app or the API token."""
        return self._client.http.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._client.close()

    def _read(self, fetch: Callable[[], Iterable[Item]], *kinds: OktaKind) -> Read:
        scopes = tuple(Scope("okta", self._client.domain, "", kind.sub_type) for kind in kinds)
        return Read(scopes, lambda: itertools.chain((self._organization,), fetch()))

    def _read_plain(self, kind: OktaKind) -> Iterator[Item]:
        return (self._shape.made(kind, item) for item in self._client.listed(kind.listing))

    # --- groups and users

    def _read_directory(self) -> Iterator[Item]:
        groups, whole = list[str](), False
        for item in self._client.listed(GROUP.listing):
            made = self._shape.made(GROUP, item)
            yield made
            if isinstance(made, Resource):
                groups.append(made.external_id)
                whole = whole or _is_everyone(item)
        if not whole:
            yield from (Incomplete(kind.sub_type, Outcome.DENIED, _LIMITED, GROUP.permission) for kind in (GROUP, USER))
        memberships, failure = self._memberships(groups)
        try:
            yield from self._users(memberships, partial=failure is not None or not whole)
        except ProviderError as error:  # the groups are complete all the same
            failure = error
        if failure is not None:
            yield Incomplete.because(USER.sub_type, failure)

    def _memberships(self, groups: list[str]) -> tuple[dict[str, list[str]], ProviderError | None]:
        """User -> groups; and why the members of a group are not known."""
        found: dict[str, list[str]] = {}
        failure: ProviderError | None = None
        with pool() as threads:
            for group, members in zip(groups, threads.map(self._members, groups), strict=True):
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
        except Gone as error:
            return self._client.still_there(catalogue.ONE_GROUP, group, error) or []
        except ProviderError as error:
            return error

    def _users(self, memberships: dict[str, list[str]], *, partial: bool) -> Iterator[Resource | Rejected]:
        """All users, each once. One that comes back from DEPROVISIONED between the first two lists is in neither, but has just changed."""
        changed = USER.listing.named(filter=f'lastUpdated gt "{self._since}"')
        seen = set[str]()
        for item in itertools.chain.from_iterable(map(self._client.listed, (USER.listing, catalogue.DEPROVISIONED, changed))):
            number = item.get("id") if isinstance(item, dict) else None
            if isinstance(number, str) and number in seen:
                continue
            links = [Link("member_of", group) for group in memberships.get(str(number), ())]
            made = self._shape.made(USER, item, links=links, partial=partial)
            if isinstance(made, Resource):
                seen.add(made.external_id)
            yield made


_LIMITED = (
    "the group Everyone, which every organization has, is not shown: the admin role of the service app, or of the token's user, is limited "
    "to some groups; give it the role Read-only Administrator"
)


def _is_everyone(group: dict[str, Any]) -> bool:
    return group.get("type") == "BUILT_IN" and first(group, "profile.name") == "Everyone"
