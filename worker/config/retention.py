"""Settings of retention: for how many days, or how many, rows are kept."""

from __future__ import annotations

from typing import Annotated

from providers.variables import setting
from worker.config.references import ReferenceSettings


class RetentionSettings(ReferenceSettings, frozen=True, kw_only=True):
    """Days for which rows are kept, and abandoned scopes; 0: for ever. The worker ends what is older in batches, beside its other work.

    Syncs are counted, and ended by the API: a worker of connectors may have no database.
    """

    history_retention_days: Annotated[
        int,
        setting(
            "Days for which runs and their ledgers are kept; 0: for ever. Each job's latest run and latest complete run always stay.",
            ge=0,
            le=36_500,
            low="a person who looks for an older run finds none",
            high="the history of jobs that run often grows by hundreds of megabytes a year",
        ),
    ] = 90
    changes_retention_days: Annotated[
        int,
        setting(
            "Days for which the change feed is kept: who created, changed and deleted which entity; 0: for ever.",
            ge=0,
            le=36_500,
            low="a person who looks for what changed finds only the present state",
            high="an inventory that changes much grows by gigabytes a year",
        ),
    ] = 365
    audit_retention_days: Annotated[
        int,
        setting(
            "Days for which lines of the audit log are kept; 0: for ever.",
            ge=0,
            le=36_500,
            low="who changed what cannot be told any more, which auditors may ask for",
            high="the log of syncs and of people's changes grows slowly",
        ),
    ] = 730
    deleted_entities_retention_days: Annotated[
        int,
        setting(
            "Days after which entities that are marked as deleted are removed from the database, with their history; 0: never. "
            "Entities whose deletion a person can still undo stay.",
            ge=0,
            le=36_500,
            low="an entity that comes back is a new one, without its history and under another id",
            high="an inventory whose entities come and go, such as pods, grows for ever",
        ),
    ] = 0

    retire_abandoned_after: Annotated[
        int,
        setting(
            "Days after which scopes that no plan contains any more are retired as by `elder-worker scopes retire`: what only they have "
            "seen is marked as deleted; 0: never, a person does it.",
            ge=0,
            le=36_500,
            low="a region or an account that is left out of a config by mistake is marked as deleted before somebody sees it",
            high="what only an old config had seen stays in the inventory",
        ),
    ] = 0

    workers_retention_days: Annotated[
        int,
        setting(
            "Days for which a worker that is not seen any more is remembered; 0: for ever.",
            ge=0,
            le=36_500,
            low="a worker that stood still for long is missing from the list of workers until it comes back",
            high="where each start of a container is another worker, the list of workers grows",
        ),
    ] = 7
    connector_syncs_kept: Annotated[
        int,
        setting(
            "Syncs of each connector that the API keeps with their ledgers: the newest, and the newest complete one; 0: all.",
            ge=0,
            le=1_000_000,
            low="a person who looks for an older sync finds none",
            high="the history of connectors that sync often grows",
        ),
    ] = 500

    def retention_days(self) -> dict[str, int]:
        """The days by the kind of row, as the store and /status name them."""
        return {
            "history": self.history_retention_days,
            "changes": self.changes_retention_days,
            "audit": self.audit_retention_days,
            "deleted_entities": self.deleted_entities_retention_days,
            "abandoned_scopes": self.retire_abandoned_after,
            "workers": self.workers_retention_days,
        }
