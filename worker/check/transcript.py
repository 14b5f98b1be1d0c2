"""Can everything that is configured be reached, and as whom? A supervisor of its own runs each try in a killable process.

The writer of that supervisor is `worker.writer.checks`; what it hears becomes the transcript.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

import msgspec

from providers import registry
from worker.config import container
from worker.config.sealed import seal
from worker.config.settings import Settings
from worker.logs import line as log_line
from worker.logs.redact import Redactor
from worker.service import scrub

ORDER = ("elder_api", "aws", "gcp", "google_workspace", "ldap", "okta", "authentik", "azure", "kubernetes", "database", "replica")
"""As the quick start tells them, and then the others. Providers of third parties have no settings that could be tried."""

AT_ONCE = 4
"""Tries at the same time."""

LINE = "=" * 60
HEAD = f"{LINE}\nElder Worker Service - Connectivity Test\n{LINE}"

PASSED, FAILED = 100, 101
"""How the supervisor leaves: other than with 0, with which it leaves when it is told to stop."""

EXIT_INTERRUPTED = 130


class Answer(msgspec.Struct, frozen=True):
    """Of one try. `success` is None for what is disabled."""

    name: str
    success: bool | None
    message: str = ""
    """Why not, and what to do."""
    identity: dict[str, object] | None = None
    """As whom."""


def answers_without_a_try(settings: Settings) -> Iterator[tuple[str, Answer | None]]:
    """Everything there is, in order: with an answer where nothing has to be tried for it."""
    for name in ORDER:
        yield name, _untried(settings, name)


def _untried(settings: Settings, name: str) -> Answer | None:
    if name == "elder_api":
        return None
    if name == "database":
        return None if settings.database_url else Answer("Database", None, "disabled (DATABASE_URL is not set: discovery jobs do not run)")
    if name == "replica":
        return None if settings.database_read_url else Answer("Database read replica", None, "disabled")
    return None if getattr(settings, f"{name}_enabled", None) else Answer(title(name), None, "disabled")


def title(name: str) -> str:
    """As people say it; also of a connector whose provider is not there."""
    if name in registry.names():
        return registry.get(name).title
    return name.upper() if len(name) == 3 else name.replace("_", " ").title()


class Transcript:
    """Prints each answer as soon as all before it are there."""

    def __init__(self, names: Sequence[str], out: TextIO, *, as_json: bool, verbose: bool) -> None:
        self._names, self._out, self._json, self._verbose = list(names), out, as_json, verbose
        self._answers: dict[str, Answer] = {}
        self._told = 0
        if not as_json:
            print(HEAD, file=out, flush=True)

    @property
    def complete(self) -> bool:
        """Whether everybody has answered."""
        return len(self._answers) == len(self._names)

    @property
    def failed(self) -> int:
        """How many of those that are enabled cannot be reached."""
        return sum(answer.success is False for answer in self._answers.values())

    def take(self, name: str, answer: Answer) -> None:
        """One more answer; the last of all is followed by the sum."""
        self._answers[name] = answer
        while not self._json and self._told < len(self._names) and self._names[self._told] in self._answers:
            self._print(self._answers[self._names[self._told]])
            self._told += 1
        if self.complete:
            self._end()

    def _print(self, answer: Answer) -> None:
        if answer.success:
            line = f"✓ {answer.name} connection successful"
        else:
            line = f"✗ {answer.name}" + (": " if answer.success is None else " connection failed: ") + answer.message
        print(line, file=self._out)
        if answer.success and answer.identity and self._verbose:
            print(f"    as {answer.identity['name']}", file=self._out)
        self._out.flush()

    def _end(self) -> None:
        if self._json:
            everything = [self._answers[name] for name in self._names]
            print(msgspec.json.format(msgspec.json.encode(everything), indent=2).decode(), file=self._out, flush=True)
            return
        words = f"{self.failed} of the enabled tests failed." if self.failed else "All enabled tests passed! Worker is ready to run."
        print(f"{LINE}\n{words}\n{LINE}", file=self._out, flush=True)


def check(settings: Settings, seconds: float, *, as_json: bool = False, verbose: bool = False) -> int:
    """Tries everything, each for so many seconds, and prints the transcript; the exit code. To be called from the main thread."""
    from supervisor.config import Service, SupervisorConfig  # noqa: PLC0415 - the writer needs the names in here, and no supervisor
    from supervisor.supervisor import Supervisor  # noqa: PLC0415

    home = os.environ.get("HOME", "")
    scrub(os.environ)
    folder, out = container.runtime_folder(), _aside()
    log_line.configure("CRITICAL", settings.log_format, redactor=Redactor(settings.secret_values()))
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
        state_path=f"{folder}/state.json",
        kill_grace=0.0,
        shutdown_grace=0.0,
        memory_mb=settings.discovery_job_memory_mb or container.DEFAULT_JOB_MB,
        confine_files=settings.discovery_confine_files,
        restarts=0,
    )
    try:
        return {PASSED: 0, FAILED: 1, 1: 1}.get(Supervisor(config).run(), EXIT_INTERRUPTED)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _aside() -> int:
    """Stdout for the transcript alone: what an SDK or a hostile source prints there is nobody's business."""
    sys.stdout.flush()
    out = os.dup(1)
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)
    return out
