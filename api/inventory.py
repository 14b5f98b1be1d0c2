"""The inventory over HTTP: organizations, entities, dependencies."""

from __future__ import annotations

from typing import Any

import msgspec

from api import inventory_models as models
from api.audit import audited
from api.context import Context
from api.endpoint import Endpoint, NoQuery, Paging
from api.lookup import check_organization, or_404
from api.paging import page_of
from worker.store import entities, organizations

MAX_TREE = 5000
"""Organizations in one tree."""


class DependencyFilters(Paging, frozen=True, kw_only=True):
    """Query of the list of dependencies."""

    entity_id: int | None = None
    dependency_type: str | None = None
    resolved: bool | None = None


class OrganizationFilters(Paging, frozen=True, kw_only=True):
    """Query of the list of organizations."""

    parent_id: int | None = None
    q: str | None = None


class OrganizationBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a request that creates an organization."""

    name: str
    parent_id: int | None = None
    description: str = ""

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        if not 0 < len(self.name.strip()) <= 200 or "\0" in self.name + self.description:
            raise ValueError("`name` must have 1 to 200 characters, and no NUL")
        if self.parent_id is not None and not 1 <= self.parent_id < 2**63:
            raise ValueError("`parent_id` is the id of an organization")


def show_entity(context: Context, query: NoQuery, body: Any, entity_id: int) -> dict[str, Any]:
    """One entity, what it depends on, what depends on it, and what changed."""
    with context.pool.reading() as connection:
        return or_404(entities.get(connection, entity_id), f"entity {entity_id}")


def list_dependencies(context: Context, query: DependencyFilters, body: Any) -> dict[str, Any]:
    """Dependencies that fit the filters."""
    with context.pool.reading() as connection:
        rows, total = entities.dependencies(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("dependencies", rows, total, query)


def list_organizations(context: Context, query: OrganizationFilters, body: Any) -> dict[str, Any]:
    """Organizations that fit the filters."""
    with context.pool.reading() as connection:
        rows, total = organizations.page(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("organizations", rows, total, query)


def show_organization(context: Context, query: NoQuery, body: Any, organization_id: int) -> dict[str, Any]:
    """Returns an organization by its id."""
    with context.pool.reading() as connection:
        return or_404(organizations.get(connection, organization_id), f"organization {organization_id}")


def show_tree(context: Context, query: NoQuery, body: Any) -> dict[str, Any]:
    """All organizations, from the roots."""
    return tree(context)


def tree(context: Context) -> dict[str, Any]:
    """The same, for the page that shows it."""
    with context.pool.reading() as connection:
        rows, total = organizations.page(connection, 1, MAX_TREE, {})
    return {"organizations": _branches(sorted(rows, key=lambda row: row["name"].lower())), "total": total}


def add_organization(context: Context, query: NoQuery, body: OrganizationBody) -> dict[str, Any]:
    """Creates an organization in the inventory."""
    with audited(context, "organization made") as line:
        check_organization(line.connection, body.parent_id)
        made = line.after = organizations.add(line.connection, body.name.strip(), body.parent_id, body.description)
        line.subject = f"organization {made['id']}"
    return made


def _branches(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows from the roots down. One whose parent is not among them is a root."""
    for row in rows:
        row["children"] = []
    by_id = {row["id"]: row for row in rows}
    roots: list[dict[str, Any]] = []
    for row in rows:
        parent = by_id.get(row["parent_id"])
        (parent["children"] if parent else roots).append(row)
    return roots


ENDPOINTS = (
    Endpoint(
        "GET", "/organizations", "Organizations", list_organizations, query=OrganizationFilters, answer=models.Organizations, role="read"
    ),
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
    Endpoint("GET", "/organizations/tree", "All organizations as a tree", show_tree, answer=models.Tree, role="read"),
    Endpoint("GET", "/organizations/{organization_id}", "One organization", show_organization, answer=models.OneOrganization, role="read"),
    Endpoint(
        "GET", "/entities/{entity_id}", "One entity with its dependencies and changes", show_entity, answer=models.WholeEntity, role="read"
    ),
    Endpoint("GET", "/dependencies", "Dependencies", list_dependencies, query=DependencyFilters, answer=models.Dependencies, role="read"),
)
