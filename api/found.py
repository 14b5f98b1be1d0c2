"""What a request names must be there."""

from __future__ import annotations

from typing import TypeVar

from api.errors import ApiError, NotFound
from worker.store import organizations
from worker.store.connection import Connection

T = TypeVar("T")


def found(row: T | None, name: str) -> T:
    """The row, if there is one. Raises `NotFound`."""
    if row is None:
        raise NotFound(f"there is no {name}")
    return row


def an_organization(connection: Connection, number: int | None) -> None:
    """Raises `ApiError` when a body names an organization that is not there."""
    if number is not None and organizations.get(connection, number) is None:
        raise ApiError(f"there is no organization {number}: see /api/v1/organizations, or leave it out")
