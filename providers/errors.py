"""Errors of reading a source, grouped by what the caller does next.

::

    ProviderError
    |-- ConfigError          the job's config is wrong: not tried again until somebody changes it
    |-- CredentialsError     the source refuses who we are: not tried again before the next schedule
    |   `-- NoCredentialsYet what gives the credentials does not answer: nothing can be read, and who we are is not in doubt
    |-- ScopeError           this scope could not be read in full; the others go on
    |   |-- Denied           a permission is missing (`permission` names it)
    |   |-- Throttled        the source says: slow down
    |   |-- TimedOut         the source did not answer in time, or the connection broke
    |   |-- Unsupported      the source does not have this here: API not enabled, region without the service
    |   |-- PageExpired      a list changed or expired while it was paged; `providers.pages` begins it anew
    |   |-- PageTooLarge     one page is larger than the source sends; `providers.pages` asks for half of it
    |   `-- BadAnswer        the source answered with something that is not an answer
    `-- DataError            one resource cannot be stored; the rest of its scope can

Each has an `error_kind`: config, credentials, source or internal. A kind of a provider's own is told as internal.

Absence is not an error and an error is not absence: a scope that raised is never "empty".
"""

from __future__ import annotations

import enum


class Outcome(enum.StrEnum):
    """How the reading of a scope ended. Only a complete scope may tombstone what it did not see."""

    COMPLETE = "complete"
    DENIED = "denied"
    THROTTLED = "throttled"
    TIMEOUT = "timeout"
    UNSUPPORTED = "unsupported"
    SKIPPED = "skipped"
    NOT_REACHED = "not_reached"
    """Planned, and not begun when the run ended."""
    ERROR = "error"

    @property
    def gravity(self) -> int:
        """0: read in full. 1: nothing more can be read here. 2: something was missed. Of several reports of a scope, the gravest counts."""
        return {Outcome.COMPLETE: 0, Outcome.UNSUPPORTED: 1, Outcome.SKIPPED: 1}.get(self, 2)


class ProviderError(Exception):
    """The source could not be read."""

    error_kind = "internal"
    outcome = Outcome.ERROR
    """Outcome of a scope whose reading the error ended."""
    wait = 0.0
    """Seconds that the source asked us to wait before the next try."""

    def __init__(self, message: str | None = None, *, detail: str = "") -> None:
        """`message` is one sentence for the operator; `detail` is for the engineer. Neither may hold a secret."""
        super().__init__(message or self.__doc__)
        self.detail = detail


class ConfigError(ProviderError):
    """The configuration is wrong."""

    error_kind = "config"

    def __init__(self, message: str | None = None, *, complaints: tuple[str, ...] = (), detail: str = "") -> None:
        super().__init__(message or "; ".join(complaints) or None, detail=detail)
        self.complaints = complaints or ((message,) if message else ())


class CredentialsError(ProviderError):
    """The source does not accept the credentials."""

    error_kind = "credentials"


class NoCredentialsYet(CredentialsError):
    """There are no credentials now, and may be later: the service that gives them does not answer, or with something else."""

    error_kind = "source"


class ScopeError(ProviderError):
    """The scope could not be read in full. Raised by `check` or `plan` it ends the run, with the kind ``source``."""

    error_kind = "source"


class Denied(ScopeError):
    """A permission is missing."""

    error_kind = "credentials"
    outcome = Outcome.DENIED

    def __init__(self, message: str | None = None, *, permission: str = "", detail: str = "") -> None:
        super().__init__(message, detail=detail)
        self.permission = permission


class Throttled(ScopeError):
    """The source asks to slow down."""

    outcome = Outcome.THROTTLED


class TimedOut(ScopeError):
    """The source did not answer in time."""

    outcome = Outcome.TIMEOUT


class Unsupported(ScopeError):
    """The source does not offer this here."""

    outcome = Outcome.UNSUPPORTED


class PageExpired(ScopeError):
    """The list changed or its page token expired while it was read."""


class PageTooLarge(ScopeError):
    """One page of the list is larger than the source sends."""


class BadAnswer(ScopeError):
    """The source's answer makes no sense."""


class DataError(ProviderError):
    """One resource cannot be stored."""
