"""Keeps a job from connecting to metadata services, whatever address, spelling, name or redirect in its config leads there.

A cloud's metadata service gives the machine's credentials to every caller; only providers that use ambient credentials may reach it. The
check sees the address that a socket is about to connect to, after names are resolved.
"""

from __future__ import annotations

import socket
import sys
from typing import Any

from providers.address import is_forbidden
from providers.errors import ConfigError


def forbid_metadata() -> None:
    """Makes every later connection of this process to such an address raise `ConfigError`."""
    sys.addaudithook(_check_connect)


def _check_connect(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "socket.connect":
        return
    connection, address = arguments
    if connection.family in (socket.AF_INET, socket.AF_INET6) and is_forbidden(str(address[0])):
        raise ConfigError(
            f"the config leads to {address[0]}, a metadata-service, link-local, unspecified or multicast address that jobs may not reach"
        )
