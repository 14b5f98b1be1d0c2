"""Every endpoint of the API, and the document that describes them."""

from __future__ import annotations

import functools
from typing import Any

from api import (
    audit,
    changes,
    connectors,
    durations,
    entities,
    inventory,
    jobs,
    keys,
    openapi,
    organizations,
    providers,
    releases,
    runs,
    scopes,
    sessions,
    sync,
    webhooks,
)

PREFIX = "/api/v1"
ROOMS = (
    jobs,
    runs,
    durations,
    providers,
    inventory,
    organizations,
    entities,
    changes,
    releases,
    scopes,
    connectors,
    sync,
    webhooks,
    keys,
    sessions,
    audit,
)
ENDPOINTS = tuple(endpoint for room in ROOMS for endpoint in room.ENDPOINTS)


@functools.cache
def document() -> dict[str, Any]:
    """The OpenAPI document of the whole API, made when it is first asked for."""
    return openapi.document(ENDPOINTS, PREFIX)
