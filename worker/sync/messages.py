"""The messages of ``/api/v1/sync/*``: what connectors send to the Elder API, and what it answers. Each may be sent twice without harm.

``GET /api/v1/sync/fingerprints?owner=&provider=&account=&region=&resource_type=&coverage=``
    What the API holds of one scope: ``{"fingerprints": "<base64>", "count": n}``, the base64 of little-endian signed 64-bit pairs (key,
    content) of the active entities, sorted by key; hashes as in `worker.run.wire`. An unknown scope is an empty one.

``POST /api/v1/sync/scopes/begin``
    ``{"owner", "run", "scope"}``, at the beginning of each scope: it is shown as being read until its end. Answers as
    ``/sync/fingerprints`` does.

``POST /api/v1/sync/batch``
    ``{"owner", "run", "scope": [provider, account, region, resource_type, coverage], "organizations": [[external_id, name, parent]],
    "resources": [<resource as in worker.run.wire>], "default_organization_id", "create_missing_organizations", "catalogue_version"}``;
    bulk upsert by external id; answers ``{"created", "updated", "unchanged", "rejected": [{"external_id", "reason"}]}``. Links and
    attributes that a resource no longer has wait for the end of the scope.

``POST /api/v1/sync/scopes``
    ``{"owner", "run", "scope", "outcome", "resources", "message", "permission", "detail", "unseen": "<base64 of 64-bit keys>",
    "catalogue_version", "not_shown": "<base64 of 64-bit keys>", "as_of"}``, at the end of each scope; `unseen` (the keys that a complete
    scope no longer has) is tombstoned, and lost links and attributes are removed, unless the guard holds them back. A reading that
    tombstones nothing (incomplete, or some of its resources were rejected) sends `not_shown` instead: what it has shown is held back no
    longer, the rest stays held. Answers ``{"deleted", "held_back", "held_links", "held_attributes"}``.

``POST /api/v1/sync/runs``
    ``{"owner", "run", "status", "error_kind", "error", "detail", "resources", "created", "updated", "deleted", "rejected", "identity",
    "log": {"lines": [[time, level, logger, text]], "left_out", "left_out_after"}}``, at the start (``running``) and at the end of a sync;
    kept as the connector's history.

``POST /api/v1/sync/connectors``
    ``{"worker", "name", "connectors": [{"name", "next_in", "syncing", "ready", "served", "error"}]}``, every few seconds: how the
    connectors of a worker stand. Answers ``{"requests": {"ldap": 7}}``: the syncs that people have asked for and this worker begins at
    once. The end of such a sync is told by ``/sync/runs`` with ``"request": 7``, and as `served`.

``GET /api/v1/sync/held?owner=``
    A page of what the guard holds back of that connector, by name.

``POST /api/v1/sync/release``
    ``{"owner"}``; applies what the guard held back of that connector; answers ``{"owner", "released", "links", "attributes"}``.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

import msgspec

from providers.records import Moment, Organization, Scope
from worker.run.outcome import RunLog


class Batch(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/batch``."""

    owner: str
    run: str
    scope: Scope
    organizations: list[Organization]
    """Organizations that the resources name, those above before those below."""
    resources: list[msgspec.Raw]
    """The resources, each as the provider read it."""
    default_organization_id: int | None = None
    create_missing_organizations: bool = True
    """False: a resource whose organization is not here is rejected."""
    catalogue_version: str = ""


class Rejected(msgspec.Struct, frozen=True):
    """A resource that the API does not take."""

    external_id: str
    reason: str
    """Why it is not taken, in a sentence."""


class Stored(msgspec.Struct, frozen=True):
    """Answer to a `Batch`."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    rejected: list[Rejected] = []
    """The resources that were not taken."""


class ScopeOpened(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/scopes/begin``."""

    owner: str
    run: str
    scope: Scope


class ScopeClosed(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/scopes``."""

    owner: str
    run: str
    scope: Scope
    outcome: str
    resources: int
    message: str = ""
    permission: str = ""
    detail: str = ""
    unseen: bytes = b""
    """Little-endian 64-bit keys; base64 in JSON."""
    catalogue_version: str = ""
    gone: bool = False
    """The source says that what the scope names is there no more; `message` is the reason."""
    not_shown: bytes | None = None
    """Keys, as in `unseen`, that a reading which tombstones nothing has not shown. None: it tombstones, or its worker is older."""
    as_of: Moment | None = None
    """The moment that the resources are of, where the source gives an earlier one."""
    rejected: int = 0
    """The number of its resources that were refused: with one, the scope was not read in full."""


class Tombstoned(msgspec.Struct, frozen=True):
    """Answer to a `ScopeClosed`."""

    deleted: int = 0
    held_back: int = 0
    held_links: int = 0
    held_attributes: int = 0


class SyncRun(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/runs``: how a connector's sync stands, at its start and at its end."""

    owner: str
    run: str
    status: str
    """``running``, or as a job's run ended: ``completed``, ``partial``, ``error``, ``cancelled``."""
    error_kind: str = ""
    error: str = ""
    detail: str = ""
    resources: int = 0
    created: int = 0
    updated: int = 0
    deleted: int = 0
    rejected: int = 0
    identity: dict[str, Any] | None = None
    log: RunLog | None = None
    """Lines that its process has logged, at its end; null: none, or its worker is older."""
    request: int = 0
    """Number of the request that it serves; 0: it came by its schedule."""


class SyncStored(msgspec.Struct, frozen=True):
    """Answer to a `SyncRun`."""

    owner: str
    run: str
    status: str


class ConnectorState(msgspec.Struct, frozen=True):
    """How a connector of a worker stands."""

    name: str
    next_in: float | None = None
    """Seconds until its next sync; null while it syncs."""
    syncing: bool = False
    """True while a sync runs."""
    ready: bool = False
    """True when the worker could begin a sync at once: then it is given a request that waits."""
    served: int = 0
    """Number of the newest request whose sync has ended in this worker; 0: none."""
    error: str = ""
    """Why the sync of that request failed."""


class WorkerConnectors(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/connectors``: how the connectors of a worker stand."""

    worker: UUID
    """Random, made anew at each start of the worker."""
    name: str
    """Name of the worker's machine, as people know it."""
    connectors: list[ConnectorState]
    """The connectors that are switched on; none, once the worker stops."""


class SyncsRequested(msgspec.Struct, frozen=True):
    """Answer to `WorkerConnectors`: the requests that are its to serve."""

    requests: dict[str, int] = {}
    """Number of the request that the worker has to serve, by connector."""


class ReleaseHeld(msgspec.Struct, frozen=True):
    """Body of ``POST /sync/release``: a connector, as in ``connector:ldap``."""

    owner: str


class HeldReleased(msgspec.Struct, frozen=True):
    """How many entities of a connector were marked as deleted, and how many links and attributes were taken away."""

    owner: str
    released: int
    """Number of entities that were marked as deleted."""
    links: int = 0
    """Number of links that were taken away."""
    attributes: int = 0
    """Number of attributes that were taken away."""


class Fingerprints(msgspec.Struct, frozen=True):
    """Answer to ``POST /sync/scopes/begin`` and ``GET /sync/fingerprints``."""

    fingerprints: bytes = b""
    """Pairs of 64-bit hashes (key, content), sorted by key; base64 in JSON."""
    count: int = 0
    """Number of pairs in `fingerprints`."""
