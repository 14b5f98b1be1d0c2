"""Meanings of the fields of bodies, answers and queries, for people who read the OpenAPI document.

The text below a field in its class says what it means there. `MEANINGS` has the fields that mean the same wherever they stand.
"""

from __future__ import annotations

import ast
import functools
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from msgspec import inspect

MEANINGS = {
    "account": "Vendor's id of the account, project, subscription, cluster or directory.",
    "action": "What was done, such as `job deleted`.",
    "actor": "Who did it: a key by its name, a person, or a command on the host.",
    "address": "IP address that the request came from; empty for a command on the host.",
    "attempt": "Number of the attempt: higher than 1 where the worker or the process of earlier ones died.",
    "attributes": "What the source says of the entity, as JSON.",
    "audit": "Lines of the audit log.",
    "built_in": "True for a provider of Elder Worker itself, false for a third party's package.",
    "catalogue_version": "Version of the list of resource types with which the sender reads.",
    "changed_at": "Time of the change.",
    "changes": "Changes, the latest first.",
    "completed_at": "Time of the end; null while it goes on.",
    "config": "What is read, and as whom: the provider's config. A secret is shown as a mark that may be sent back.",
    "connector": "Name of the connector, such as `ldap`.",
    "connectors": "All connectors that have delivered here.",
    "coverage": "Filter that narrows what the scope contains, such as a namespace; empty when nothing does.",
    "created": "Number of entities that are new.",
    "created_at": "Time at which it was made.",
    "created_by": "Who made it.",
    "cursor": "Place from which on the list is read: `next_cursor` of the answer before. It takes the place of `page`.",
    "default_organization_id": "Id of the organization of resources that name none; null: the sender's own.",
    "deleted": "Number of entities that were marked as deleted.",
    "deleted_at": "Time at which the source no longer had it; null while it has.",
    "delivered_at": "Time at which it was accepted; null: it was not.",
    "deliveries": "Deliveries, the newest first.",
    "dependencies": "Links to what it depends on.",
    "dependency_type": "Type of the link, such as `in_vpc`.",
    "dependents": "Links from what depends on it.",
    "description": "Text for people.",
    "detail": "Technical detail of the reason, such as the source's own answer.",
    "disabled_reason": "Why it was disabled by itself; empty when it was not.",
    "enabled": "False: it stays as it is, and does nothing.",
    "entities": "Number of its active entities.",
    "entities_created": "Number of entities that were new.",
    "entities_deleted": "Number of entities that were marked as deleted.",
    "entities_discovered": "Number of resources that were read.",
    "entities_rejected": "Number of resources that could not be stored; their scopes say why.",
    "entities_updated": "Number of entities that changed.",
    "entity_id": "Id of the entity.",
    "entity_type": "Kind of the entity across providers, such as `compute`.",
    "error": "Why it failed, in a sentence; null or empty when it did not.",
    "error_detail": "Technical detail of the error, such as the end of the process's stderr.",
    "error_kind": "Kind of the error, by what to do next: `config`, `credentials`, `source`, `killed` ...; empty when there is none.",
    "event": "Name of the event, such as `run.ended`.",
    "expires_at": "Time from which on it is refused; null: it never expires.",
    "external_id": "Id in the source: an ARN, a self link, a UID, a distinguished name.",
    "failures": "Number of failed runs in a row.",
    "field": "Path of a field: `name`, `attributes.State.Name`, `tags.team`.",
    "first_seen_at": "Time at which it was found first.",
    "held": "What is held back.",
    "held_attributes": "Number of attributes whose removal is held back.",
    "held_back": "Number of entities whose deletion is held back.",
    "held_links": "Number of links whose removal is held back.",
    "id": "Id here, a whole number.",
    "identity": "Account, tenant, cluster or directory that was read, and as whom.",
    "is_active": "False once it is marked as deleted.",
    "issuer": "URL of the identity provider.",
    "job": "Name of the job.",
    "job_id": "Id of the job.",
    "jobs": "Jobs, the newest first.",
    "keys": "Keys, the newest first.",
    "last_attempt_at": "Time of the last attempt; null: there was none.",
    "last_complete_at": "Time at which it was last read in full; null: never.",
    "last_delivered_at": "Time of the last delivery that was accepted; null: there was none.",
    "last_failed_at": "Time of the last attempt that failed; null: none has.",
    "last_outcome": "How the last attempt to read it ended; empty before the first.",
    "last_run_at": "Time of the start of the last run; null: there was none.",
    "limit": "Largest number of the newest ones that are listed.",
    "links": "Number of links.",
    "message": "Reason or result, in a sentence.",
    "name": "Name for people.",
    "next_cursor": "Place behind the last item, for `cursor`; null at the end.",
    "next_run_at": "Time of the next run; null: none is planned.",
    "object": "What it was done to, such as `job 42`.",
    "operation": "Kind of the change.",
    "organization_id": "Id of the organization; null for a job whose accounts become organizations of their own.",
    "organizations": "Organizations of this page, or all of them.",
    "outcome": "How the reading of the scope ended; only `complete` says what is not there.",
    "owner": "Job or connector, as `job:42` or `connector:ldap`.",
    "parent": "External id of the organization above it; empty at the top.",
    "parent_id": "Id of the one above it; null at the top.",
    "permission": "Permission that is missing, by the vendor's name for it; empty where none is, or none is known.",
    "previous_until": "Time until which the one before the last rotation is accepted as well; null: it is not.",
    "provider": "Name of the provider, such as `aws`.",
    "providers": "Providers, the built-in ones first.",
    "queue": "Queue of the job; workers whose WORKER_QUEUES has it may run the job.",
    "queued_at": "Time since which it is due and waits for a worker; null when it does not.",
    "region": "Region, zone or location by the vendor's name; empty for what belongs to none.",
    "rejected": "Number of resources that could not be stored.",
    "release_id": "Id of the release.",
    "released_at": "Time of the release.",
    "released_by": "Who released it.",
    "releases": "Releases, the newest first.",
    "resource_type": "Type of the resources of a scope: their `sub_type`, or `*` where nothing below the account could be listed.",
    "resources": "Number of resources that were read.",
    "results": "The newest ones, the oldest of them first.",
    "revoked_at": "Time since which it is refused; null: it was not revoked.",
    "role": "What it may do: `read`, `operate`, `admin` or `sync`.",
    "rotated_at": "Time of the last rotation; null: there was none.",
    "run": "Name that a connector gives to one of its syncs.",
    "run_id": "Id of the run; null for a connector, and for a run that is no more.",
    "schedule_timezone": "Time zone of `schedule_cron`, such as `Europe/Berlin`.",
    "scope": "Scope: provider, account, region, resource type and coverage.",
    "scopes": "Number of scopes.",
    "sessions": "Sessions, the newest first.",
    "since": "Earliest time: a moment such as `2026-01-31T12:00:00Z`, or a duration before now such as `24h`.",
    "source_external_id": "Id in the source of the entity that the link starts from.",
    "source_id": "Id of the entity that the link starts from.",
    "source_name": "Name of the entity that the link starts from.",
    "source_sub_type": "Type of the entity that the link starts from.",
    "started_at": "Time of the start.",
    "state": "State that it is in.",
    "state_since": "Time since which it is in that state.",
    "status": "How it stands.",
    "steps": "Steps from the old values to the new ones.",
    "sub_type": "Type of the resource, such as `ec2_instance`.",
    "subject": "Subject of the person at the identity provider, which never changes.",
    "success": "True when it was done.",
    "tags": "Tags or labels of the source, as name and value.",
    "sync_id": "Id of the sync.",
    "target_external_id": "Id in the source of the entity that the link leads to.",
    "target_id": "Id of the entity that the link leads to; null while it is not in the inventory.",
    "target_name": "Name of the entity that the link leads to; null while it is not in the inventory.",
    "target_sub_type": "Type of the entity that the link leads to; null while it is not in the inventory.",
    "title": "Name for people, such as `Google Cloud`.",
    "total": "Number of all.",
    "unchanged": "Number of entities that are as they were.",
    "unconfirmed_since": "Time since which another scope has not seen it, and its own was not read; null: it is confirmed.",
    "undone_at": "Time at which the release was undone; null: it was not.",
    "undone_by": "Who undid the release; null: nobody.",
    "until": "Latest time, as in `since`.",
    "updated": "Number of entities that changed.",
    "updated_at": "Time of the last change.",
    "webhook_id": "Id of the webhook.",
    "webhooks": "Webhooks, the newest first.",
    "worker": "Name of the worker that runs it.",
    "delivery_id": "Id of the delivery.",
    "key_id": "Id of the key.",
}
"""Name of a field or of a parameter in a path -> its meaning."""


def explain(schemas: Mapping[str, dict[str, Any]], kinds: Iterable[type]) -> None:
    """Adds the meaning of each field to those of the schemas that are of these types and of what is in them."""
    for kind in _structs(kinds):
        schema = schemas.get(kind.__name__) or schemas[f"{kind.__module__}.{kind.__qualname__}"]
        meanings = MEANINGS | _texts(kind)
        fields = schema.get("properties") or dict(zip(kind.__struct_encode_fields__, schema.get("prefixItems", ()), strict=False))
        for name, field in fields.items():
            if name in meanings:
                field.setdefault("description", meanings[name])


def _structs(kinds: Iterable[type]) -> set[Any]:
    """The types, and those of their fields, items and values."""
    found: set[Any] = set()
    waiting = list(inspect.multi_type_info(kinds))
    while waiting:
        one = waiting.pop()
        if isinstance(one, inspect.StructType):
            if one.cls not in found:
                found.add(one.cls)
                waiting += [field.type for field in one.fields]
        else:
            waiting += [part for name in ("type", "item_type", "value_type") if isinstance(part := getattr(one, name, None), inspect.Type)]
            waiting += [*getattr(one, "types", ()), *getattr(one, "item_types", ())]
    return found


def _texts(kind: type) -> dict[str, str]:
    """The texts below the fields of a class and of its bases."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        found |= _texts_of(base.__module__).get(base.__qualname__, {})
    return found


@functools.cache
def _texts_of(module: str) -> dict[str, dict[str, str]]:
    """The texts below the fields of each class at the top of a module; none where its source is not here."""
    path = getattr(sys.modules[module], "__file__", None) or ""
    if not path.endswith(".py"):
        return {}
    tree = ast.parse(Path(path).read_text())
    return {one.name: dict(_below(one.body)) for one in tree.body if isinstance(one, ast.ClassDef)}


def _below(body: list[ast.stmt]) -> Iterator[tuple[str, str]]:
    for field, text in itertools.pairwise(body):
        match field, text:
            case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(said))):
                yield name, " ".join(said.replace("``", "`").split())
