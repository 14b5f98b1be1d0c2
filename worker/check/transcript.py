"""The connectivity test: whether everything that is configured can be reached, and as whom. Each test runs in a killable process.

The supervisor of those processes is one of its own, with `worker.writer.checks` as its writer; the results become the transcript.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

import msgspec

from supervisor.folders import settle_temporary_folder
from supervisor.plain import plain, plain_json
from worker.config import container
from worker.config.environment import scrub
from worker.config.limits import limits
from worker.config.sealed import seal
from worker.config.settings import Settings
from worker.logs import line as log_line
from worker.logs.redact import Redactor

AT_ONCE = 4
"""Tests at the same time."""

LINE = "=" * 60
HEAD = f"{LINE}\nElder Worker Service - Connectivity Test\n{LINE}"

PASSED, FAILED = 100, 101
"""Exit codes of the supervisor after a check; 0 means that it was told to stop."""

EXIT_INTERRUPTED = 130


class CheckResult(msgspec.Struct, frozen=True):
    """The result of one test. `success` is None for what is disabled."""

    name: str
    success: bool | None
    message: str = ""
    """Why the test failed, and what to do."""
    identity: dict[str, object] | None = None
    """The account that the worker is known by there."""


def plan(settings: Settings) -> Iterator[tuple[str, CheckResult | None]]:
    """Every test by name, in the order of the transcript: with a result where nothing has to be tried for it.

    The order is the quick start's: the API, the providers, then what the quick start does not name.
    """
    yield "elder_api", None
    for name, source in settings.sources.items():
        yield name, None if source.enabled else CheckResult(source.description.title, None, "disabled")
    without = "disabled (DATABASE_URL is not set: discovery jobs do not run)"
    yield "database", None if settings.database_url else CheckResult("Database", None, without)
    yield "replica", None if settings.database_read_url else CheckResult("Database read replica", None, "disabled")
    if settings.database_listen_url:
        yield "notifications", None


class Transcript:
    """Prints each result as soon as all before it are there."""

    def __init__(self, names: Sequence[str], out: TextIO, *, as_json: bool, verbose: bool) -> None:
        self._names, self._out, self._json, self._verbose = list(names), out, as_json, verbose
        self._results: dict[str, CheckResult] = {}
        self._printed = 0
        if not as_json:
            print(HEAD, file=out, flush=True)

    @property
    def complete(self) -> bool:
        """True when every test has its result."""
        return len(self._results) == len(self._names)

    @property
    def failed(self) -> int:
        """How many enabled tests failed."""
        return sum(result.success is False for result in self._results.values())

    def add(self, name: str, result: CheckResult) -> None:
        """Adds one more result; the last one is followed by the sum."""
        self._results[name] = result
        while not self._json and self._printed < len(self._names) and self._names[self._printed] in self._results:
            self._print(self._results[self._names[self._printed]])
            self._printed += 1
        if self.complete:
            self._end()

    def _print(self, result: CheckResult) -> None:
        if result.success:
            line = f"✓ {result.name} connection successful"
        else:
            line = f"✗ {result.name}" + (": " if result.success is None else " connection failed: ") + result.message
        print(plain(line), file=self._out)
        if result.success and result.identity and self._verbose:
            print(plain(f"    as {result.identity['name']}"), file=self._out)
        self._out.flush()

    def _end(self) -> None:
        if self._json:
            everything = [self._results[name] for name in self._names]
            print(msgspec.json.format(plain_json(msgspec.json.encode(everything).decode()), indent=2), file=self._out, flush=True)
            return
        sentence = f"{self.failed} of the enabled tests failed." if self.failed else "All enabled tests passed! Worker is ready to run."
        print(f"{LINE}\n{sentence}\n{LINE}", file=self._out, flush=True)


def check(settings: Settings, seconds: float, *, as_json: bool = False, verbose: bool = False) -> int:
    """Runs every test, each for so many seconds, and prints the transcript; the exit code. To be called from the main thread."""
    settle_temporary_folder()
    from supervisor import published  # noqa: PLC0415
    from supervisor.config import Service, SupervisorConfig  # noqa: PLC0415 - the writer needs the names in here, and no supervisor
    from supervisor.supervisor import Supervisor  # noqa: PLC0415

    found, home = limits(settings, container.memory_limit_mb()), os.environ.get("HOME", "")
    scrub(os.environ)
    out = _aside()
    log_line.configure("CRITICAL", settings.log_format, redactor=Redactor(settings.secret_values()))
    for warning in found.settings.warnings:
        sys.stderr.write(f"elder-worker: warning: {warning}\n")
    writer = Service(
        name="checks",
        entry="worker.writer.checks:main",
        arguments={"seconds": seconds, "as_json": as_json, "verbose": verbose, "home": home},
        descriptors={"settings": seal(settings), "out": out},
    )
    config = SupervisorConfig(
        pools={"check": AT_ONCE},
        writer=writer,
        job_entry="worker.check.probes:job",
        state=published.create(),
        kill_grace=0.0,
        shutdown_grace=0.0,
        memory_mb=found.memory_mb,
        memory_budget_mb=found.budget_mb,
        confine_files=settings.discovery_confine_files,
        restarts=0,
    )
    return {PASSED: 0, FAILED: 1, 1: 1}.get(Supervisor(config).run(), EXIT_INTERRUPTED)


def _aside() -> int:
    """A descriptor of stdout for the transcript alone: what an SDK or a hostile source prints to stdout is dropped."""
    sys.stdout.flush()
    out = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    return out
