"""The config of the hostile source: its faults, and when they happen."""

from __future__ import annotations

from typing import Annotated

import msgspec

from providers.schema import Secret
from providers.variables import setting


class HostileOperator(msgspec.Struct, frozen=True):
    """The operator's settings of the hostile source."""

    endpoint_url: Annotated[str, setting("Shown by the check.")] = ""


class HostileConnector(msgspec.Struct, frozen=True):
    """The connector's variables: one that behaves."""

    resources: Annotated[int, setting("Resources in each region.", ge=0)] = 10


class HostileConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`behaviour` is a function of `providers.hostile.faults`, or one of the few that `source` knows; it comes after `resources`."""

    behaviour: str = "well"
    account: str = "hostile-1"
    regions: tuple[str, ...] = ("r1",)
    misbehave_in: str = ""
    """The region in which it misbehaves; empty: the last one."""
    resources: int = 10
    """Resources in each region."""
    pause: float = 0.0
    """Seconds between two of them."""
    size: int = 0
    """Bytes of padding in each resource."""
    generation: int = 0
    """Goes into the attributes of the first `changed` resources."""
    changed: int = 0
    path: str = ""
    """Beside which a pickle that was loaded leaves a file."""
    target: str = ""
    """Target of an intrusion: a path or an address."""
    digest: str = ""
    """SHA-256 of the word that an intrusion looks for."""
    password: Secret | None = None
