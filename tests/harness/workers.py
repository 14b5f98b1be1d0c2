"""Whole workers in processes of their own: a real supervisor, the real writer, real job processes of the hostile provider."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import uuid

from waiting import CAP

from supervisor import published

HERE = pathlib.Path(__file__).parent
STARTER = """
import contextlib, json, os, sys
import msgspec
from supervisor.config import Service, SupervisorConfig
from worker.config.sealed import seal
from worker.config.settings import Settings
values, options, arguments = json.loads(sys.argv[1])
settings = Settings(**values)
with contextlib.suppress(ImportError):  # an earlier release describes no packages
    from worker.config.packages import installed
    settings = msgspec.structs.replace(settings, packages=installed())
descriptors = {"settings": seal(settings)}
with contextlib.suppress(ImportError):  # an earlier release keeps no outcomes for its next writer
    import worker.run.unstored
    descriptors["unstored"] = int(sys.argv[2])
writer = Service(name="writer", entry="hostile_entry:writer", arguments=arguments, descriptors=descriptors)
options.setdefault("memory_mb", settings.discovery_job_memory_mb or 512)
config = SupervisorConfig(pools=settings.pools(), writer=writer, job_entry="hostile_entry:job", **options)
os.execv(sys.executable, [sys.executable, sys.argv[3], str(seal(config))])
"""
SUPERVISOR = """
import sys
from supervisor.config import SupervisorConfig
from supervisor.supervisor import Supervisor
from worker.config.sealed import unseal
if __name__ == "__main__":
    sys.exit(Supervisor(unseal(int(sys.argv[1]), SupervisorConfig)).run())
"""
"""The program that the starter is replaced by: the supervisor starts with a fresh memory, as it does under `elder-worker run`."""


class Worker:
    """One worker; all of its processes carry a mark in their environment, by which they are found."""

    def __init__(
        self,
        folder: pathlib.Path,
        settings: dict,
        *,
        once: bool = False,
        job: int | None = None,
        code: pathlib.Path = HERE.parent.parent,
        **options,
    ) -> None:
        """`code` is the folder of the packages that it runs: these, or those of an earlier release."""
        self.mark = f"ELDER_TEST_WORKER={uuid.uuid4().hex}"
        self._state, self._unstored = published.create(), published.create()
        starter, supervisor = (folder / f"{name}-{self.mark[-8:]}.py" for name in ("starter", "supervisor"))
        starter.write_text(STARTER)
        supervisor.write_text(SUPERVISOR)
        name, _, value = self.mark.partition("=")
        path = os.pathsep.join([str(HERE), str(code), os.environ.get("PYTHONPATH", "")])
        options = {"state": self._state, "kill_grace": 0.3, "shutdown_grace": 5.0} | options
        self.log = folder / f"log-{self.mark[-8:]}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(starter),
                    json.dumps([settings, options, {"once": once, "job": job}]),
                    str(self._unstored),
                    str(supervisor),
                ],
                env=os.environ | {"PYTHONPATH": path, name: value},
                stdout=log,
                stderr=log,
                start_new_session=True,
                pass_fds=(self._state, self._unstored),
            )

    def wait(self) -> int:
        """Waits for the worker's own exit and returns the exit code."""
        return self.process.wait(CAP)

    def kill(self) -> None:
        """Kills the supervisor with SIGKILL."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(CAP)

    @staticmethod
    def signal(pid: int, number: signal.Signals) -> None:
        """Sends a signal to one of the worker's processes, if it is alive."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)

    def stop(self) -> int:
        """Stops the worker with SIGTERM and waits."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def state(self):
        """The published state, or None."""
        data = published.PublishedState(self._state).read()
        return json.loads(data) if data else None

    def unstored(self) -> list[dict]:
        """The outcomes that the writer keeps for the next one."""
        return json.loads(published.PublishedState(self._unstored).read() or b"[]")

    def report(self):
        """The writer's part of the published state, or an empty one."""
        return (self.state() or {}).get("report") or {}

    def processes(self) -> list[int]:
        """Every living process of the worker."""
        return [int(folder.name) for folder in pathlib.Path("/proc").iterdir() if folder.name.isdecimal() and self._is_ours(folder)]

    def _is_ours(self, folder: pathlib.Path) -> bool:
        try:
            return self.mark.encode() in (folder / "environ").read_bytes()
        except OSError:
            return False
