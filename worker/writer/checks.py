"""The writer of `elder-worker check`: without a database or a queue, it starts one process per test and writes the results."""

from __future__ import annotations

import os
from collections import deque

import msgspec

from providers import registry
from providers.errors import ProviderError
from supervisor.channel import Channel
from supervisor.messages import ToWriter
from worker.check import probes
from worker.check import transcript as connectivity
from worker.check.inventory import NullInventory, sentence
from worker.check.transcript import FAILED, PASSED, CheckResult, Transcript
from worker.config.sealed import unseal
from worker.config.secretbox import SecretBox
from worker.config.settings import Settings
from worker.logs import line as log_line
from worker.run.outcome import Status, Verdict
from worker.writer.dispatcher import Assignment, Limits, RunDispatcher
from worker.writer.launch import Launcher
from worker.writer.loop import Loop
from worker.writer.mailbox import Mailbox

POOL = "check"


def main(control: int, settings: int, out: int, seconds: float, as_json: bool, verbose: bool, home: str) -> int:
    """Entry point of the process. `control` is its end of the supervisor's channel; the transcript goes to `out`."""
    known = unseal(settings, Settings)
    registry.adopt(known.packages.descriptions)
    registry.refuse(known.packages.problems)
    log_line.configure("CRITICAL")
    probes.enlist()
    plan = dict(connectivity.plan(known))
    with os.fdopen(out, "w", encoding="utf-8") as stream:
        transcript = Transcript(list(plan), stream, as_json=as_json, verbose=verbose)
        channel: Channel[ToWriter] = Channel(control, ToWriter)
        mailbox = Mailbox()
        dispatcher = RunDispatcher(channel, mailbox, {POOL: connectivity.AT_ONCE})
        checks = Checks(dispatcher, _launcher(known, home), transcript, seconds)
        for name, result in plan.items():
            checks.add(name, result)
        loop = Loop(channel, mailbox, dispatcher, (checks,), dict)
        loop.finished = checks.exit_code
        loop.run()
    return 0


def _launcher(settings: Settings, home: str) -> Launcher:
    sources = {**settings.sources, **probes.sources(settings, home)}
    logs = ("CRITICAL", settings.log_format)
    return Launcher(sources, settings.discovery_allowed_paths, SecretBox(()), logs, settings.discovery_allowed_ports)


class Checks:
    """Runs the connectivity tests, as many at once as there are slots."""

    def __init__(self, dispatcher: RunDispatcher, launcher: Launcher, transcript: Transcript, seconds: float) -> None:
        """`seconds` limits each test."""
        self._dispatcher, self._launcher, self._transcript, self._seconds = dispatcher, launcher, transcript, seconds
        self._waiting: deque[str] = deque()

    def add(self, name: str, result: CheckResult | None) -> None:
        """Adds a test to run, or one whose result is known already."""
        if result is None:
            self._waiting.append(name)
        else:
            self._transcript.add(name, result)

    def tick(self) -> None:
        """Starts tests while slots are free."""
        while self._waiting and self._dispatcher.free(POOL):
            self._try(self._waiting.popleft())

    def seconds_left(self) -> float | None:
        """None: the tests need no timer."""
        return None

    def drain(self) -> None:
        """Drops the tests that have not started, after Ctrl-C."""
        self._waiting.clear()

    def exit_code(self) -> int | None:
        """The exit code once every test has its result; None before."""
        if not self._transcript.complete:
            return None
        return FAILED if self._transcript.failed else PASSED

    def _try(self, name: str) -> None:
        inventory = NullInventory()
        try:
            launch = self._launcher.probe(name, name)
        except ProviderError as error:
            self._transcript.add(name, CheckResult(registry.get(name).title, False, str(error)))
            return
        self._dispatcher.start(
            Assignment(
                run=name,
                pool=POOL,
                label={"kind": "check", "name": name},
                launch=launch,
                limits=Limits(self._seconds, self._seconds),
                inventory=inventory,
                ended=lambda verdict, _: self._ended(name, verdict, inventory),
                refused=lambda reason: self._ended(name, Verdict(Status.ERROR, "internal", reason), inventory),
                description=f"connectivity test of {name}",
            )
        )

    def _ended(self, name: str, verdict: Verdict, inventory: NullInventory) -> None:
        if verdict.status is Status.RELEASED:  # Ctrl-C ended it
            return
        success = verdict.status is Status.COMPLETED
        identity = msgspec.to_builtins(inventory.found) if success else None
        self._transcript.add(name, CheckResult(registry.get(name).title, success, sentence(verdict, self._seconds), identity))
