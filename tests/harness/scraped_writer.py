"""The whole writer in this process, and the exposition of its worker. The test is its supervisor, and plays the job processes."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import msgspec
from alert_timeline import Timeline
from prometheus_client.parser import text_string_to_metric_families
from waiting import CAP, until

from supervisor import channel
from supervisor.channel import Channel
from supervisor.messages import Cause, Exited, Finished, FromWriter, Ready, Refused, Report, Slots, Spawned, Start, ToWriter
from supervisor.metrics import Metrics
from worker.config.settings import load
from worker.health.metrics import exposition
from worker.job.sink import FrameSink
from worker.writer.process import Writer


class ScrapedWriter:
    """A writer that reports. Everything is its own but the supervisor and the jobs."""

    def __init__(self, database: str, **environ: str) -> None:
        near, far = channel.pair()
        self._supervisor, self._ours = Channel(near, FromWriter), Channel(far, ToWriter)
        self.writer = Writer(load({"DATABASE_URL": database, **environ}), self._ours, once=False, job=None)
        self.timeline, self.starts = Timeline(), list[Start]()
        self._metrics, self._report, self._started_at = Metrics(), {}, time.time()
        self._thread = threading.Thread(target=self.writer.run)
        self._thread.start()

    def close(self) -> None:
        """Ends the writer, as the end of its supervisor does."""
        self._supervisor.close()
        self._thread.join(CAP)
        self._ours.close()
        assert not self._thread.is_alive()

    def offer(self, **free: int) -> None:
        """Tells how many processes of each pool may be started."""
        self._supervisor.send(Slots(free=free))

    def started(self, count: int = 1) -> list[Start]:
        """The next runs for which the writer asks for a process."""

        def enough() -> bool:
            self._receive()
            return len(self.starts) >= count

        until(enough, f"{count} runs are started")
        found, self.starts = self.starts[:count], self.starts[count:]
        return found

    def refuse(self, start: Start, sentence: str) -> None:
        """Says that there is no process for a run."""
        self._supervisor.send(Refused(run=start.run, sentence=sentence))

    def play(self, start: Start, job: Callable[[FrameSink], None]) -> dict[str, Any]:
        """Plays the process of a run, which ends with code 0; returns what its START frame has told it."""
        (data, written), (order, given) = os.pipe(), os.pipe()
        self._supervisor.send(Spawned(run=start.run, pid=os.getpid()), [data, given])
        self._supervisor.send(Ready(run=start.run))
        job(FrameSink(written))
        os.close(written)
        self._supervisor.send(Exited(run=start.run, cause=Cause.EXITED, exit_code=0))
        told = b"".join(iter(lambda: os.read(order, 65536), b""))
        os.close(order)
        found: dict[str, Any] = json.JSONDecoder().raw_decode(told[told.index(b"{") :].decode())[0]
        return found

    def value(self, name: str, **labels: str) -> float | None:
        """The value of a series in the exposition now; None when there is none."""
        for family in text_string_to_metric_families(self._text()):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return sample.value
        return None

    def record(self, name: str, least: float, **labels: str) -> None:
        """Records the exposition once a metric is there and at least so large; numbers of the database are counted anew."""
        backlog = self.writer._backlog
        assert backlog is not None
        backlog._inbox.post(lambda: backlog._clock.now("numbers"))
        until(
            lambda: (self.value(name, **labels) or 0) >= least and self.value(name, **labels) is not None, lambda: f"{name}: {self._text()}"
        )
        self.timeline.record(self._text())

    def _receive(self) -> None:
        for message, _ in self._supervisor.receive():
            match message:
                case Report(state=state):
                    self._report = msgspec.json.decode(state)
                case Finished(increments=increments):
                    self._metrics.add(increments)
                case Start():
                    self.starts.append(message)

    def _text(self) -> str:
        self._receive()
        state = {"beat": time.monotonic(), "started_at": self._started_at, "draining": False, "spawn_problem": ""}
        state |= {"report": self._report, "report_age": 0.0, "metrics": self._metrics.samples()}
        return exposition(state, "")[0].decode()
