"""A supervisor with seven jobs that stream without end, and beside them, again and again, one that does what a file names.

``python -m bench.streams FOLDER``. Supervisor, jobs and writer are those of the product; in the place of the database somebody counts.
"""

from __future__ import annotations

import pathlib
import sys
import time
from typing import Any

import msgspec
from hostile_entry import add_hostile
from listed_queue import ListedQueue, Remembering

from providers.records import Resource
from supervisor.channel import Channel
from supervisor.config import Service, SupervisorConfig
from supervisor.messages import Exited, ToWriter
from supervisor.supervisor import Supervisor
from worker.config.secretbox import SecretBox
from worker.run.outcome import Status, Verdict
from worker.writer.backlog import Backlog
from worker.writer.discovery import Discovery
from worker.writer.dispatcher import Limits, RunDispatcher
from worker.writer.launch import Launcher
from worker.writer.loop import Loop
from worker.writer.mailbox import Mailbox

STREAMS = 7
ENDLESS = 10**9
WISH = "wish"
SLOTS = {"discovery": STREAMS + 1, "test": 1}


class Count(msgspec.Struct):
    """What has come so far. `gaps` are batches that do not follow on those before them, `ended` the streams that are no more."""

    streamed: dict[int, tuple[int, float]] = {}
    """By stream: records, and when the last batch of them came; batches are few enough for a clock that knows only when it is read to be wrong."""
    gaps: int = 0
    ended: int = 0
    causes: dict[str, int] = {}
    """Of death, of those beside the streams."""


class Wished(ListedQueue):  # type: ignore[misc] # of the tests
    """The streams once, and then what the file names, whenever there is a slot."""

    def __init__(self, wish: pathlib.Path, pause: float) -> None:
        streams = [{"id": number, "config": {"resources": ENDLESS, "pause": pause, "account": str(number)}} for number in range(STREAMS)]
        super().__init__(streams, lambda *_: None)
        self._wish, self._number = wish, STREAMS

    def claim(self, limit: int, job: int | None) -> Any:
        """As any queue."""
        behaviour = self._wish.read_text()
        if behaviour and not self._jobs:
            self._jobs.append({"id": self._number, "config": {"behaviour": behaviour}})
            self._number += 1
        return super().claim(limit, job)


class Counted(Remembering):  # type: ignore[misc] # of the tests
    """Counts what arrives, and looks whether it is what should have come next."""

    def __init__(self, job_id: int, count: Count) -> None:
        super().__init__(job_id, lambda *_: None)
        self._stream, self._count = job_id < STREAMS, count

    def records(self, index: int, resources: list[msgspec.Raw]) -> None:
        """A batch; the ids of the hostile provider are numbers in their order."""
        super().records(index, resources)
        if self._stream:
            self._count.streamed[self._job_id] = self.totals.resources, time.monotonic()
            last = msgspec.json.decode(resources[-1], type=Resource).external_id
            self._count.gaps += int(last.rpartition("/")[2]) != self.totals.resources - 1

    def finish(self, verdict: Verdict, exited: Exited) -> Verdict:
        """The end of one."""
        if self._stream:
            self._count.ended += verdict.status is not Status.RELEASED
        else:
            self._count.causes[exited.cause] = self._count.causes.get(exited.cause, 0) + 1
        return verdict


def writer(control: int, wish: str, pause: float) -> int:
    """As `listed_queue.main`, with a queue that never ends."""
    add_hostile()
    count = Count()
    channel: Channel[ToWriter] = Channel(control, ToWriter)
    mailbox = Mailbox()
    dispatcher = RunDispatcher(channel, mailbox, SLOTS)
    launcher = Launcher({}, (), SecretBox([]), ("WARNING", "json"))
    discovery = Discovery(dispatcher, launcher, lambda job: Counted(job.job_id or 0, count), Limits(7200.0, 600.0, 300))
    backlog = Backlog(lambda: Wished(pathlib.Path(wish), pause), mailbox, discovery, poll_seconds=0.2, lease_seconds=30)
    discovery.attach(backlog)
    backlog.start()
    Loop(channel, mailbox, dispatcher, (discovery,), lambda: {"at": time.monotonic(), **msgspec.to_builtins(count)}).run()
    backlog.stop()
    backlog.join(10)
    return 0


def main(folder: str, pause: str, state: str) -> int:
    """Runs until SIGTERM; `state` is the descriptor that the state is published in."""
    arguments = {"wish": f"{folder}/{WISH}", "pause": float(pause)}
    config = SupervisorConfig(
        pools=SLOTS,
        writer=Service(name="writer", entry="bench.streams:writer", arguments=arguments),
        job_entry="hostile_entry:job",
        state=int(state),
        kill_grace=0.3,
        shutdown_grace=0.3,
    )
    return Supervisor(config).run()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
