"""Entry point of a process that imports a third party's package and writes its provider's description, and does nothing else.

It has no secrets, no network and no more time than `worker.config.packages` gives it; what it writes is read as untrusted JSON.
"""

from __future__ import annotations

import os

import msgspec

from providers import described, registry, third_party
from providers.described import Refusal
from providers.errors import ConfigError


class DescribeStart(msgspec.Struct, frozen=True):
    """The order to the process: the name of the provider in its package's entry points."""

    name: str


def main(start: bytes, control: int, data: int) -> int:  # noqa: ARG001 - every job's entry point has these
    """Writes the description, or a `Refusal`, to the data pipe."""
    name = msgspec.json.decode(start, type=DescribeStart).name
    try:
        text = msgspec.json.encode(described.of(registry.load(name)))
    except ConfigError as error:
        text = msgspec.json.encode(Refusal(str(error)))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - somebody else's code: it takes nobody with it
        text = msgspec.json.encode(Refusal(third_party.unusable(name, f"{type(error).__name__}: {error}")))
    with os.fdopen(data, "wb") as pipe:
        pipe.write(text)
    return 0
