"""Answers about jobs, their runs, and what a run's guard holds back."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from api.model import ApiModel, Listed, Time

JobStatus = Literal["pending", "running", "completed", "partial", "error", "cancelled", "parked"]
ScopeOutcome = Literal["complete", "denied", "throttled", "timeout", "unsupported", "skipped", "error", "not_reached"]
RunStatus = Literal["running", "completed", "partial", "error", "cancelled"]


class Job(ApiModel, frozen=True, kw_only=True):
    """A discovery job. Secrets in its config are shown as ***REDACTED***, which may be sent back; `_organization_id` is shown only."""

    id: int
    name: str
    description: str
    provider: str
    status: JobStatus
    """How its last run ended, or that one is due or goes on; `parked`: it crashed three times in a row and runs no more by itself."""
    config: dict[str, Any]
    organization_id: int | None
    """The organization that its resources belong to; null: each account that it reads is one."""
    enabled: bool
    schedule_interval: int | None
    """Seconds between two runs; null: on demand, or by `schedule_cron`."""
    schedule_cron: str | None
    """Times at which the job runs: minute, hour, day of the month, month and day of the week; null: by its interval, or on demand."""
    schedule_timezone: str
    """Time zone of `schedule_cron`."""
    next_run_at: Time | None
    queued_at: Time | None
    failures: int
    crashes: int
    """Crashes of its process in a row; three park the job. The death of its worker counts from the fifth in a row on."""
    losses: int
    """The number of consecutive runs during which its worker died."""
    identity: str | None
    """The account, tenant, cluster or directory that the job reads, once a run of it was complete; another one ends the run."""
    queue: str
    """Workers whose WORKER_QUEUES has it may run the job."""
    waiting_for: str
    """Why nobody runs a job that is due: no worker that could is there. Empty otherwise."""
    last_run_at: Time | None
    created_at: Time
    updated_at: Time


Warnings = Annotated[
    list[str],
    msgspec.Meta(
        examples=[["111122223333 is already read by job 3 'production'"]],
        description="What works and may not be meant: other jobs that read the same account, tenant, cluster or directory.",
    ),
]


class WarnedJob(Job, frozen=True, kw_only=True):
    """A discovery job, and what may not be meant about it."""

    warnings: Warnings


class Done(ApiModel, frozen=True, kw_only=True):
    """The answer to a request that was carried out."""

    job_id: int
    success: bool
    message: str


class Queued(ApiModel, frozen=True, kw_only=True):
    """The job is due now."""

    job_id: int
    success: bool
    message: str
    queued_at: Time


class Tested(ApiModel, frozen=True, kw_only=True):
    """How the connectivity test went, and as whom."""

    job_id: int
    provider: str
    success: bool
    """True when the source was reached and took the credentials."""
    message: str
    identity: dict[str, Any] | None
    error_kind: str
    warnings: Warnings


class ScopeLine(ApiModel, frozen=True, kw_only=True):
    """How one scope ended. Only a complete scope marks entities as deleted."""

    provider: str
    account: str
    region: str
    resource_type: str
    coverage: str
    outcome: ScopeOutcome
    resources: int
    deleted: int
    held_back: int
    held_links: int
    held_attributes: int
    message: str
    permission: str
    as_of: Time | None = None
    """The moment that the resources are of, where the source gives an earlier one: the snapshot of Cloud Asset Inventory."""


class LedgerLine(ScopeLine, frozen=True, kw_only=True):
    """How one scope ended, with the id by which the list of scopes has it."""

    id: int
    """Id of the scope."""


class Cause(ApiModel, frozen=True, kw_only=True):
    """One reason why scopes were not read in full; `message` is that of the first of them."""

    outcome: Literal["denied", "throttled", "timeout", "unsupported", "skipped", "error", "not_reached"]
    message: str
    """The reason of the first of the scopes."""
    permission: str
    scopes: int
    resource_types: list[str]
    """Types whose scopes they are."""
    places: list[str]
    """Account and region of the scopes, as `account region`."""


class Grant(ApiModel, frozen=True, kw_only=True):
    """A text to copy that grants exactly the permissions that are missing, in the form of the source, such as an IAM policy."""

    advice: str
    """A sentence about where to put `text`."""
    text: str
    """The text to apply: a policy, a command, a role, rules, or a list of permissions."""


class ReadingSummary(ApiModel, frozen=True, kw_only=True):
    """How one reading of a source ended, without its scopes: the fields that a job's run and a connector's sync share in lists."""

    id: int
    status: RunStatus
    error_kind: str
    error: str | None
    error_detail: str | None
    entities_discovered: int
    entities_created: int
    entities_updated: int
    entities_deleted: int
    entities_rejected: int
    identity: dict[str, Any] | None
    started_at: Time
    completed_at: Time | None


class RunSummary(ReadingSummary, frozen=True, kw_only=True):
    """One run of a job, without its scopes."""

    job_id: int
    job: str
    """Name of the job."""
    provider: str
    attempt: int
    worker: str
    scopes_planned: int
    """Scopes that the run has planned so far; 0 when it has not said."""


class Reading(ReadingSummary, frozen=True, kw_only=True):
    """How one reading of a source ended, and how each of its scopes did."""

    outcomes: dict[str, int]
    """The number of scopes by outcome."""
    causes: list[Cause]
    """The scopes listed below that were not read in full, grouped by their reason; the reason of the most scopes comes first."""
    grant: Grant | None
    """Grants what the causes lack. Null when no permission is missing that could be granted."""
    scopes: list[ScopeLine]
    """All scopes; a history lists at most 100 of each run or sync, and scopes that are not complete come first."""


class Run(Reading, frozen=True, kw_only=True):
    """One run of a job. `/runs/{run_id}` lists all of its scopes."""

    job_id: int
    attempt: int
    worker: str
    scopes_planned: int
    """Scopes that the run has planned so far; 0 when it has not said."""
    seconds_left: float | None
    """An estimate for a run that goes on: as if each planned scope took as long as those that have ended."""


class ScopeBegun(ApiModel, frozen=True, kw_only=True):
    """A scope that is being read."""

    account: str
    region: str
    resource_type: str
    coverage: str
    since: Time
    """Time at which its reading began."""


class WholeRun(Run, frozen=True, kw_only=True):
    """One run with all of its scopes."""

    reading: list[ScopeBegun]
    """Scopes that are being read, the longest first, at most 100; empty once the run has ended."""


class History(ApiModel, frozen=True, kw_only=True):
    """Runs, the oldest first. The newest are always there, as many as `limit` says."""

    job_id: int
    total: int
    results: list[Run]


class LogLine(ApiModel, frozen=True, kw_only=True):
    """A line that the process of a run has logged."""

    at: Time
    """Time of the line."""
    level: Literal["info", "warning", "error", "critical"]
    """How grave it is."""
    logger: str
    """Name of the library or module that wrote it."""
    text: str
    """The message with its fields, secrets masked; of a line of more than 2,000 characters, its beginning and its end."""


class Log(ApiModel, frozen=True, kw_only=True):
    """Lines that the process of a run or sync has logged, the oldest first: the first 100 and the last 400. They are kept for 14 days."""

    status: RunStatus
    lines: list[LogLine]
    """Lines of the level INFO and above. While a run goes on, its newest ones come some seconds later; those of a sync come at its end."""
    left_out: int
    """Number of the lines that are not kept."""
    left_out_after: int
    """Number of the lines listed before those that are not kept."""


class LoggedRun(Log, frozen=True, kw_only=True):
    """Log of a run of a job."""

    run_id: int


class Released(ApiModel, frozen=True, kw_only=True):
    """How many entities were marked as deleted, and how many links and attributes were taken away."""

    run_id: int
    released: int
    """The number of entities that were marked as deleted."""
    links: int
    attributes: int
    """The number of attributes that were taken away."""


class HeldLoss(ApiModel, frozen=True, kw_only=True):
    """One thing that the guard holds back: an entity, a link of an entity to `target`, or an attribute of an entity."""

    kind: Literal["entity", "link", "attribute"]
    """Kind of what would be taken away."""
    entity_id: int
    entity: str
    """Name of the entity, or of the one that the link or the attribute is of."""
    external_id: str
    sub_type: str
    region: str
    name: str
    """The link's type, or the attribute's key."""
    target: str
    """Id in the source of what the link leads to; empty otherwise."""
    run_id: int | None
    """The last run that held it back; null for a connector's."""
    held_at: Time
    """Time since which it is held back."""
    sync_id: int | None
    """The connector's sync that held it back first; null for a job's, and once the sync is no longer kept."""


class Held(Listed, frozen=True, kw_only=True):
    """Deletions that the guard holds back, until the source shows the entity again or a person releases it."""

    held: list[HeldLoss]
