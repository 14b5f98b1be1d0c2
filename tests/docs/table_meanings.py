"""Tables that people may query: each column with its type and its meaning, and the tables that are nobody's but ours."""

from __future__ import annotations

_LEDGER = """
provider text: provider that read the scope
account text: account, project, subscription, cluster or directory
region text: region, zone or namespace; empty: global
resource_type text: type of the resources (`sub_type` of entities); `*` where nothing below the account could be listed
coverage text: part of the type that the scope is, such as a filter; empty: all of it
outcome text: `complete`, `denied`, `throttled`, `timeout`, `unsupported`, `skipped`, `error` or `not_reached`; only complete scopes delete
resources integer: resources that were read
deleted integer: entities that were marked as deleted
held_back integer: entities whose deletion the guard held back
held_links integer: links whose removal the guard held back
held_attributes integer: attributes whose removal the guard held back
message text: reason why it was not read in full, and what was refused; else empty
permission text: permission that is missing; empty: none
detail text: the source's own words, for the engineer
as_of timestamptz: moment that the source says its answer is of; null: the moment of the reading
"""

_COUNTS = """
entities_discovered integer: resources that were read
entities_created integer: entities that were new
entities_updated integer: entities that had changed
entities_deleted integer: entities that were marked as deleted
entities_rejected integer: resources that could not be stored
identity jsonb: `name`, `account`, `place` and `details` of whom the source took it for; null: it did not sign in
"""

_LOG = """
lines jsonb: array of lines, each an array of time, level, logger and text; the first 100 and the last 400
left_out bigint: lines between them that are not kept
left_out_after integer: lines before those that are not kept
stored_at timestamptz: time of the latest write
"""

TABLES: dict[str, tuple[str, str]] = {
    "entities": (
        "The inventory: a row for each thing that was seen, also when it has been deleted since.",
        """
id bigint: number of the entity
organization_id bigint: `organizations.id`
external_id text: id in the source: an ARN, a self link, a UID, a distinguished name; unique within an organization
entity_type text: category, such as `compute`
sub_type text: type, such as `ec2_instance`
name text: name in the source
provider text: provider that reads it
account text: account, project, subscription, cluster or directory
region text: region, zone or namespace; empty: global
attributes jsonb: what the source says of it, without what changes without meaning; secrets are masked
tags jsonb: tags or labels
parent_id bigint: `entities.id` of what contains it; null: nothing, or not known
is_active boolean: false: it is deleted
first_seen_at timestamptz: when it was stored first
changed_at timestamptz: when its row was changed last
deleted_at timestamptz: when it was marked as deleted; null while it is there
scope_id bigint: `elder_worker.scopes.id` of the scope that owns it, whose complete readings may delete it
key bigint: hash of `external_id`
content bigint: hash of the resource as it was read last
unconfirmed_since timestamptz: since when it is not seen any more by readings that do not prove its deletion; null: it is seen
""",
    ),
    "dependencies": (
        "Links between entities. What each type means stands in [links](links.md).",
        """
id bigint: number of the link
source_id bigint: `entities.id` of where it starts
target_id bigint: `entities.id` of where it leads; null while the target is not in the inventory
target_external_id text: id of the target in its source
dependency_type text: type of the link, such as `in_vpc`
created_at timestamptz: when it was stored first
""",
    ),
    "entity_changes": (
        "What has changed of entities, kept for CHANGES_RETENTION_DAYS. Most entities that were new have no row: `first_seen_at` tells of them.",
        """
id bigint: number of the change
entity_id bigint: `entities.id`
run_id bigint: `discovery_history.id` of the run that saw it; null: a connector, the API or a person
operation text: `created`, `updated`, `deleted` or `restored`
changes jsonb: object of fields, each with an array of the value before and the value after
changed_at timestamptz: time of the change
""",
    ),
    "organizations": (
        "Organizations, a tree.",
        """
id bigint: number of the organization
parent_id bigint: `organizations.id` of the one above it; null at the top
owner text: connector that made it; null: a person did
external_id text: its id in that connector's source; null: a person made it
name text: its name
description text: what a person says of it
created_at timestamptz: when it was made
updated_at timestamptz: when it was edited last
""",
    ),
    "discovery_jobs": (
        "Jobs, also those that are being deleted (`deleted_at`).",
        """
id bigint: number of the job
name text: its name
description text: what a person says of it
provider text: provider that it reads by
config jsonb: its config; secrets are sealed. Not granted below, as it names accounts and people
organization_id bigint: `organizations.id` into which it reads; null: each account becomes an organization of its own
enabled boolean: false: it does not run
schedule_interval integer: seconds between two runs; null: by `schedule_cron`, or on demand
status text: `pending`, `running`, `completed`, `partial`, `error`, `cancelled` or `parked`
next_run_at timestamptz: when it runs next; null: not before somebody queues it
queued_at timestamptz: when a person queued it last
cancel_requested boolean: true: a person wants its run to end
failures integer: runs in a row that failed
crashes integer: runs in a row whose process crashed; it is parked after three
last_run_at timestamptz: when it ran last
created_at timestamptz: when it was made
updated_at timestamptz: when its row was changed last
identity text: account, tenant, cluster or directory that it is pinned to; null: it has not read one in full yet
cut_off_since timestamptz: start of the first of the runs in a row that took too long; null: the last one did not
deleted_at timestamptz: when it was deleted; its runs are removed in the background
queue text: queue that a worker must serve to run it
losses integer: runs in a row whose worker died
schedule_cron text: when it runs, as five fields of cron; null: by its interval, or on demand
schedule_timezone text: time zone of `schedule_cron`
identity_place text: server and CA by which `identity` was read; empty where the config names none
identity_accepted boolean: true: a person has accepted what the next complete run reads
credential_expires_at timestamptz: when the credential ends that it signs in with; null: not known
""",
    ),
    "discovery_history": (
        "Runs of jobs, kept for HISTORY_RETENTION_DAYS.",
        """
id bigint: number of the run
job_id bigint: `discovery_jobs.id`
status text: `running`, `completed`, `partial` (a scope was not read in full), `error` or `cancelled`
error_kind text: kind of the failure, such as `credentials`; empty: none
error text: one sentence for the operator; null: none
error_detail text: for the engineer: a stack, the source's own words; null: none
"""
        + _COUNTS
        + """
attempt integer: which attempt in a row it is, from 1
worker text: name of the worker
progress jsonb: not used any more
started_at timestamptz: when it began
completed_at timestamptz: when it ended; null while it runs
links_unresolved boolean: true: links that it has stored wait for their targets to be looked up
ledger_chain bigint: number of the runs that share lines of their ledgers; `run_ledgers` shows them whole
ledger_without bigint[]: scopes of that chain that are not in the ledger of this run
scopes_planned integer: scopes that it has planned so far; 0: it has not said
""",
    ),
    "elder_worker.run_ledgers": (
        "The ledger of each run: a row for each scope of it. A view; ask it for one run, or a few.",
        "run_id bigint: `discovery_history.id`\nscope_id bigint: `elder_worker.scopes.id`\n" + _LEDGER,
    ),
    "connector_history": (
        "Syncs of connectors, the newest CONNECTOR_SYNCS_KEPT of each.",
        """
id bigint: number of the sync
connector text: name of the connector
run text: name that the worker gave the sync
status text: `running`, `completed`, `partial` (a scope was not read in full), `error` or `cancelled`
error_kind text: kind of the failure; empty: none
error text: one sentence for the operator; null: none
error_detail text: for the engineer; null: none
"""
        + _COUNTS
        + """
started_at timestamptz: when it began
completed_at timestamptz: when it ended; null while it runs
credential_expires_at timestamptz: when the credential ends that it signed in with; null: not known
""",
    ),
    "connector_scopes": (
        "The ledger of each sync: a row for each scope of it.",
        "run_id bigint: `connector_history.id`\nscope_id bigint: `elder_worker.scopes.id`\n" + _LEDGER,
    ),
    "elder_worker.scopes": (
        "Scopes: one type in one region of one account, as one job or connector reads it.",
        """
id bigint: number of the scope
owner text: whose it is: `job:42` or `connector:ldap`
provider text: provider that reads it
account text: account, project, subscription, cluster or directory
region text: region, zone or namespace; empty: global
resource_type text: type of the resources (`sub_type` of entities)
coverage text: part of the type that the scope is, such as a filter; empty: all of it
last_complete_at timestamptz: when it was last read in full; null: never
created_at timestamptz: when it was planned first
last_attempt_at timestamptz: when it was read last, in full or not
last_run bigint: `discovery_history.id` or `connector_history.id` of that reading
last_outcome text: how that reading ended, as `outcome` of a ledger; empty: it goes on, or there was none
message text: reason why it was not read in full; else empty
permission text: permission that was missing; empty: none
state text: `current`, `abandoned` (its owner's plan does not contain it any more) or `retired`
state_since timestamptz: since when
entities integer: active entities that it owns
catalogue_version text: version of the catalogue of that reading
account_open boolean: true: which account it is of was not known when it was made; the next reading tells
marks_run bigint: run whose complete reading is remembered batch by batch; null: none
marks_reading bigint: run that reads it, while nobody else has touched it
""",
    ),
    "elder_worker.held": (
        "Entities whose deletion the guard holds back.",
        """
run_id bigint: `discovery_history.id` or `connector_history.id` of the run that held it first; null: it is no more
scope_id bigint: `elder_worker.scopes.id`
entity_id bigint: `entities.id`
held_at timestamptz: since when
""",
    ),
    "elder_worker.losses": (
        "Links and attributes whose removal the guard holds back, or that waits for the end of their scope's reading.",
        """
id bigint: number of the loss
entity_id bigint: `entities.id` of what loses it
scope_id bigint: `elder_worker.scopes.id` of the entity
kind text: `link` or `attribute`
name text: type of the link, or key of the attribute
target text: id of the link's target in its source; empty for an attribute
value jsonb: what the attribute becomes; null: it goes
run_id bigint: run that held it last; null: none
held_at timestamptz: since when it is held; null: it waits for the end of its scope's reading
""",
    ),
    "elder_worker.releases": (
        "What a person has released of what the guard held back.",
        """
id bigint: number of the release
owner text: whose it was: `job:42` or `connector:ldap`
run_id bigint: `discovery_history.id`; null: of a connector, or the run is no more
released_at timestamptz: when
released_by text: who, as in the audit log
entities integer: entities that were marked as deleted
links integer: links that were removed
attributes integer: attributes that were removed
undone_at timestamptz: when it was undone; null: it was not
undone_by text: who has undone it
""",
    ),
    "elder_worker.run_logs": (
        "Log lines of runs, kept for 14 days.",
        "run_id bigint: `discovery_history.id`\n" + _LOG,
    ),
    "elder_worker.sync_logs": (
        "Log lines of syncs, kept for 14 days.",
        "run_id bigint: `connector_history.id`\n" + _LOG,
    ),
    "elder_worker.run_counts": (
        "Runs a day, for the chart of the first page.",
        """
day date: day in UTC
status text: how they ended
runs bigint: how many
seconds double precision: how long they took in all
""",
    ),
    "elder_worker.run_durations": (
        "How long runs took, by day, provider and step of duration, for medians; kept for a year.",
        """
day date: day in UTC
provider text: provider of their jobs
step smallint: `floor(8 * log(2, seconds))`: eight steps to each doubling; -80: a millisecond and less
runs bigint: how many; a step may have several rows, whose numbers are to be added
seconds double precision: how long they took in all
longest double precision: how long the longest took; null in a row that takes runs away
""",
    ),
    "audit_log": (
        "What people have changed, kept for AUDIT_RETENTION_DAYS.",
        """
id bigint: number of the line
at timestamptz: when
actor text: who: `key:NAME`, a person who has signed in, `ELDER_API_KEY`, `local` (on loopback, without a key), `cli:USER` or `worker`
role text: role of the actor at that time
address text: address of the caller; empty: none
action text: what was done
object text: to what: `job 42`, `key 3`, `run 17`
before jsonb: what was there before; secrets are marks; null: nothing
after jsonb: what is there since; null: nothing
""",
    ),
}
"""Table -> sentence, and a line for each column: name, type and meaning. Those without a schema are in `public`."""

NOT_GRANTED = {"discovery_jobs": ("config",)}
"""Columns that the role of the page does not get."""

INTERNAL = {
    "api_keys": "hashes of keys: `elder keys list` and `GET /api/v1/keys` show the rest",
    "api_sessions": "hashes of sessions: `elder-worker sessions list` shows the rest",
    "applied_losses": "what the guard has let through lately",
    "batch_marks": "hashes of what was read last",
    "claims": "leases of running jobs",
    "connector_workers": "what workers tell of their connectors: `GET /api/v1/connectors` shows it",
    "created": "ranges of ids by the run that made them",
    "entity_counts": "differences that add up to the numbers of entities",
    "hash_seed": "a secret",
    "ledger_lines": "parts of ledgers: `elder_worker.run_ledgers` shows them whole",
    "migrations": "which migrations were applied",
    "organization_counts": "differences that add up to the numbers of entities",
    "provider_descriptions": "descriptions of providers in packages",
    "released": "what an undo of a release restores",
    "run_scopes": "parts of ledgers: `elder_worker.run_ledgers` shows them whole",
    "search_blocks": "the index of the search",
    "search_pending": "the index of the search",
    "sightings": "hashes of what scopes see of entities that others own",
    "swept": "runs that the API has swept and no worker has counted yet",
    "sync_requests": "requests for a sync: `GET /api/v1/connectors` shows them",
    "tests": "connectivity tests, with sealed configs",
    "webhook_deliveries": "deliveries: `GET /api/v1/webhooks/ID/deliveries` shows them",
    "webhooks": "sealed secrets: `GET /api/v1/webhooks` shows the rest",
    "workers": "workers that live: `/workers` shows them",
}
"""Tables that change without notice, and where people find what they hold."""
