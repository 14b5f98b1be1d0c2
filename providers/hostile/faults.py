"""Faults that a job can inflict on the processes around it. Each function is called in the middle of a read."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import pathlib
import pickle
import signal
import stat
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import structlog

from providers.hostile.config import HostileConfig
from providers.hostile.intrusions import INTRUSIONS

COMPLETE, RECORDS_KIND, SCOPE_END, FAILED, LOG = 21, 18, 19, 22, 24
PROGRESS = 3

LONG = "x" * 300_000
"""More than a message between the worker's own processes can hold."""


def well(config: HostileConfig) -> None:
    """Reads its scopes without a fault."""
    _tell(config)


def sleep(config: HostileConfig) -> None:
    """Sleeps and never ends."""
    _tell(config)
    threading.Event().wait()


def log_and_sleep(config: HostileConfig) -> None:
    """Says in its log what goes wrong, its secret among it, and never ends."""
    structlog.get_logger("hostile").warning("the source is slow", tries=3, sent=f"as {config.password}")
    sleep(config)


def log_and_die(config: HostileConfig) -> None:
    """Logs a line that the worker has not redacted, and far too many others, in frames of its own, and dies."""
    for number in range(30):
        lines = ",".join(f'[{number},"error","sdk","line {number}.{index} {config.password}"]' for index in range(100))
        _to_the_writer(LOG, f"[0,[{lines}]]".encode())
    die_in_a_frame(config)


def ignore_sigterm(config: HostileConfig) -> None:
    """Never ends; `open` has seen to the signal."""
    sleep(config)


def spin(config: HostileConfig) -> None:
    """Never ends, and takes all the CPU."""
    _tell(config)
    while True:
        pass


def grandchild(config: HostileConfig) -> None:
    """Leaves a process in a session of its own, which ignores what can be ignored and holds every descriptor."""
    code = "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\ntime.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True, close_fds=False)
    _tell(config, str(child.pid))
    threading.Event().wait()


def stop(config: HostileConfig) -> None:
    """Stops itself, and again whenever it is woken: SIGTERM is not delivered to a stopped process."""
    _tell(config)
    while True:
        os.kill(os.getpid(), signal.SIGSTOP)


def hog_memory(config: HostileConfig) -> None:
    """Takes all the memory there is, in steps, and touches it."""
    _tell(config)
    hoard = []
    while True:
        hoard.append(b"\1" * (8 * 1024 * 1024))


def hog_in_children(config: HostileConfig) -> None:
    """Takes it in processes each of which stays below every limit of its own."""
    code = "import time; hoard = b'\\1' * (90 * 1024 * 1024); time.sleep(600)"
    for _ in range(4):
        subprocess.Popen([sys.executable, "-c", code])
    sleep(config)


def write_garbage(config: HostileConfig) -> None:
    """Bytes that are not a frame, on every pipe it has."""
    _everywhere(b"\xff" * 64)
    sleep(config)


def write_pickle(config: HostileConfig) -> None:
    """A pickle that would make a file, in a frame."""
    bomb = pickle.dumps(_Bomb(config.path + ".exploded"))
    _everywhere(struct.pack(">IB", len(bomb), RECORDS_KIND) + bomb)
    sleep(config)


def claim_4_gigabytes(config: HostileConfig) -> None:
    """A length that nobody should make room for."""
    _everywhere(struct.pack(">IB", 0xFFFFFFFF, RECORDS_KIND))
    sleep(config)


def write_half_a_frame(config: HostileConfig) -> None:
    """The beginning of a frame, and then nothing."""
    _half_a_frame()
    sleep(config)


def die_in_a_frame(config: HostileConfig) -> None:
    """The beginning of a frame, and then death."""
    _half_a_frame()
    _tell(config)
    os.kill(os.getpid(), signal.SIGKILL)


def repeat_records(config: HostileConfig) -> None:
    """Records with a number that was used already."""
    _records_again(0)
    sleep(config)


def skip_records(config: HostileConfig) -> None:
    """Records with a number far beyond the next."""
    _records_again(1_000_000)
    sleep(config)


def complete_too_early(config: HostileConfig) -> None:
    """COMPLETE in the middle of a scope."""
    body = b'{"scopes":1,"resources":%d}' % config.resources
    _everywhere(struct.pack(">IB", len(body), COMPLETE) + body)
    _tell(config)


def be_quoted_at_length(config: HostileConfig) -> None:
    """A word that nobody knows, so long that a complaint which quotes it fits nowhere."""
    _to_the_writer(SCOPE_END, b'{"index":0,"resources":0,"outcome":"%b"}' % LONG.encode())
    sleep(config)


def fail_at_length(config: HostileConfig) -> None:
    """A kind of failure that there is not, and that would be the name of a series."""
    _to_the_writer(FAILED, b'{"error_kind":"%b","message":"m"}' % LONG.encode())
    sleep(config)


def exit_0(config: HostileConfig) -> None:
    """Leaves as if all were well, without a word."""
    _tell(config)
    os._exit(0)


def exit_7(config: HostileConfig) -> None:
    """Leaves with an exit code."""
    _tell(config)
    os._exit(7)


def crash(config: HostileConfig) -> None:
    """Dies of a segmentation fault."""
    _tell(config)
    ctypes.string_at(0)


def kill_itself(config: HostileConfig) -> None:
    """Kills its own process, as the kernel's memory killer would."""
    _tell(config)
    os.kill(os.getpid(), signal.SIGKILL)


def close_everything(config: HostileConfig) -> None:
    """Closes its pipes and goes on."""
    _tell(config)
    os.closerange(3, 256)
    threading.Event().wait()


def shout(config: HostileConfig) -> None:
    """64 MB to stderr without a line end."""
    for _ in range(1024):
        os.write(2, b"x" * 65536)
    _tell(config)


def blurt(config: HostileConfig) -> None:
    """An exception that nobody foresaw, with the secret in it."""
    raise LookupError(f"cannot log in with {config.password}")


def whisper(config: HostileConfig) -> None:
    """Prints the secret, through Python and past it, and dies."""
    print(f"password={config.password}\nsent {config.password} again", flush=True)  # noqa: T201
    print(config.password, file=sys.stderr, flush=True)  # noqa: T201
    os.write(2, f"raw: {config.password}\n".encode())
    os.kill(os.getpid(), signal.SIGKILL)


def intrude(config: HostileConfig) -> None:
    """Tries every way out of the sandbox, and tells for each what came of it."""
    for name, attempt in INTRUSIONS.items():
        try:
            got = attempt(config)
            outcome = f"SUCCEEDED {got}" if got else "refused"
        except Exception as error:
            outcome = f"refused {type(error).__name__}: {error}"
        _tell(config, f"{name}: {outcome}")


def _deep() -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(100_000):
        value = {"a": value}
    return value


RECORDS: dict[str, Callable[[], dict[str, Any]]] = {
    "huge_record": lambda: {"tags": {"big": "x" * (50 * 1024 * 1024)}},
    "deep_record": lambda: {"attributes": _deep()},
    "surrogate_record": lambda: {"name": "\ud800"},
    "object_record": lambda: {"attributes": {"x": object()}},
    "nul_record": lambda: {"name": "a\0b", "attributes": {"x": "\0"}},
}
"""Resources that cannot be stored: what is odd about them."""


class _Bomb:
    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return pathlib.Path.touch, (pathlib.Path(self._path),)


def _records_again(sequence: int) -> None:
    _to_the_writer(RECORDS_KIND, b"[%d,0,[]]" % sequence)


def _everywhere(data: bytes) -> None:
    """Writes garbage to every pipe that this process can write to."""
    for fd in _pipes():
        with contextlib.suppress(OSError):  # the read end of a pipe
            os.write(fd, data)


def _half_a_frame() -> None:
    """Writes the beginning of a frame to the control pipe and to the data pipe, of a kind that each may carry."""
    for fd in _pipes():
        kind = RECORDS_KIND if fd == _data_pipe() else PROGRESS
        with contextlib.suppress(OSError):  # the read end of a pipe
            os.write(fd, struct.pack(">IB", 1000, kind) + b"[0,0,[")


def _to_the_writer(kind: int, body: bytes) -> None:
    """Writes a frame to the data pipe alone."""
    os.write(_data_pipe(), struct.pack(">IB", len(body), kind) + body)


def _data_pipe() -> int:
    """The pipe that the writer has made larger."""
    return max(_pipes(), key=lambda fd: fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ))


def _pipes() -> list[int]:
    found = []
    for entry in list(pathlib.Path("/proc/self/fd").iterdir()):
        with contextlib.suppress(OSError):  # a descriptor of the listing
            if int(entry.name) > 2 and stat.S_ISFIFO(os.fstat(int(entry.name)).st_mode):
                found.append(int(entry.name))
    return found


def _tell(config: HostileConfig, text: str = "here") -> None:
    """Evidence in the log that the fault has begun."""
    print(f"told {config.behaviour} {text}", flush=True)  # noqa: T201
