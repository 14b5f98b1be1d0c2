"""Descriptions of third parties' providers in this process: each is made by a process of its own, and none of their code runs here.

A process with secrets (`elder-worker run`, `check` ...) learns of a package by its metadata, which are text, and has its provider
described by a process that is shut in like a job, without an environment, a network or a secret. The writer stores the description under
the hash of the package's files, and the API reads it there.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import tempfile
import time
from collections.abc import Collection, Iterator
from importlib.metadata import EntryPoint

import msgspec

from providers import described, registry
from providers.described import Refusal
from providers.errors import ConfigError
from providers.provider import Description
from supervisor import bootstrap, folders, frames, kernel, pipes
from supervisor.bootstrap import Sandbox
from supervisor.errors import SpawnError
from supervisor.frames import ControlKind
from supervisor.kernel import ProcessInfo
from supervisor.memory import MB, Memory
from supervisor.process_tree import ProcessTable
from worker.config.environment import scrubbed
from worker.config.foreign import Packages
from worker.config.package_files import package_hash

SECONDS = 15.0
"""Seconds for the import of one package and its description."""

LOOK_EVERY = 0.2
"""Seconds between two looks at the processes that a package has started."""

KILL_SECONDS = 5.0
"""Seconds for the end of a describing process and of what it has started."""

MOST_PROCESSES = 32
"""Processes that a package may start while it is described."""

MEMORY_MB = 512
"""Memory of a describing process, and of all that it has started together."""

DATABASE_DRIVERS = ("psycopg", "psycopg_binary", "psycopg_c", "psycopg_pool", "psycopg2")
"""Modules that no job may import."""

ENTRY = "worker.job.describe:main"


def installed() -> Packages:
    """Has every third party's provider that is installed here described. To be called before this process has threads."""
    known = registry.installed()
    found, problems = [], dict(known.problems)
    for name, point in known.points.items():
        try:
            found.append(describe(name, point))
        except ConfigError as error:
            problems[name] = str(error)
    return Packages(tuple(found), problems)


def describe(name: str, point: EntryPoint) -> Description:
    """The description of one provider. Raises `ConfigError`."""
    before = package_hash(point)
    text = _described_elsewhere(name)
    with contextlib.suppress(msgspec.MsgspecError):
        raise ConfigError(msgspec.json.decode(text, type=Refusal).sentence)
    description = described.read(name, text)
    return msgspec.structs.replace(description, package=before)


def _described_elsewhere(name: str) -> bytes:
    """The answer of a process of its own about a provider; empty when there is none in time."""
    kernel.hide_memory()
    kernel.adopt_orphans()
    try:
        with _folder() as folder, _process(folder) as (pid, start, data, others):
            os.write(start, frames.encode(ControlKind.START, msgspec.json.encode({"name": name})))
            return _read(pid, data, others)
    except (SpawnError, OSError) as error:
        raise ConfigError(f"provider '{name}' cannot be described: {error}") from None


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A temporary folder, which is removed at the end whatever is in it."""
    folder = tempfile.mkdtemp(prefix="elder-describe-")
    try:
        yield folder
    finally:
        folders.remove(folder)


@contextlib.contextmanager
def _process(folder: str) -> Iterator[tuple[int, int, int, Collection[int]]]:
    """A process that describes: its pid, start pipe and data pipe, and the children from before. It is killed at the end."""
    from supervisor.process import spawn_process  # noqa: PLC0415 - loads dill, which the writer does without, and which needs a temporary folder

    ours, theirs = pipes.make()
    others = kernel.children()
    for name in ("stdout", "stderr"):  # what it prints, nobody reads
        os.close(ours.pop(name))
        os.close(theirs.pop(name))
        theirs[name] = os.open(os.devnull, os.O_WRONLY)
    sandbox = Sandbox(folder, MEMORY_MB, (), namespaced=True, confined=True, readable=(), ports=(), forbidden=DATABASE_DRIVERS)
    try:
        with scrubbed(os.environ):
            arguments = {"parent": os.getpid(), "entry": ENTRY, "pipes": theirs, "sandbox": sandbox}
            pid, pidfd = spawn_process("describe", bootstrap.run_job, arguments, list(theirs.values()))
    except BaseException:
        pipes.close(ours)
        raise
    finally:
        pipes.close(theirs)
    try:
        yield pid, ours["start"], ours["data"], others
    finally:
        pipes.close(ours)
        _kill(pid, pidfd, others)
        os.close(pidfd)


def _kill(pid: int, pidfd: int, others: Collection[int]) -> None:
    """Kills a process and whatever it has started, wherever that fled: orphans become children of this process. `others` are older ones."""
    seen: set[tuple[int, int]] = set()
    deadline = time.monotonic() + KILL_SECONDS
    while time.monotonic() < deadline:
        alive = _alive(pid, others, seen)
        seen |= {(one.pid, one.started) for one in alive}
        for one in alive:
            kernel.send_signal(one, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        if not alive:
            break
    os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    for number in {*kernel.children()} - {*others}:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(number, os.WNOHANG)


def _alive(pid: int, others: Collection[int], seen: Collection[tuple[int, int]] = ()) -> list[ProcessInfo]:
    """The processes that a describing process has started and that still run, wherever they fled."""
    table = ProcessTable()
    found = {one.pid: one for one in (*table.tree(pid, seen), *table.orphans({pid, *others}))}
    return [one for one in found.values() if one.alive]


def _read(pid: int, data: int, others: Collection[int]) -> bytes:
    """Reads until the process ends or closes the pipe, until there is too much of it or of its children, or until the time is over."""
    deadline, look, text, memory = time.monotonic() + SECONDS, 0.0, b"", Memory(MEMORY_MB)
    poller = select.poll()
    poller.register(data, select.POLLIN)
    while len(text) <= described.LARGEST:
        if time.monotonic() >= deadline:
            raise OSError(f"it is not done after {SECONDS:g} s")
        if time.monotonic() >= look:  # whether it speaks or not
            _check_size(pid, memory, _alive(pid, others))
            look = time.monotonic() + LOOK_EVERY
        if poller.poll(LOOK_EVERY * 1000):
            part = os.read(data, 65536)
            if not part:
                break
            text += part
    return text


def _check_size(pid: int, memory: Memory, members: list[ProcessInfo]) -> None:
    if len(members) > MOST_PROCESSES:
        raise OSError(f"it has started more than {MOST_PROCESSES} processes")
    if memory.measure(pid, members, namespaced=True):
        raise OSError(f"it and its processes use {memory.now // MB} MB, over their cap of {MEMORY_MB} MB")
