"""A writer whose queue is a list and whose inventories remember: everything but the database is real."""

from __future__ import annotations

import json
import os
import pathlib

from hostile_entry import add_hostile

from supervisor.channel import Channel
from supervisor.messages import ToWriter
from worker.config.secretbox import SecretBox
from worker.run.inventory import Totals
from worker.run.queue import Claimed, Cleaned, Numbers, Renewal
from worker.writer.backlog import Backlog
from worker.writer.discovery import Discovery
from worker.writer.dispatcher import Limits, RunDispatcher
from worker.writer.launch import Launcher
from worker.writer.loop import Loop
from worker.writer.mailbox import Mailbox


class ListedQueue:
    """A `Queue` over a list of job configs."""

    schema = "none"

    def __init__(self, jobs, log):
        self._jobs, self._log = jobs, log
        self._fd = os.eventfd(0)

    def fileno(self):
        return self._fd

    def notified(self):
        return False

    def claim(self, limit, job):
        taken, self._jobs[:] = self._jobs[:limit], self._jobs[limit:]
        return [Claimed(one["id"], one["id"], 1, f"job {one['id']}", "hostile", one["config"]) for one in taken]

    def claim_tests(self, limit):
        return []

    def renew(self, claims):
        return Renewal()

    def release(self, claimed, sentence):
        self._log(claimed.job_id, {"status": "released", "error": sentence})

    def finish(self, claimed, verdict):
        self._log(claimed.job_id, {"status": verdict.status, "error_kind": verdict.error_kind, "error": verdict.error})
        return verdict

    def answer(self, test, answer):
        raise AssertionError

    def release_tests(self):
        pass

    def sweep(self, overdue):
        return []

    def add_signatures(self):
        return False

    def clean(self):
        return Cleaned()

    def numbers(self):
        return Numbers(len(self._jobs), 0.0)

    def close(self):
        os.close(self._fd)


class Remembering:
    """An inventory that writes what it received to a file when it finishes."""

    def __init__(self, job_id, log):
        self._job_id, self._log, self.totals = job_id, log, Totals()
        self._ends = []

    def identity(self, identity):
        pass

    def organizations(self, organizations):
        pass

    def begin(self, index, scope):
        pass

    def repeated(self, index, encoded):
        return 0

    def records(self, index, resources):
        self.totals.resources += len(resources)

    def end(self, end):
        self._ends.append([end.outcome, end.resources, end.rejected])

    def flush(self, log=None):
        pass

    def finish(self, verdict, exited):
        self._log(
            self._job_id,
            {
                "status": verdict.status,
                "error_kind": verdict.error_kind,
                "error": verdict.error,
                "detail": verdict.detail,
                "resources": self.totals.resources,
                "scopes": self._ends,
                "cause": exited.cause,
                "survivors": exited.survivors,
            },
        )
        return verdict


def main(control: int, jobs: list, results: str, wall: float, idle: float, memory_mb: int, slots: int) -> int:
    """Runs all jobs, then stops the service."""
    add_hostile()
    folder = pathlib.Path(results)

    def log(job_id, outcome):
        (folder / f"{job_id}.json").write_text(json.dumps(outcome))

    channel: Channel[ToWriter] = Channel(control, ToWriter)
    mailbox = Mailbox()
    dispatcher = RunDispatcher(channel, mailbox, {"discovery": slots, "test": 1})
    launcher = Launcher({}, (), SecretBox([]), ("INFO", "json"))
    discovery = Discovery(dispatcher, launcher, lambda job: Remembering(job.job_id, log), Limits(wall, idle, memory_mb), once=True)
    backlog = Backlog(lambda: ListedQueue(jobs, log), mailbox, discovery, poll_seconds=60, lease_seconds=30)
    discovery.attach(backlog)
    backlog.start()
    loop = Loop(channel, mailbox, dispatcher, (discovery,), lambda: {"left": len(jobs)})
    loop.finished = lambda: discovery.exit_code
    loop.run()
    backlog.stop()
    backlog.join(10)
    return 0
