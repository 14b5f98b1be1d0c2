"""Errors of the API, each with its HTTP status."""

from __future__ import annotations

from collections.abc import Sequence


class ApiError(Exception):
    """The request cannot be done as it is. `details` are more sentences."""

    status = 400

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.details = list(details)


class InvalidBody(ApiError):
    """The body is not valid. `details` say what is wrong."""

    def __init__(self, details: Sequence[str]) -> None:
        super().__init__("the body is not valid", details)


class Unauthorized(ApiError):
    """It needs the key."""

    status = 401


class Forbidden(ApiError):
    """The request comes from an address or a page that may not use the API, or bears a key whose role does not allow it."""

    status = 403


class TooManyRequests(ApiError):
    """Too many wrong keys came from the address. `seconds` is how long it has to wait."""

    status = 429

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__(message)
        self.seconds = seconds


class NotFound(ApiError):
    """There is no such thing."""

    status = 404


class Conflict(ApiError):
    """Its state does not allow that."""

    status = 409


class UnsupportedMediaType(ApiError):
    """The body is something else than JSON."""

    status = 415


class Unavailable(ApiError):
    """The service cannot answer now."""

    status = 503
