"""Reads a tenant of Microsoft Entra ID.

Groups, not users, know who is a member: users, devices and service principals wait for the groups. Without the members of a group they are
read all the same, and keep the memberships that are known of them.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from providers import expiry
from providers.catalogue.masking import Masking
from providers.concurrency import Once
from providers.entra.catalogue import APPLICATIONS, DEVICES, GROUPS, PLAIN, SERVICE_PRINCIPALS, TENANT, USERS, EntraKind, Listing
from providers.entra.client import NAME, PREFIX, Client
from providers.entra.config import EntraConfig, EntraOperator
from providers.entra.members import Memberships
from providers.entra.shape import EntraShape
from providers.errors import Outcome, ProviderError
from providers.http.credential import Credential
from providers.microsoft.failure import classify
from providers.provider import Item, Read, Source
from providers.records import Identity, Incomplete, Link, Organization, Scope

_RESOURCE = "/subscriptions/"
"""Prefix of a managed identity's Azure id among the names of its service principal."""


class EntraSource(Source):
    """One tenant, seen by one principal."""

    concurrency = 6

    def __init__(self, config: EntraConfig, operator: EntraOperator) -> None:
        self._config, self._client = config, Client(config, operator)
        self._memberships = Once[Memberships | ProviderError]()
        self._app_ids = Once[dict[str, str] | ProviderError]()

    def check(self) -> Identity:
        """Signs in, and asks which tenant it is."""
        found = self._tenant
        details = {"tenant": str(found.get("displayName") or self._number), **expiry.details(self._client.expires_at())}
        return Identity(self._client.who, self._number, details)

    def plan(self) -> Iterator[Read]:
        """One read for each type; groups come with their members."""
        yield self._read(TENANT, self._read_tenant)
        yield self._read(GROUPS, self._read_groups)
        yield self._read(USERS, functools.partial(self._read_members, USERS))
        yield self._read(APPLICATIONS, functools.partial(self._read_plain, APPLICATIONS))
        yield self._read(SERVICE_PRINCIPALS, functools.partial(self._read_members, SERVICE_PRINCIPALS, self._principal_links))
        for kind in PLAIN:
            yield self._read(kind, functools.partial(self._read_members if kind is DEVICES else self._read_plain, kind))

    def classify(self, error: Exception) -> ProviderError | None:
        """Microsoft's exceptions in our words."""
        return classify(error, PREFIX)

    @property
    def credential(self) -> Credential:
        """The verdict over the principal with which everything is read."""
        return self._client.http.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._client.close()

    def _read(self, kind: EntraKind, fetch: Callable[[], Iterable[Item]]) -> Read:
        scope = Scope("entra", self._number, "", kind.sub_type)
        return Read((scope,), lambda: itertools.chain((self._organization,), fetch()))

    @functools.cached_property
    def _tenant(self) -> dict[str, Any]:
        return self._client.tenant()

    @property
    def _number(self) -> str:
        return str(self._tenant["id"]).lower()

    @property
    def _organization(self) -> Organization:
        return Organization(self._number, f"Entra ID: {self._tenant.get('displayName') or self._number}")

    @functools.cached_property
    def _shape(self) -> EntraShape:
        return EntraShape(self._number, self._config.ignore_fields, Masking(self._config.mask_names))

    # --- the types

    def _read_tenant(self) -> Iterator[Item]:
        return (self._shape.made(TENANT, item) for item in self._client.list(TENANT.listing, TENANT.permission))

    def _read_plain(self, kind: EntraKind) -> Iterator[Item]:
        return (self._shape.made(kind, item) for item in self._client.list(kind.listing, kind.permission))

    def _read_groups(self) -> Iterator[Item]:
        known = self._known_memberships()
        if isinstance(known, ProviderError):
            raise known
        partial = bool(known.failed)
        for group in known.groups:
            links = [*_member_of(known, group.raw), *(Link("owned_by", owner) for owner in group.owners)]
            yield self._shape.made(GROUPS, group.raw, links=links, partial=partial)
        if known.failed:
            yield _of_some_groups(known)

    def _read_members(self, kind: EntraKind, more: Callable[[Any], Iterable[Link]] = lambda _item: ()) -> Iterator[Item]:
        """The items of a type that may be a member of groups."""
        known = self._known_memberships()
        partial = isinstance(known, ProviderError) or bool(known.failed)
        if kind is SERVICE_PRINCIPALS:
            partial = partial or isinstance(self._applications(), ProviderError)
        for item in self._client.list(kind.listing, kind.permission):
            links = [] if isinstance(known, ProviderError) else list(_member_of(known, item))
            yield self._shape.made(kind, item, links=[*links, *more(item)], partial=partial)

    def _known_memberships(self) -> Memberships | ProviderError:
        """All memberships, or the error that kept them from being read. The first caller reads them."""
        return self._memberships.get(self._fetch_memberships)

    def _fetch_memberships(self) -> Memberships | ProviderError:
        found = Memberships()
        try:
            found.read(self._client)
        except ProviderError as error:
            return error
        return found

    # --- service principals

    def _applications(self) -> dict[str, str] | ProviderError:
        """The object id of each application of the tenant by its application id."""
        return self._app_ids.get(self._fetch_applications)

    def _fetch_applications(self) -> dict[str, str] | ProviderError:
        brief = Listing(APPLICATIONS.listing.path, ("appId",), APPLICATIONS.listing.largest)
        try:
            found = self._client.list(brief, APPLICATIONS.permission)
            return {str(item.get("appId")): str(item.get("id")).lower() for item in found if isinstance(item, dict)}
        except ProviderError as error:
            return error

    def _principal_links(self, item: Any) -> Iterator[Link]:
        """A service principal's application, where the tenant has it, and the Azure resource whose identity it is."""
        known = self._applications()
        app_id = item.get("appId") if isinstance(item, dict) else None
        if isinstance(known, dict) and app_id in known:
            yield Link("instance_of", known[app_id])
        for name in (item.get("alternativeNames") or ()) if isinstance(item, dict) else ():
            if isinstance(name, str) and name.lower().startswith(_RESOURCE):
                yield Link("identity_of", name.lower())


def _member_of(known: Memberships, item: Any) -> Iterator[Link]:
    identifier = item.get("id") if isinstance(item, dict) else None
    return (Link("member_of", group) for group in (known.of(identifier) if isinstance(identifier, str) else ()))


def _of_some_groups(known: Memberships) -> Incomplete:
    """The report of groups whose members could not be read: a note where it is some of them, an incomplete scope where it is all."""
    failed = known.failed
    group, error = max(((one, one.failure) for one in failed if one.failure), key=lambda one: one[1].outcome.gravity)
    outcome = Outcome.COMPLETE if len(failed) < len(known.groups) else error.outcome
    name = group.raw.get("displayName") or group.raw.get("id")
    count = f"{len(failed)} of {len(known.groups)} groups have members that could not be read, {name} among them"
    text = f"{NAME}: {count}; what is known of them stays: {error}"
    return Incomplete(GROUPS.sub_type, outcome, text, getattr(error, "permission", ""))
