"""Jobs that take more than they may: memory, processors, processes, descriptors, disk, the log. Run in real processes."""

from __future__ import annotations

import contextlib
import ctypes
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from evidence import FOREVER, tell


def c_call(_order, control, _data):
    tell(control, "computing")
    hashlib.pbkdf2_hmac("sha256", b"x", b"y", 80_000_000)


def gil_hog(_order, control, _data):
    tell(control, "hogging")
    ctypes.PyDLL(None).sleep(60)


def fork_storm(_order, control, _data):
    tell(control, "storming")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if os.fork() == 0:
                os.setsid()
                for _ in range(20):
                    with contextlib.suppress(OSError):
                        if os.fork() == 0:
                            time.sleep(FOREVER)
                time.sleep(FOREVER)
        time.sleep(0.02)


def fork_to_the_end(order, control, _data):
    """As many children as it is given, then tells how many, and why no more."""

    def fork() -> None:
        if os.fork() == 0:
            signal.pause()

    number, reason = _count(fork, order["most"])
    tell(control, f"{number} {reason}")
    time.sleep(FOREVER)


def respawning_pair(_order, control, _data):
    """Two processes that start each other again."""
    program = (
        "import os, sys, time\n"
        "while True:\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.setsid(); time.sleep(0.05)\n"
        "        if os.fork() == 0: os.execv(sys.executable, [sys.executable, '-S', '-c', sys.argv[1], sys.argv[1]])\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "    time.sleep(3600)\n"
    )
    subprocess.Popen([sys.executable, "-S", "-c", program, program])
    tell(control, "paired")
    time.sleep(FOREVER)


def big(order, control, _data):
    """Holds so many MB, each page touched."""
    hoard = bytearray(order["mb"] << 20)
    hoard[::4096] = b"x" * len(hoard[::4096])
    tell(control, "big")
    time.sleep(FOREVER)


def hog_the_gil_in_turns(order, control, _data):
    """Reports, holds the GIL longer than it may be idle, and reports again."""
    for number in range(FOREVER):
        tell(control, f"turn {number}")
        ctypes.PyDLL(None).usleep(int(order["hold"] * 1e6))


def compute(order, control, _data):
    """One call that holds the GIL and takes the CPU, and never ends."""
    tell(control, "computing")
    pow(3, 10**9, 10**400_000)


def leak(order, control, _data):
    """So many MB a second, of shared memory: RLIMIT_DATA does not count that, so that it is the watch which finds it."""
    import mmap

    tell(control, "leaking")
    hoard = []
    while True:
        hoard.append(mmap.mmap(-1, 1 << 20))
        hoard[-1].write(bytes(1 << 20))
        time.sleep(1 / order["mb_per_second"])


def swallow(_order, control, _data):
    """Catches every MemoryError and goes on."""
    tell(control, "hungry")
    hoard = []
    while True:
        try:
            hoard.append(bytearray(b"x") * (8 << 20))
        except MemoryError:
            continue


def take_everything(order, control, _data):
    """Descriptors, threads, disk: as many as it is given. Says how far it came."""
    import threading

    found = {"files": _count(lambda: os.open(os.devnull, os.O_RDONLY), order["files"])}
    os.closerange(max(control, _data) + 1, 1_000_000)
    found["threads"] = _count(lambda: threading.Thread(target=time.sleep, args=(FOREVER,), daemon=True).start(), order["threads"])
    found["one file"] = _count(lambda: _append("one", 1 << 20), order["mb"])
    Path("one").unlink()
    found["disk"] = _count(lambda: Path(f"{time.monotonic_ns()}").write_bytes(b"x" * (1 << 20)), order["mb"])
    print("SEEN", json.dumps(found), flush=True)


def _append(name: str, size: int) -> None:
    with Path(name).open("ab") as file:
        file.write(b"x" * size)


def _count(deed, most: int) -> list:
    """[how often it worked, why it stopped]"""
    for number in range(most):
        try:
            deed()
        except (OSError, RuntimeError, MemoryError) as error:
            return [number, getattr(error, "strerror", None) or str(error)]
    return [most, ""]


def greedy(_order, control, _data):
    tell(control, "hungry")
    hoard = []
    try:
        while True:
            hoard.append(bytearray(b"x") * (8 << 20))
    except MemoryError:
        hoard.append(None)
        time.sleep(FOREVER)


def greedy_grandchild(_order, control, _data):
    tell(control, "hungry")
    for _ in range(4):  # each below the cap, all of them over it
        subprocess.Popen([sys.executable, "-S", "-c", "x = bytearray(b'x') * (60 << 20); import time; time.sleep(3600)"])
    time.sleep(FOREVER)


def greedy_unseen(order, control, _data):
    """Memory that is in no process's resident set: a file in memory, written and not mapped."""
    tell(control, "hungry")
    fd = os.memfd_create("unseen")
    for _ in range(order["mb"]):
        os.write(fd, bytes(1 << 20))
    time.sleep(FOREVER)


def greedy_shared(order, control, _data):
    """Shared memory, by mmap."""
    import mmap

    tell(control, "hungry")
    shared = mmap.mmap(-1, order["mb"] << 20)
    for _ in range(order["mb"]):
        shared.write(bytes(1 << 20))
        time.sleep(0.002)
    time.sleep(FOREVER)


def flood_stderr(order, control, _data):
    block = b"x" * 65536
    for _ in range(order["blocks"]):
        os.write(2, block)
    tell(control, "flooded")
    os.write(2, b"the end")
