"""The inventory over HTTP: organizations, entities, dependencies, changes; and what the connectors bring."""

from __future__ import annotations

from typing import Any

import msgspec

from api.context import Context
from api.endpoint import Endpoint, NoQuery, Paging
from api.errors import ApiError, NotFound
from api.paging import page_of
from providers.records import Scope
from worker.elder_api import Batch, Fingerprints, ScopeClosed, Stored, Tombstoned
from worker.store import entities, sync


class EntityFilters(Paging, frozen=True, kw_only=True):
    """Of the list of entities. `is_active` is true unless said otherwise; ``q`` is a part of the name or the external id."""

    organization_id: int | None = None
    entity_type: str | None = None
    sub_type: str | None = None
    provider: str | None = None
    region: str | None = None
    external_id: str | None = None
    q: str | None = None
    is_active: bool | None = True


class DependencyFilters(Paging, frozen=True, kw_only=True):
    """Of the list of dependencies."""

    entity_id: int | None = None
    dependency_type: str | None = None
    resolved: bool | None = None


class ChangeFilters(Paging, frozen=True, kw_only=True):
    """Of the list of changes."""

    entity_id: int | None = None
    run_id: int | None = None
    operation: str | None = None


class OrganizationFilters(Paging, frozen=True, kw_only=True):
    """Of the list of organizations."""

    parent_id: int | None = None
    q: str | None = None


class OrganizationBody(msgspec.Struct, frozen=True, kw_only=True):
    """A new organization."""

    name: str
    parent_id: int | None = None
    description: str = ""

    def __post_init__(self) -> None:
        """Rules that types cannot say."""
        if not 0 < len(self.name.strip()) <= 200 or "\0" in self.name + self.description:
            raise ValueError("`name` must have 1 to 200 characters, and no NUL")
        if self.parent_id is not None and not 1 <= self.parent_id < 2**63:
            raise ValueError("`parent_id` is the id of an organization")


class ScopeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Names a scope of a connector."""

    owner: str
    provider: str
    account: str = ""
    region: str = ""
    resource_type: str = ""
    coverage: str = ""


def list_entities(context: Context, query: EntityFilters, body: Any) -> dict[str, Any]:
    """Entities that fit the filters."""
    with context.pool.connection() as connection:
        found, total = entities.page(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("entities", found, total, query)


def show_entity(context: Context, query: NoQuery, body: Any, entity_id: int) -> dict[str, Any]:
    """One entity, what it depends on, what depends on it, and what changed."""
    with context.pool.connection() as connection:
        found = entities.get(connection, entity_id)
    if found is None:
        raise NotFound(f"there is no entity {entity_id}")
    return found


def list_dependencies(context: Context, query: DependencyFilters, body: Any) -> dict[str, Any]:
    """Dependencies that fit the filters."""
    with context.pool.connection() as connection:
        found, total = entities.dependencies(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("dependencies", found, total, query)


def list_changes(context: Context, query: ChangeFilters, body: Any) -> dict[str, Any]:
    """What changed, the latest first."""
    with context.pool.connection() as connection:
        found, total = entities.changes(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("changes", found, total, query)


def list_organizations(context: Context, query: OrganizationFilters, body: Any) -> dict[str, Any]:
    """Organizations that fit the filters."""
    with context.pool.connection() as connection:
        found, total = entities.organizations(connection, query.page, query.per_page, msgspec.structs.asdict(query))
    return page_of("organizations", found, total, query)


def show_organization(context: Context, query: NoQuery, body: Any, organization_id: int) -> dict[str, Any]:
    """One organization."""
    with context.pool.connection() as connection:
        found = entities.organization(connection, organization_id)
    if found is None:
        raise NotFound(f"there is no organization {organization_id}")
    return found


def add_organization(context: Context, query: NoQuery, body: OrganizationBody) -> dict[str, Any]:
    """A new organization."""
    with context.pool.connection() as connection:
        if body.parent_id is not None and entities.organization(connection, body.parent_id) is None:
            raise ApiError(f"there is no organization {body.parent_id} to be the parent")
        return entities.add_organization(connection, body.name.strip(), body.parent_id, body.description)


def fingerprints(context: Context, query: ScopeQuery, body: Any) -> Fingerprints:
    """What is known of a scope, 16 bytes an entity."""
    scope = Scope(query.provider, query.account, query.region, query.resource_type, query.coverage)
    with context.pool.connection() as connection:
        return sync.fingerprints(connection, query.owner, scope)


def store_batch(context: Context, query: NoQuery, body: Batch) -> Stored:
    """Bulk upsert; may be sent twice."""
    with context.pool.connection() as connection:
        return sync.apply(connection, body)


def close_scope(context: Context, query: NoQuery, body: ScopeClosed) -> Tombstoned:
    """The end of a scope."""
    if len(body.unseen) % 8:
        raise ApiError("the body is not valid", ["`unseen` is base64 of 64-bit keys"])
    with context.pool.connection() as connection:
        return sync.close_scope(connection, body, context.settings.mass_delete_guard)


ENDPOINTS = (
    Endpoint("GET", "/organizations", "Organizations", list_organizations, query=OrganizationFilters, answer="Organizations"),
    Endpoint("POST", "/organizations", "Make an organization", add_organization, 201, body=OrganizationBody, answer="Organization"),
    Endpoint("GET", "/organizations/{organization_id}", "One organization", show_organization, answer="Organization"),
    Endpoint("GET", "/entities", "Entities", list_entities, query=EntityFilters, answer="Entities"),
    Endpoint("GET", "/entities/{entity_id}", "One entity with dependencies and changes", show_entity, answer="Entity"),
    Endpoint("GET", "/dependencies", "Dependencies", list_dependencies, query=DependencyFilters, answer="Dependencies"),
    Endpoint("GET", "/changes", "What changed, latest first", list_changes, query=ChangeFilters, answer="Changes"),
    Endpoint("GET", "/sync/fingerprints", "What is known of a connector's scope", fingerprints, query=ScopeQuery, answer="Fingerprints"),
    Endpoint("POST", "/sync/batch", "Bulk upsert by a connector", store_batch, body=Batch, answer="Stored", raw_body=True),
    Endpoint("POST", "/sync/scopes", "The end of a connector's scope", close_scope, body=ScopeClosed, answer="Tombstoned", raw_body=True),
)
