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
from typing import NamedTuple

from waiting import slowness, until

from supervisor import kernel, published

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[1]
CAP = 30.0
"""Seconds that a test waits for anything, on a machine that does nothing else."""

PUBLISH_EVERY = 0.1

DRIFT = 8 << 20
"""Bytes that a supervisor may grow by in a short test; what it grows by in the long run is measured by `bench.soak`."""


class Usage(NamedTuple):
    """What a supervisor holds. `descriptors` is 0 where it may not be seen."""

    descriptors: int
    threads: int
    resident: int

    @classmethod
    def of(cls, pid: int) -> Usage:
        """Now."""
        folder = pathlib.Path(f"/proc/{pid}")
        descriptors = len(os.listdir(folder / "fd")) if os.geteuid() == 0 else 0
        resident = int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        return cls(descriptors, len(os.listdir(folder / "task")), resident)


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

    def __init__(self, folder: pathlib.Path, temporary: pathlib.Path | None = None, within: tuple[str, ...] = (), **config) -> None:
        """`within` is a command that starts the supervisor, with ``--fork`` as its only child; `config` that of the supervisor."""
        orders_r, self._orders = os.pipe()
        self._answers, answers_w = os.pipe()
        self.mark = f"{os.getpid()}-{time.monotonic_ns()}"
        self._state = published.create()
        self.temporary = temporary or folder / "tmp"
        self.temporary.mkdir(exist_ok=True)
        self.log_path = folder / "log"
        writer = {"name": "writer", "entry": "programs:writer", "descriptors": {"orders": orders_r, "answers": answers_w}}
        whole = {
            "pools": {"discovery": 2},
            "writer": writer,
            "job_entry": "programs:job",
            "state": self._state,
            "shutdown_grace": 0.2,
            "publish_every": PUBLISH_EVERY,
            "writer_timeout": 0,  # the writer in `programs` does not report
            **config,
        }
        environment = {**os.environ, "PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}", "TEST_MARK": self.mark, "TMPDIR": str(self.temporary)}
        with self.log_path.open("wb") as log:
            self.process = subprocess.Popen(
                [*within, sys.executable, str(HERE / "programs.py"), json.dumps(whole)],
                env=environment,
                pass_fds=(orders_r, answers_w, self._state),
                stdout=log,
                stderr=log,
            )
        os.close(orders_r)
        os.close(answers_w)
        self._pending = b""
        self.messages: list[dict] = []
        self.pid = self.process.pid if "--fork" not in within else until(lambda: descendants(self.process.pid), "the supervisor starts")[0]
        self.baseline: Usage | None = None
        self.groups: list[str] = []

    @property
    def log(self) -> str:
        """What the supervisor and its children wrote."""
        return self.log_path.read_text(errors="replace")

    def order(self, **order) -> None:
        """Tells the writer what to do."""
        os.write(self._orders, json.dumps(order).encode() + b"\n")

    def start(self, run: str, pool: str = "discovery", wall: float = 60.0, idle: float = 60.0, **more) -> None:
        """Asks for a process."""
        self.order(do="send", type="Start", run=run, pool=pool, title=f"job_id: {run}", label={"job_id": run}, wall=wall, idle=idle, **more)

    def begin(self, run: str, fault: str, **body) -> bool:
        """Waits until it is ready, and sends its START; false when a clock was faster, as may be where much else runs."""
        ready = self.expect("Ready", "Exited", run=run)["type"] == "Ready"
        if ready:
            self.order(do="begin", run=run, body={"fault": fault, **body})
        return ready

    def run(self, run: str, fault: str, limits: dict | None = None, **body) -> bool:
        """Both."""
        self.start(run, **(limits or {}))
        return self.begin(run, fault, **body)

    def cancel(self, run: str, sentence: str = "") -> None:
        """As a person would."""
        self.order(do="send", type="Cancel", run=run, sentence=sentence)

    def expect(self, *kinds: str, **fields) -> dict:
        """The first message of these kinds, past or future, that fits."""
        began = time.monotonic()
        while True:
            for message in self.messages:
                if message["type"] in kinds and all(message.get(name) == value for name, value in fields.items()):
                    return message
            self._read(began, f"no {kinds} {fields}; had {self.messages[-20:]}\n{self.log[-5000:]}")

    def free(self) -> dict[str, int]:
        """The free slots that the supervisor has told last."""
        while self.listen(0):
            pass
        return next(message["free"] for message in reversed(self.messages) if message["type"] == "Slots")

    def listen(self, seconds: float) -> bool:
        """Takes what comes, waiting for it so long at most."""
        ready, _, _ = select.select([self._answers], [], [], seconds)
        if ready:
            self._take(self.log[-5000:])
        return bool(ready)

    def _read(self, began: float, complaint: str) -> None:
        while not select.select([self._answers], [], [], 1.0)[0]:
            waited = time.monotonic() - began
            assert waited < CAP or waited < CAP * slowness(), complaint
        self._take(complaint)

    def _take(self, complaint: str) -> None:
        data = os.read(self._answers, 65536)
        assert data, f"the writer is gone: {complaint}"
        *lines, self._pending = (self._pending + data).split(b"\n")
        self.messages += map(json.loads, lines)

    def state(self) -> dict | None:
        """The published state; None before the first."""
        data = published.PublishedState(self._state).read()
        return json.loads(data) if data else None

    def wait_state(self, holds) -> dict:
        """The first published state that fits."""
        return until(lambda: (lambda s: s if s and holds(s) else None)(self.state()), f"state: {self.log}")

    def wait_scope(self, run: str, what: str = "") -> str:
        """Until the job has told that its fault has begun; what it told."""

        def started_scope(state: dict) -> str:
            said = [job["progress"].get("scope", "") for job in state["jobs"] if job["run"] == run]
            return next((one for one in said if one and what in ("", one)), "")

        return started_scope(self.wait_state(started_scope))

    def fresh_state(self, holds) -> dict:
        """The first fitting state that is published from now on."""
        now = time.monotonic()
        return self.wait_state(lambda s: s["beat"] > now and holds(s))

    def wait_idle(self) -> None:
        """Until every slot is free."""
        self.fresh_state(lambda s: not any(pool["running"] for pool in s["pools"].values()))

    def fence(self) -> None:
        """Until the supervisor has taken every order up to now."""
        run = f"fence {time.monotonic_ns()}"
        self.start(run, pool="nowhere")
        self.expect("Refused", run=run)

    def job_pid(self, run: str) -> int:
        """Of the leader."""
        return int(self.expect("Spawned", run=run)["pid"])

    def send(self, number: signal.Signals) -> None:
        """Signals the supervisor."""
        os.kill(self.pid, number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tells it to stop; the exit code."""
        self.send(number)
        return self.process.wait(CAP * slowness())

    def close(self) -> None:
        """Ends everything, whatever the test did."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._orders)
        os.close(self._answers)


@contextlib.contextmanager
def supervised(folder: pathlib.Path, **config) -> Iterator[Driver]:
    """A supervisor that has started; at the end comes the check of `clean_end`."""
    driver = Driver(folder, **config)
    try:
        driver.expect("Slots")
        services = 1 + len(config.get("services", ()))
        driver.wait_state(lambda s: sum(service["pid"] is not None for service in s["services"].values()) == services)
        driver.baseline, driver.groups = Usage.of(driver.pid), control_groups(driver.pid)
        yield driver
        clean_end(driver)
    finally:
        driver.close()


def clean_end(driver: Driver) -> None:
    """The one end check. A supervisor that lives has all slots free once its jobs are gone, holds what it held at its start, and leaves with 0.

    And whatever became of it, no process or zombie of it is left, no temporary file, no control group, and it met nothing unforeseen.
    """
    if driver.process.poll() is None:
        driver.fence()
        for job in driver.fresh_state(lambda _: True)["jobs"]:
            driver.cancel(job["run"])
        driver.wait_idle()
        unchanged(driver)
        code = driver.stop()
        assert code == 0, f"exit code {code}\n{driver.log}"
    nothing_left(driver)
    assert "Traceback" not in driver.log, driver.log


def unchanged(driver: Driver) -> Usage:
    """Descriptors and threads as at the start, no zombie, and about the memory."""
    was = driver.baseline
    assert was is not None
    until(lambda: Usage.of(driver.pid)[:2] <= was[:2], f"had {was}, has {Usage.of(driver.pid)}")
    now = Usage.of(driver.pid)
    assert now.resident <= was.resident + DRIFT, (was, now)
    until(lambda: not zombies(driver.pid), f"zombies: {zombies(driver.pid)}")
    return now


def control_groups(pid: int) -> list[str]:
    """The folders of control groups that a supervisor holds a lock on, where that may be seen."""
    if os.geteuid() != 0:
        return []
    found = []
    for link in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since they were listed
            found.append(os.readlink(link))
    return [path for path in found if path.startswith("/sys/fs/cgroup/")]


def zombies(pid: int) -> list[int]:
    """Descendants that nobody has reaped."""
    return [found for found in descendants(pid) if (seen := kernel.process_info(found)) is not None and not seen.alive]


def nothing_left(driver: Driver, cap: float = CAP) -> None:
    """No process, zombie, temporary file or control group of this supervisor."""
    until(lambda: not marked(driver.mark), f"processes are left: {marked(driver.mark)}", cap)
    if driver.process.poll() == 0:
        until(lambda: not list(driver.temporary.iterdir()), f"files: {list(driver.temporary.iterdir())}")
        assert not [group for group in driver.groups if os.path.exists(group)]
