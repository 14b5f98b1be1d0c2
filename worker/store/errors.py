"""Database errors, grouped by what the caller does next.

::

    StoreError
    |-- Unreachable     no answer, or the server is shutting down: try again later
    |   `-- ReadOnly    a replica, or a read-only database: reads work, writes wait
    |-- Refused         a statement fails in the server, and the connection is fine: a trigger, a fault of ours; try a few times
    |-- Misconfigured   wrong password, no such database: a person must change something
    |   `-- NewerSchema a schema that needs newer code: install the newer version
    |-- Conflict        serialization failure, deadlock, lock time-out: repeat at once
    |-- BadData         a value that PostgreSQL rejects: refuse that record
    |-- LostClaim       another worker has the job: stop at once, write nothing
    `-- LostWrites      it has lost what it had confirmed: end the run, the next one stores all of it again

`NotPossible` is none of them: the database works, and what is stored does not allow a person's change.
"""

from __future__ import annotations

import re

import psycopg
from psycopg import errors as pg


class StoreError(Exception):
    """A request to the database failed."""

    error_kind = "database"


class Unreachable(StoreError):
    """The database is out of reach."""


class ReadOnly(Unreachable):
    """The database is a replica or read-only: reads work, writes have to wait."""


class Refused(StoreError):
    """The server answers, and refuses the statement."""


class Misconfigured(StoreError):
    """The database cannot be used as it is configured."""

    error_kind = "config"


class NewerSchema(Misconfigured):
    """The schema needs newer code than this."""


class Conflict(StoreError):
    """Another transaction was in the way."""


class BadData(StoreError):
    """The database does not take this value."""

    error_kind = "data"


class LostClaim(StoreError):
    """The job was claimed by another worker."""

    error_kind = "lost"


class LostWrites(StoreError):
    """The database has lost writes that it had confirmed."""


class NotPossible(Exception):
    """A change that the stored state does not allow; the message says why, and what to do."""


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
    """Translates an error of psycopg, with one line of the server's message and without the connection string."""
    sentence = _sentence(error)
    if (
        isinstance(error, _MISCONFIGURED)
        or "password authentication failed" in sentence
        or "does not exist" in sentence.partition("FATAL")[2]
    ):
        return Misconfigured(f"{sentence}: check DATABASE_URL")
    if isinstance(error, pg.ReadOnlySqlTransaction):
        return ReadOnly(sentence)
    if isinstance(error, _CONFLICT):
        return Conflict(sentence)
    if isinstance(error, _BAD_DATA):
        return BadData(sentence)
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | pg.IdleInTransactionSessionTimeout) or not error.sqlstate:
        return Unreachable(sentence)
    return Refused(sentence)


def _sentence(error: psycopg.Error) -> str:
    text = error.diag.message_primary or str(error) or type(error).__name__
    line = " ".join(text.split())
    return re.sub(r"(password=|://[^:@/\s]*:)[^@\s]*", r"\1***", line)
