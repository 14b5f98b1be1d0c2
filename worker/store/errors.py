"""What can go wrong with the database, grouped by what the caller does next.

::

    StoreError
    |-- Unreachable     nobody answers, or the server is going down: try again later
    |-- Misconfigured   wrong password, no such database, a schema that we do not know: a person must change something
    |-- Conflict        serialization failure, deadlock, lock time-out: the same again, at once
    |-- BadData         a value that PostgreSQL does not take: refuse that record
    `-- LostClaim       the job is not ours any more: stop at once, write nothing
"""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg


class StoreError(Exception):
    """The database did not do what it was asked."""

    error_kind = "database"


class Unreachable(StoreError):
    """The database is out of reach."""


class Misconfigured(StoreError):
    """The database cannot be used as it is configured."""

    error_kind = "config"


class Conflict(StoreError):
    """Another transaction was in the way."""


class BadData(StoreError):
    """The database does not take this value."""

    error_kind = "data"


class LostClaim(StoreError):
    """The job was claimed by another worker."""

    error_kind = "lost"


_MISCONFIGURED = (
    pg.InvalidPassword,
    pg.InvalidAuthorizationSpecification,
    pg.InvalidCatalogName,
    pg.InsufficientPrivilege,
    pg.UndefinedTable,
    pg.UndefinedColumn,
)
_CONFLICT = (pg.SerializationFailure, pg.DeadlockDetected, pg.LockNotAvailable, pg.UniqueViolation)
_BAD_DATA = (pg.DataError, pg.ProgramLimitExceeded, pg.CheckViolation, pg.NotNullViolation, pg.StatementTooComplex)


def classified(error: psycopg.Error) -> StoreError:
    """Our error for one of psycopg's, with one line of what the server said and never the connection string."""
    sentence = _sentence(error)
    if (
        isinstance(error, _MISCONFIGURED)
        or "password authentication failed" in sentence
        or "does not exist" in sentence.partition("FATAL")[2]
    ):
        return Misconfigured(f"{sentence}: check DATABASE_URL")
    if isinstance(error, _CONFLICT):
        return Conflict(sentence)
    if isinstance(error, _BAD_DATA):
        return BadData(sentence)
    return Unreachable(sentence)


def _sentence(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error) or type(error).__name__
    line = " ".join(text.split())
    return re.sub(r"(password=|://[^:@/\s]*:)[^@\s]*", r"\1***", line)
