"""Rows that a request names: each is there, or the request is refused."""

from __future__ import annotations

from typing import Any, TypeVar

from api.errors import ApiError, NotFound
from worker.store import jobs, organizations
from worker.store.connection import Connection

T = TypeVar("T")


def or_404(row: T | None, name: str) -> T:
    """Returns the row; raises `NotFound` when there is none."""
    if row is None:
        raise NotFound(f"there is no {name}")
    return row


def get_job(connection: Connection, number: int, *, locked: bool = False) -> dict[str, Any]:
    """Returns a job, `locked` against changes until the end of the transaction. Raises `NotFound`."""
    return or_404(jobs.get(connection, number, locked=locked), f"job {number}")


def check_organization(connection: Connection, number: int | None) -> None:
    """Checks that an organization exists, if one is named. Raises `ApiError`."""
    if number is not None and organizations.get(connection, number) is None:
        raise ApiError(f"there is no organization {number}: see /api/v1/organizations, or leave it out")
