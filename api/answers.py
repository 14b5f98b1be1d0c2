"""What the API answers, for its OpenAPI document. The tests hold every answer against these: nothing more, nothing less."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any, Literal

import msgspec

Time = Annotated[dt.datetime, msgspec.Meta(tz=True)]
JobStatus = Literal["pending", "running", "completed", "partial", "error", "cancelled", "parked"]
RunStatus = Literal["running", "completed", "partial", "error", "cancelled"]


class Answer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One answer."""


class Listed(Answer, frozen=True, kw_only=True):
    """One page of a list."""

    total: int
    page: int
    per_page: int
    pages: int


class Job(Answer, frozen=True, kw_only=True):
    """A discovery job. Secrets in its config are shown as ***REDACTED***, which may be sent back; `_organization_id` is shown only."""

    id: int
    name: str
    description: str
    provider: str
    status: JobStatus
    config: dict[str, Any]
    organization_id: int | None
    enabled: bool
    schedule_interval: int | None
    """Seconds between two runs; null: on demand."""
    next_run_at: Time | None
    queued_at: Time | None
    failures: int
    crashes: int
    identity: str | None
    """The account, tenant, cluster or directory that the job reads, once a run of it was complete; another one ends the run."""
    last_run_at: Time | None
    created_at: Time
    updated_at: Time


class Jobs(Listed, frozen=True, kw_only=True):
    """Jobs, the newest first."""

    jobs: list[Job]


class Done(Answer, frozen=True, kw_only=True):
    """It was done."""

    job_id: int
    success: bool
    message: str


class Queued(Answer, frozen=True, kw_only=True):
    """The job is due now."""

    job_id: int
    success: bool
    message: str
    queued_at: Time


class Tested(Answer, frozen=True, kw_only=True):
    """How the connectivity test went, and as whom."""

    job_id: int
    provider: str
    success: bool
    message: str
    identity: dict[str, Any] | None
    error_kind: str


class ScopeLine(Answer, frozen=True, kw_only=True):
    """How one scope ended. Only a complete one marks entities as gone."""

    provider: str
    account: str
    region: str
    resource_type: str
    coverage: str
    outcome: Literal["complete", "denied", "throttled", "timeout", "unsupported", "skipped", "error", "not_reached"]
    resources: int
    deleted: int
    held_back: int
    held_links: int
    held_attributes: int
    message: str
    permission: str


class Run(Answer, frozen=True, kw_only=True):
    """One run of a job."""

    id: int
    job_id: int
    status: RunStatus
    error_kind: str
    error: str | None
    error_detail: str | None
    entities_discovered: int
    entities_created: int
    entities_updated: int
    entities_deleted: int
    entities_rejected: int
    attempt: int
    worker: str
    identity: dict[str, Any] | None
    started_at: Time
    completed_at: Time | None
    outcomes: dict[str, int]
    """How many scopes ended how."""
    scopes: list[ScopeLine]
    """In a history the first hundred, those that are not complete before the others; all of them in /runs/{run_id}."""


class History(Answer, frozen=True, kw_only=True):
    """Runs, the oldest first. The newest are always there, as many as `limit` says."""

    job_id: int
    total: int
    results: list[Run]


class Released(Answer, frozen=True, kw_only=True):
    """How many entities were marked as deleted, and how many links and attributes were taken away."""

    run_id: int
    released: int
    links: int
    attributes: int


class HeldLoss(Answer, frozen=True, kw_only=True):
    """One thing that the guard holds back: an entity, a link of an entity to `target`, or an attribute of an entity."""

    kind: Literal["entity", "link", "attribute"]
    entity_id: int
    entity: str
    external_id: str
    sub_type: str
    region: str
    name: str
    """The link's type, or the attribute's key."""
    target: str
    run_id: int | None
    """The last run that held it back; null for a connector's."""
    held_at: Time


class Held(Listed, frozen=True, kw_only=True):
    """What the guard holds back, until it is seen again or a person releases it."""

    held: list[HeldLoss]


class OneOrganization(Answer, frozen=True, kw_only=True):
    """A node of the tree of organizations."""

    id: int
    parent_id: int | None
    name: str
    description: str
    external_id: str | None
    created_at: Time
    updated_at: Time


class CountedOrganization(OneOrganization, frozen=True, kw_only=True):
    """The same with the number of its own active entities."""

    entities: int


class Organizations(Listed, frozen=True, kw_only=True):
    """Organizations."""

    organizations: list[CountedOrganization]


class Branch(CountedOrganization, frozen=True, kw_only=True):
    """The same with what is below it."""

    children: list[Branch]


class Tree(Answer, frozen=True, kw_only=True):
    """All organizations, from the roots."""

    organizations: list[Branch]
    total: int


class Entity(Answer, frozen=True, kw_only=True):
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


class Entities(Listed, frozen=True, kw_only=True):
    """Entities."""

    entities: list[Entity]


class Target(Answer, frozen=True, kw_only=True):
    """What an entity depends on; `target_id` is null while that is not in the inventory."""

    dependency_type: str
    target_external_id: str
    target_id: int | None
    target_name: str | None
    target_sub_type: str | None


class Dependent(Answer, frozen=True, kw_only=True):
    """What depends on an entity."""

    dependency_type: str
    source_id: int
    source_external_id: str
    source_name: str
    source_sub_type: str


class Change(Answer, frozen=True, kw_only=True):
    """What a run changed: field -> [before, after]."""

    id: int
    """Negative where an entity was created: then it is that of the entity."""
    operation: Literal["created", "updated", "deleted", "restored"]
    changes: dict[str, Any]
    run_id: int | None
    changed_at: Time


class WholeEntity(Entity, frozen=True, kw_only=True):
    """An entity with its dependencies both ways and its latest changes."""

    dependencies: list[Target]
    dependents: list[Dependent]
    changes: list[Change]


class Dependency(Answer, frozen=True, kw_only=True):
    """A typed link between two entities."""

    id: int
    source_id: int
    target_id: int | None
    target_external_id: str
    dependency_type: str
    created_at: Time


class Dependencies(Listed, frozen=True, kw_only=True):
    """Dependencies."""

    dependencies: list[Dependency]


class EntityChange(Change, frozen=True, kw_only=True):
    """A change with the entity that it is of."""

    entity_id: int
    name: str
    sub_type: str
    external_id: str


class Changes(Listed, frozen=True, kw_only=True):
    """Changes, the latest first."""

    changes: list[EntityChange]
