"""Organizations over HTTP: listed, shown as a tree, made, renamed, moved, merged and deleted."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from flask import Response

from api import access
from api import inventory_models as models
from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery
from api.errors import ApiError
from api.listing import Listing, ListQuery, listed, sortable
from api.lookup import check_organization, or_404
from api.model import WRITTEN, ApiModel, Id, length
from worker.store import organizations

MAX_TREE = 5000
"""Organizations in one tree."""

ORGANIZATIONS = Listing("organizations", models.CountedOrganization, "Organizations", "Organizations in an order.")

Name = Annotated[str, length(1, 200, WRITTEN)]


class OrganizationFilters(ListQuery, frozen=True, kw_only=True):
    """Query of the list of organizations."""

    sortings = organizations.SORTINGS

    parent_id: Id | None = None
    """Those right below this one."""
    q: str | None = None
    """A part of the name, in any case."""
    sort: Annotated[str, sortable(organizations.SORTINGS)] = "id"


class OrganizationBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that creates an organization."""

    name: Name
    parent_id: Id | None = None
    description: str = ""

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        _check(self.name, self.description, self.parent_id)


class OrganizationChanges(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that changes an organization: what is named, and nothing else. `parent_id` null moves it to the top."""

    name: Name | msgspec.UnsetType = msgspec.UNSET
    parent_id: Id | msgspec.UnsetType | None = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        parent = None if self.parent_id is msgspec.UNSET else self.parent_id
        _check("x" if self.name is msgspec.UNSET else self.name, "" if self.description is msgspec.UNSET else self.description, parent)


class MergeBody(msgspec.Struct, frozen=True, kw_only=True):
    """The organization that takes over everything."""

    into: Id
    """Id of the organization that takes what this one has."""

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        _check("x", "", self.into)


class Merged(ApiModel, frozen=True, kw_only=True):
    """How much went over to the other organization; the merged one is no more."""

    organization_id: int
    into: int
    """Id of the organization that has it all now."""
    entities: int
    """Number of entities that went over."""
    organizations: int
    """Number of organizations that went over."""
    jobs: int
    """Number of jobs that went over."""


class DeletedOrganization(ApiModel, frozen=True, kw_only=True):
    """The organization that is no more."""

    organization_id: int
    message: str


def _check(name: str, description: str, parent: int | None) -> None:
    if not 0 < len(name.strip()) <= 200 or "\0" in name + description:
        raise ValueError("`name` must have 1 to 200 characters, and no NUL")
    if parent is not None and not 1 <= parent < 2**63:
        raise ValueError("`parent_id` and `into` are ids of organizations")


def list_organizations(context: Context, query: OrganizationFilters, body: Any) -> dict[str, Any] | Response:
    """Organizations that fit the filters."""
    chosen = organizations.selection(msgspec.structs.asdict(query) | {"within": access.organization()}, query.sort)
    return listed(context, ORGANIZATIONS, query, lambda _connection, _fields: chosen)


def show_organization(context: Context, query: NoQuery, body: Any, organization_id: int) -> dict[str, Any]:
    """Returns an organization by its id."""
    within = access.organization()
    with context.pool.reading() as connection:
        hidden = within is not None and not organizations.lies_below(connection, organization_id, within)
        return or_404(None if hidden else organizations.get(connection, organization_id), f"organization {organization_id}")


def show_tree(context: Context, query: NoQuery, body: Any) -> dict[str, Any]:
    """All organizations, from the roots."""
    return tree(context)


def tree(context: Context) -> dict[str, Any]:
    """All organizations as a tree, for the API and for the page that shows it."""
    with context.pool.reading() as connection:
        rows, total = organizations.selection({"within": access.organization()}).page(connection, 1, MAX_TREE)
    return {"organizations": _branches(sorted(rows, key=lambda row: row["name"].lower())), "total": total}


def add_organization(context: Context, query: NoQuery, body: OrganizationBody) -> dict[str, Any]:
    """Creates an organization in the inventory."""
    with audited(context, "organization made") as line:
        check_organization(line.connection, body.parent_id)
        organizations.check_name(line.connection, body.name.strip(), body.parent_id)
        made = line.after = organizations.add(line.connection, body.name.strip(), body.parent_id, body.description)
        line.subject = f"organization {made['id']}"
    return made


def change_organization(context: Context, query: NoQuery, body: OrganizationChanges, organization_id: int) -> dict[str, Any]:
    """Renames, moves or describes an organization."""
    changes = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
    if "name" in changes:
        changes["name"] = changes["name"].strip()
    if not changes:
        raise ApiError("the body names nothing to change: give `name`, `parent_id` or `description`")
    with audited(context, "organization changed", f"organization {organization_id}") as line:
        found = line.before = or_404(organizations.get(line.connection, organization_id, locked=True), f"organization {organization_id}")
        check_organization(line.connection, changes.get("parent_id"))
        organizations.change(line.connection, found, changes)
        changed = line.after = or_404(organizations.get(line.connection, organization_id), f"organization {organization_id}")
    return changed


def merge_organization(context: Context, query: NoQuery, body: MergeBody, organization_id: int) -> dict[str, Any]:
    """Gives everything of an organization to another one, and deletes it."""
    with audited(context, "organization merged", f"organization {organization_id}") as line:
        found = line.before = or_404(organizations.get(line.connection, organization_id, locked=True), f"organization {organization_id}")
        check_organization(line.connection, body.into)
        moved = organizations.merge(line.connection, found, body.into)
        merged = line.after = {"organization_id": organization_id, "into": body.into, **moved}
    return merged


def remove_organization(context: Context, query: NoQuery, body: Any, organization_id: int) -> dict[str, Any]:
    """Deletes an organization that is empty."""
    with audited(context, "organization deleted", f"organization {organization_id}") as line:
        line.before = or_404(organizations.get(line.connection, organization_id, locked=True), f"organization {organization_id}")
        organizations.delete(line.connection, organization_id)
    return {"organization_id": organization_id, "message": f"Organization {organization_id} is deleted"}


def _branches(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows from the roots down, each with its count in all. One whose parent is not among them is a root."""
    for row in rows:
        row["children"], row["entities_in_all"] = [], row["entities"]
    by_id = {row["id"]: row for row in rows}
    roots: list[dict[str, Any]] = []
    for row in rows:
        parent = by_id.get(row["parent_id"])
        (parent["children"] if parent else roots).append(row)
    order = list(roots)
    for row in order:
        order.extend(row["children"])
    for row in reversed(order):
        row["entities_in_all"] += sum(child["entities_in_all"] for child in row["children"])
    return roots


_ONE = "/organizations/{organization_id}"
ENDPOINTS = (
    ORGANIZATIONS.endpoint("/organizations", "Organizations", list_organizations, OrganizationFilters, "read", narrowed=True),
    Endpoint(
        "POST",
        "/organizations",
        "Make an organization",
        add_organization,
        201,
        body=OrganizationBody,
        answer=models.OneOrganization,
        role="operate",
    ),
    Endpoint("GET", "/organizations/tree", "All organizations as a tree", show_tree, answer=models.Tree, role="read", narrowed=True),
    Endpoint("GET", _ONE, "One organization", show_organization, answer=models.OneOrganization, role="read", narrowed=True),
    Endpoint(
        "PATCH",
        _ONE,
        "Rename, move or describe an organization",
        change_organization,
        body=OrganizationChanges,
        answer=models.OneOrganization,
        role="operate",
    ),
    Endpoint("DELETE", _ONE, "Delete an organization that is empty", remove_organization, answer=DeletedOrganization, role="operate"),
    Endpoint(
        "POST",
        f"{_ONE}/merge",
        "Give everything to another organization, and delete this one",
        merge_organization,
        body=MergeBody,
        answer=Merged,
        role="operate",
    ),
)
