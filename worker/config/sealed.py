"""Hands a value from one process to the next: JSON in a sealed memory file, which has no name that others could open."""

from __future__ import annotations

import fcntl
import os
from typing import TypeVar

import msgspec

ContentT = TypeVar("ContentT")


def seal(content: msgspec.Struct) -> int:
    """An inheritable descriptor of a file that holds the content and that no process can change."""
    fd = os.memfd_create("sealed", os.MFD_ALLOW_SEALING)
    os.write(fd, msgspec.json.encode(content))
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    return fd


def unseal(fd: int, kind: type[ContentT]) -> ContentT:
    """The content that `seal` put there; it may be read any number of times."""
    return msgspec.json.decode(os.pread(fd, os.fstat(fd).st_size, 0), type=kind)
