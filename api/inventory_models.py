"""Answers about the inventory: organizations, entities, dependencies, changes."""

from __future__ import annotations

from typing import Any, Literal

from api.model import ApiModel, Listed, Time


class OneOrganization(ApiModel, frozen=True, kw_only=True):
    """A node of the tree of organizations."""

    id: int
    parent_id: int | None
    owner: str | None
    """The connector that made it, or `accounts` when jobs did; such an organization has its name and place from its source."""
    name: str
    description: str
    external_id: str | None
    created_at: Time
    updated_at: Time


class CountedOrganization(OneOrganization, frozen=True, kw_only=True):
    """The same with the number of its own active entities."""

    entities: int


class Branch(CountedOrganization, frozen=True, kw_only=True):
    """The same with what is below it."""

    entities_in_all: int
    """Active entities of its own and of all organizations below it."""
    children: list[Branch]
    """Those right below it, by name."""


class Tree(ApiModel, frozen=True, kw_only=True):
    """All organizations, from the roots."""

    organizations: list[Branch]
    total: int


class Entity(ApiModel, frozen=True, kw_only=True):
    """A resource as it is stored."""

    id: int
    organization_id: int
    external_id: str
    entity_type: str
    sub_type: str
    name: str
    provider: str
    account: str
    region: str
    attributes: dict[str, Any]
    tags: dict[str, Any]
    parent_id: int | None
    is_active: bool
    first_seen_at: Time
    changed_at: Time
    deleted_at: Time | None
    unconfirmed_since: Time | None = None
    """Time since which a scope other than its owner's has not seen it; its owner's scope has not been read since."""


class Target(ApiModel, frozen=True, kw_only=True):
    """A link from an entity to one that it depends on; `target_id` is null while the target is not in the inventory."""

    dependency_type: str
    target_external_id: str
    target_id: int | None
    target_name: str | None
    target_sub_type: str | None


class Dependent(ApiModel, frozen=True, kw_only=True):
    """A link to an entity from one that depends on it."""

    dependency_type: str
    source_id: int
    source_external_id: str
    source_name: str
    source_sub_type: str


class Change(ApiModel, frozen=True, kw_only=True):
    """The changes that a run made: field -> [before, after]."""

    id: int
    """Negative where an entity was created: then it is that of the entity."""
    operation: Literal["created", "updated", "deleted", "restored"]
    changes: dict[str, Any]
    """Field -> its value before and after."""
    run_id: int | None
    changed_at: Time


class WholeEntity(Entity, frozen=True, kw_only=True):
    """An entity with its dependencies both ways and its latest changes."""

    dependencies: list[Target]
    dependents: list[Dependent]
    changes: list[Change]


class Dependency(ApiModel, frozen=True, kw_only=True):
    """A typed link between two entities."""

    id: int
    source_id: int
    target_id: int | None
    target_external_id: str
    dependency_type: str
    created_at: Time


class EntityChange(Change, frozen=True, kw_only=True):
    """A change with the entity that it is of."""

    entity_id: int
    name: str
    sub_type: str
    external_id: str
    provider: str
    job_id: int | None
    """The job whose run it was; null for a connector, and for a run or job that is no more."""
    job: str | None


class TypeChanges(ApiModel, frozen=True, kw_only=True):
    """The numbers of entities of one type that were created, updated, deleted and restored within a day."""

    provider: str
    sub_type: str
    created: int
    """Active entities that were first seen within the day."""
    updated: int
    """Changes of fields; an entity that changed twice counts twice."""
    deleted: int
    """Entities that were marked as deleted."""
    restored: int
    """Entities that came back after they had been marked as deleted."""


class ChangesByType(ApiModel, frozen=True, kw_only=True):
    """The changes of the last 24 hours by type, the type with the most first."""

    types: list[TypeChanges]
    """Types of which something changed."""
    counted: int | None
    """Number of the latest changes that are counted besides creations, where there may be more; null when all are."""


class Difference(ApiModel, frozen=True, kw_only=True):
    """One step from the old value of a field to the new one."""

    operation: Literal["add", "remove", "change", "move"]
    """`move`: the item of a list has another position, and is the same."""
    path: list[str | int]
    """Field, names and positions: those of the old list, and of an item that is added, of the new one."""
    where: str
    """The path for people, with items of lists by their names: `attributes.IpPermissions[tcp].IpRanges`."""
    before: Any
    """The old value; null for one that is added."""
    after: Any
    """The new value; null for one that is removed."""
    to: int | None
    """The position of a moved item in the new list."""


class ChangeSteps(ApiModel, frozen=True, kw_only=True):
    """A change of an entity, step by step."""

    id: int
    operation: Literal["created", "updated", "deleted", "restored"]
    run_id: int | None
    changed_at: Time
    steps: list[Difference]


class EntityDiff(Listed, frozen=True, kw_only=True):
    """The changes of one entity step by step, the latest first."""

    entity_id: int
    changes: list[ChangeSteps]
