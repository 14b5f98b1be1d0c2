"""Drives a real supervisor process through a writer that the test controls; ends by proving that nothing is left."""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

from waiting import until

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
CAP = 30.0
"""Seconds that a test waits for anything."""


def descendants(root: int) -> list[int]:
    """Every process whose environment or ancestry names this supervisor; zombies too."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                parents[int(name)] = int(pathlib.Path(f"/proc/{name}/stat").read_text().rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def marked(mark: str) -> list[int]:
    """Every process that was started with the mark in its environment, whoever its parent is by now."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):
                if f"TEST_MARK={mark}".encode() in pathlib.Path(f"/proc/{name}/environ").read_bytes():
                    found.append(int(name))
    return found


class Driver:
    """A supervisor under test."""

    def __init__(self, folder: pathlib.Path, temporary: pathlib.Path | None = None, **config) -> None:
        orders_r, self._orders = os.pipe()
        self._answers, answers_w = os.pipe()
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self.state_path = folder / "state.json"
        self.temporary = temporary or folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.log_path = folder / "log"
        writer = {"name": "writer", "entry": "programs:writer", "descriptors": {"orders": orders_r, "answers": answers_w}}
        whole = {
            "pools": {"discovery": 2},
            "writer": writer,
            "job_entry": "programs:job",
            "state_path": str(self.state_path),
            "shutdown_grace": 0.2,
            **config,
        }
        environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}", "TEST_MARK": self.mark, "TMPDIR": str(self.temporary)}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / "programs.py"), json.dumps(whole)],
                env=environment,
                pass_fds=(orders_r, answers_w),
                stdout=log,
                stderr=log,
            )
        os.close(orders_r)
        os.close(answers_w)
        self._pending = b""
        self.messages: list[dict] = []

    @property
    def log(self) -> str:
        """What the supervisor and its children wrote."""
        return self.log_path.read_text(errors="replace")

    def order(self, **order) -> None:
        """Tells the writer what to do."""
        os.write(self._orders, json.dumps(order).encode() + b"\n")

    def start(self, run: str, pool: str = "discovery", wall: float = 60.0, idle: float = 60.0, **more) -> None:
        """Asks for a process."""
        label = {"job_id": run, "provider": "test"}
        self.order(do="send", type="Start", run=run, pool=pool, label=label, wall=wall, idle=idle, **more)

    def begin(self, run: str, misdeed: str, **body) -> None:
        """Waits until it is ready, and sends its START."""
        self.expect("Ready", run=run)
        self.order(do="begin", run=run, body={"misdeed": misdeed, **body})

    def run(self, run: str, misdeed: str, limits: dict | None = None, **body) -> None:
        """Both."""
        self.start(run, **(limits or {}))
        self.begin(run, misdeed, **body)

    def expect(self, kind: str, **fields) -> dict:
        """The first message, past or future, that fits."""
        deadline = time.monotonic() + CAP
        while True:
            for message in self.messages:
                if message["type"] == kind and all(message.get(name) == value for name, value in fields.items()):
                    return message
            self._read(deadline, f"no {kind} {fields}; had {self.messages}\n{self.log}")

    def _read(self, deadline: float, complaint: str) -> None:
        ready, _, _ = select.select([self._answers], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, complaint
        data = os.read(self._answers, 65536)
        assert data, f"the writer is gone: {complaint}"
        *lines, self._pending = (self._pending + data).split(b"\n")
        self.messages += map(json.loads, lines)

    def state(self) -> dict:
        """What is published."""
        return json.loads(self.state_path.read_text())

    def wait_state(self, holds) -> dict:
        """The first published state that fits."""
        return until(lambda: self.state_path.exists() and (lambda s: s if holds(s) else None)(self.state()), f"state: {self.log}")

    def wait_scope(self, run: str, what: str) -> None:
        """Until the job has told that its misdeed has begun."""
        self.wait_state(lambda s: any(j["run"] == run and j["progress"].get("scope") == what for j in s["jobs"]))

    def job_pid(self, run: str) -> int:
        """Of the leader."""
        return self.expect("Spawned", run=run)["pid"]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tells it to stop; the exit code."""
        self.process.send_signal(number)
        return self.process.wait(CAP)

    def close(self) -> None:
        """Ends everything, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._orders)
        os.close(self._answers)


@contextlib.contextmanager
def supervised(folder: pathlib.Path, **config) -> Iterator[Driver]:
    """A supervisor; at the end it is stopped, must exit 0 and leave nothing behind."""
    driver = Driver(folder, **config)
    try:
        yield driver
        if driver.process.poll() is None:
            code = driver.stop()
            assert code == 0, f"exit code {code}\n{driver.log}"
        nothing_left(driver)
        assert "Traceback" not in driver.log, driver.log
    finally:
        driver.close()


def nothing_left(driver: Driver, cap: float = CAP) -> None:
    """No process, zombie or temporary file of this supervisor."""
    until(lambda: not marked(driver.mark), f"processes are left: {marked(driver.mark)}", cap)
    until(lambda: not list(driver.temporary.iterdir()) or driver.process.returncode != 0, f"files: {list(driver.temporary.iterdir())}")
