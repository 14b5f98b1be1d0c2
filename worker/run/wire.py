"""Bodies of the frames between a job process and the writer (see `supervisor.frames` for the frames themselves).

========== ================= =====================================================================================
kind        body              rule
========== ================= =====================================================================================
START       `JobStart`        the only frame towards the job
IDENTITY    `Identity`        at most once, before the first scope
PLANNED     `[Scope]`         scopes that will be opened; a scope may also be opened without
SCOPE       `[index, Scope]`  opens a scope; indices count up from 0
ORGANIZ.    `[Organization]`  before any resource that names them
RECORDS     `Records`         of an open scope; `sequence` counts up from 0 over the whole run, a gap is a protocol error
SCOPE_END   `ScopeEnd`        closes a scope; `resources` must equal what arrived for it
LOG         `LogLines`        lines that the process has logged; anywhere before the last frame, as often as there are some
COMPLETE    `Complete`        last frame of a run that ended by itself; every opened scope is closed, totals match
FAILED      `Failed`          last frame of a run that could not go on
========== ================= =====================================================================================

A job has succeeded when its ``COMPLETE`` arrived **and** its process left with exit code 0; neither alone is success.

A resource is encoded by `encode_resource`, keys in order, so that equal resources are equal bytes: the writer hashes those bytes
and decodes only what has changed.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

import msgspec

from providers.errors import Outcome
from providers.records import Absence, Identity, Moment, Organization, Resource, Scope, Text
from providers.stores.access import StoreAccess
from supervisor.frames import FrameKind

PROTOCOL = 1


class DataKind(FrameKind):
    """Frames on the data pipe, from a job to the writer."""

    SCOPE = 16
    ORGANIZATIONS = 17
    RECORDS = 18
    SCOPE_END = 19
    IDENTITY = 20
    COMPLETE = 21
    FAILED = 22
    PLANNED = 23
    LOG = 24


FailureKind = Literal["config", "credentials", "source", "memory", "internal"]
"""Error kinds of `providers.errors`. The set is closed, because each is a label of a metric."""

FAILURE_KINDS: dict[str, FailureKind] = {kind: kind for kind in get_args(FailureKind)}


class JobStart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The order to a job process. `operator` holds the operator's settings for the provider, by field."""

    kind: str
    """``discovery``, ``connector`` or ``test`` (only `Source.check`)."""
    run: str
    provider: str
    config: dict[str, Any]
    operator: dict[str, Any] = {}
    secrets: tuple[str, ...] = ()
    """Values to redact from everything that leaves the process, besides those that the config's type marks."""
    attempted: tuple[Scope, ...] = ()
    """Scopes that earlier runs attempted, the oldest attempt first."""
    ports: tuple[int, ...] | None = None
    """TCP ports that the job may connect to; None for all."""
    stores: StoreAccess | None = None
    """How to read the secrets that `config` still names in stores; its process adds the ports that they name."""
    batch: int = 500
    job_id: int | None = None
    log_level: str = "INFO"
    log_format: str = "json"
    protocol: int = PROTOCOL


class ScopeOpened(msgspec.Struct, frozen=True, array_like=True):
    """Opens a scope for writing."""

    index: int
    scope: Scope


class Records(msgspec.Struct, frozen=True, array_like=True):
    """Resources of one scope, each still as its JSON (a `Resource` when decoded)."""

    sequence: int
    index: int
    resources: list[msgspec.Raw]


class ScopeEnd(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Closes a scope with its outcome."""

    index: int
    outcome: Outcome
    resources: int
    message: Text = ""
    permission: Text = ""
    detail: Text = ""
    gone: bool = False
    """The source says that what the scope names is there no more; `message` is the reason."""
    rejected: int = 0
    """Resources that could not be put into a frame: too large, or not JSON. They exist, so a scope with some may not tombstone."""
    rejection: Text = ""
    """The first rejected resource with its reason."""
    absence: Absence = Absence.DELETED
    as_of: Moment | None = None
    """The moment that the resources are of, where the source gives an earlier one."""


MAX_LINE, MAX_LOGGER, MAX_LINES = 2_000, 200, 100
"""Characters of a log line and of its logger's name, and lines of one frame. A frame of as many fits into `MAX_DATA_FRAME`."""

LogLevel = Literal["info", "warning", "error", "critical"]


class LogLine(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A line that the job's process has logged; its fields are in the text."""

    at: Annotated[float, msgspec.Meta(ge=0, lt=253_402_300_800)]
    """Seconds since 1970; before the year 10000."""
    level: LogLevel
    logger: Annotated[str, msgspec.Meta(max_length=MAX_LOGGER)]
    text: Annotated[str, msgspec.Meta(max_length=MAX_LINE)]


class LogLines(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Lines in the order in which they were logged."""

    left_out: Annotated[int, msgspec.Meta(ge=0, lt=1_000_000_000)]
    """Lines before these that were not sent, as too many waited."""
    lines: list[LogLine]


class Complete(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The run has ended by itself; totals over all scopes."""

    scopes: int
    resources: int


class Failed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The run cannot continue."""

    error_kind: FailureKind
    message: Text
    detail: Text = ""


class Progress(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of a PROGRESS frame on the control pipe: evidence that the job moves. Numbers only ever grow."""

    scopes_planned: int = 0
    scopes_done: int = 0
    resources: int = 0
    calls: int = 0
    """Answers received from the source."""
    scope: str = ""
    """Scope being read, for people; holds no secrets."""


MAX_RESOURCE = 1024 * 1024
"""Bytes of the largest resource that is stored; a larger one is rejected alone."""

MAX_DATA_FRAME = MAX_RESOURCE + 64 * 1024
"""Most bytes of a frame to the writer; decoded, a frame of digits and commas takes forty times its size in memory."""

MAX_RECORDS = 10_000
"""Most resources of one frame."""

_encoder = msgspec.json.Encoder(order="deterministic")
_resource_decoder = msgspec.json.Decoder(Resource)

encode = msgspec.json.encode


def encode_resource(resource: Resource) -> bytes:
    """Canonical JSON: equal resources are equal bytes."""
    return _encoder.encode(resource)


def encode_resources(resources: list[Resource]) -> bytes:
    """A JSON array of resources, each exactly as `encode_resource` would write it; one call for many is what makes it fast."""
    return _encoder.encode(resources)


def decode_resource(raw: msgspec.Raw | bytes) -> Resource:
    """The resource; raises `msgspec.ValidationError` or `msgspec.DecodeError` when it is none."""
    return _resource_decoder.decode(raw)


__all__ = [
    "MAX_RESOURCE",
    "PROTOCOL",
    "Complete",
    "DataKind",
    "Failed",
    "Identity",
    "JobStart",
    "LogLine",
    "LogLines",
    "Organization",
    "Progress",
    "Records",
    "ScopeEnd",
    "ScopeOpened",
    "decode_resource",
    "encode",
    "encode_resource",
    "encode_resources",
]
