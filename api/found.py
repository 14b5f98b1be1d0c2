"""What a request names must be there."""

from __future__ import annotations

from typing import Any, TypeVar

from api.errors import ApiError, NotFound
from worker.store import jobs, organizations
from worker.store.connection import Connection

T = TypeVar("T")


def found(row: T | None, name: str) -> T:
    """The row, if there is one. Raises `NotFound`."""
    if row is None:
        raise NotFound(f"there is no {name}")
    return row


def a_job(connection: Connection, number: int, *, locked: bool = False) -> dict[str, Any]:
    """A job. `locked`: nobody else changes it until the end of the transaction. Raises `NotFound`."""
    return found(jobs.get(connection, number, locked=locked), f"job {number}")


def an_organization(connection: Connection, number: int | None) -> None:
    """Raises `ApiError` when a body names an organization that is not there."""
    if number is not None and organizations.get(connection, number) is None:
        raise ApiError(f"there is no organization {number}: see /api/v1/organizations, or leave it out")
