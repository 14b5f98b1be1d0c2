"""The sink: it takes the results of a run and the end of each scope."""

from __future__ import annotations

from typing import Protocol

import msgspec

from providers.errors import Outcome
from providers.records import Absence, Identity, Moment, Organization, Resource, Scope

BATCH = 500
"""Resources handed to the sink at once: large enough that a frame costs little, small enough that nothing waits long."""


class ScopeReport(msgspec.Struct, frozen=True):
    """How one scope ended. `message` is for the operator, `detail` for the engineer, `permission` what is missing."""

    scope: Scope
    outcome: Outcome
    resources: int
    message: str = ""
    permission: str = ""
    detail: str = ""
    gone: bool = False
    """True when the source says that what the scope names is there no more; `message` is the reason, and the scope is complete."""
    rejected: int = 0
    """Items that cannot be stored. `rejection` is the sentence about the first of them."""
    rejection: str = ""
    absence: Absence = Absence.DELETED
    as_of: Moment | None = None
    """The moment that the resources are of, where the source gives an earlier one."""


class Sink(Protocol):
    """Takes results. It is called from several threads, must be safe for that, and may block (that is the back-pressure)."""

    def identity(self, identity: Identity) -> None: ...
    def planned(self, scopes: tuple[Scope, ...]) -> None: ...
    def begin(self, scope: Scope) -> None: ...
    def organizations(self, organizations: list[Organization]) -> None: ...
    def resources(self, scope: Scope, resources: list[Resource]) -> None: ...
    def end(self, report: ScopeReport) -> None: ...
