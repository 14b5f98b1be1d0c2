"""A network namespace of a test's own: software that insists on privileged ports has them there, and nobody else notices."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
from collections.abc import Iterator

from peers import mortal
from waiting import until

_CLONE_NEWNET = 0x40000000
_LIBC = ctypes.CDLL(None, use_errno=True)


class Namespace:
    """The namespaces (network, mounts, processes) of a program that runs until it is closed, and so does all that it has started."""

    def __init__(self, command: str, log) -> None:
        """`command` is a line for the shell; the loopback interface is up when it begins."""
        line = [
            "unshare",
            "-n",
            "-m",
            "--pid",
            "--fork",
            "--mount-proc",
            "--kill-child",
            "sh",
            "-c",
            f"ip link set lo up && exec {command}",
        ]
        self._process = mortal.start(line, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self._init = until(self._child, "the namespace's first process", cap=20)
        self._net = os.open(f"/proc/{self._init}/ns/net", os.O_RDONLY)

    @property
    def ended(self) -> bool:
        """Whether the program is no more."""
        return self._process.poll() is not None

    def connect(self, port: int) -> socket.socket:
        """A connection to the namespace's own 127.0.0.1."""
        with self._entered():
            return socket.create_connection(("127.0.0.1", port), 5)

    def close(self) -> None:
        """Kills the first process, and with it every other; returns when none is left."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._init, signal.SIGKILL)
        self._process.wait(20)
        os.close(self._net)
        assert not os.path.exists(f"/proc/{self._init}"), "a namespace outlives its first process"

    def _child(self) -> int:
        """The process that unshare has forked, once it is in a network of its own."""
        with open(f"/proc/{self._process.pid}/task/{self._process.pid}/children") as children:
            found = children.read().split()
        assert self._process.poll() is None, "unshare failed: it needs root"
        ours = os.stat("/proc/self/ns/net").st_ino
        return int(found[0]) if found and os.stat(f"/proc/{found[0]}/ns/net").st_ino != ours else 0

    @contextlib.contextmanager
    def _entered(self) -> Iterator[None]:
        """This thread alone is in the namespace for as long as the block lasts; a socket stays where it was made."""
        home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        try:
            _enter(self._net)
            try:
                yield
            finally:
                _enter(home)
        finally:
            os.close(home)


def _enter(namespace: int) -> None:
    if _LIBC.setns(namespace, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")
