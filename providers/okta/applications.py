"""Reads applications, and whom they are assigned to."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import msgspec

from providers.errors import Outcome, ScopeError, Throttled
from providers.okta import catalogue
from providers.okta.catalogue import APPLICATION
from providers.okta.client import Client, Gone
from providers.okta.pool import pool
from providers.okta.shape import OktaShape
from providers.provider import Item
from providers.records import Incomplete, Link, Rejected, Resource

DIRECT_USERS = 20_000
"""Users assigned to one application directly that are linked. One with more (usually where users are imported from) says so instead."""

UNKNOWN = (
    "it cannot be told whether the admin role is limited to some applications, as Okta shows admin roles to Super Administrators only: one "
    "that becomes limited makes this list shorter without a word, and what it lacks is taken for deleted, under the guard; give it "
    "the role Read-only Administrator or Super Administrator"
)


class Applications:
    """The applications of one organization."""

    def __init__(self, client: Client, shape: OktaShape, administrators: Callable[[], object]) -> None:
        """`administrators` asks who has admin roles, which Okta tells to Super Administrators only; it raises `ProviderError`."""
        self._client, self._shape, self._administrators = client, shape, administrators

    def __call__(self) -> Iterator[Item]:
        """Every application with its assignments. Raises a `ProviderError` when the list cannot be read to its end."""
        found = (self._shape.made(APPLICATION, item) for item in self._client.listed(APPLICATION.listing))
        with pool() as threads:
            yield from itertools.chain.from_iterable(threads.map(self._with_assignments, found))
        yield from self._doubt()

    def _doubt(self) -> Iterator[Incomplete]:
        """The note that the list may be a part, from all but a Super Administrator: nothing else that Okta shows tells them apart."""
        try:
            self._administrators()
        except ScopeError:
            yield Incomplete(APPLICATION.sub_type, Outcome.COMPLETE, UNKNOWN)

    def _with_assignments(self, application: Resource | Rejected) -> tuple[Item, ...]:
        """The application and whom it is assigned to, and why that is not known in full; nothing of it when it is gone."""
        if isinstance(application, Rejected):
            return (application,)
        number, groups, users, failure = application.external_id, list[str](), list[str](), None
        try:
            groups = [item["id"] for item in self._client.each(catalogue.ASSIGNED_GROUPS, number)]
            users = self._direct_users(number)
        except Gone as error:
            there = self._client.still_there(catalogue.ONE_APPLICATION, number, error)
            if there is None:  # it was deleted since the applications were listed
                return ()
            failure = Incomplete.because(APPLICATION.sub_type, there, application.name)
        except Throttled:
            raise  # so would be the next
        except ScopeError as error:
            failure = Incomplete.because(APPLICATION.sub_type, error, application.name)
        attributes = application.attributes
        if len(users) > DIRECT_USERS:
            attributes, users = {**attributes, "directUsers": f"more than {DIRECT_USERS}"}, []
        links = tuple(Link("assigned_to", target) for target in sorted({*groups, *users}))
        made = msgspec.structs.replace(application, attributes=attributes, links=links, links_partial=failure is not None)
        return (made, failure) if failure else (made,)

    def _direct_users(self, application: str) -> list[str]:
        """Users that are assigned one by one, and not as members of a group; no more than are needed to know that they are too many."""
        everybody = self._client.each(catalogue.ASSIGNED_USERS, application)
        return list(itertools.islice((item["id"] for item in everybody if item.get("scope") != "GROUP"), DIRECT_USERS + 1))
