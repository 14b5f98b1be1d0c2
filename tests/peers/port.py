"""Ports for what must be told one before it starts."""

from __future__ import annotations

import contextlib
import itertools
import os
import socket

_FIRST, _END = 10_000, 30_000
"""Below those that the kernel gives to connections: none of these can take one before it is used."""

_count = itertools.count(os.getpid() % 100 * 200)
"""Test processes side by side begin at different ones."""


def free_port() -> int:
    """One that is free now on every address; another with each call."""
    while True:
        port = _FIRST + next(_count) % (_END - _FIRST)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", port))
            return port
