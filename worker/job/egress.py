"""Keeps a job from connecting to metadata services, whatever address, spelling, name or redirect in its config leads there.

A cloud's metadata service gives the machine's credentials to every caller; only providers that use ambient credentials may reach it. The
checks see the address that a socket is about to connect to, after names are resolved. They hold for Python code; what goes past Python is
kept to the permitted ports by the kernel, where it can (`supervisor.landlock`, `supervisor.seccomp`).
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Collection
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


def allow_ports(ports: Collection[int]) -> None:
    """Makes every later TCP connection of this process to another port raise `ConfigError`: a sentence where the kernel says EACCES."""
    sentence = (
        "the source leads to port {}, and this job may connect to the ports {} only: those of its config, of the proxy, HTTPS and DNS. "
        "If it is right, name it in DISCOVERY_ALLOWED_PORTS"
    )

    def check(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "socket.connect":
            return
        connection, address = arguments
        internet = connection.family in (socket.AF_INET, socket.AF_INET6)
        if internet and connection.type == socket.SOCK_STREAM and address[1] not in ports:
            raise ConfigError(sentence.format(address[1], ", ".join(map(str, sorted(ports)))))

    sys.addaudithook(check)
