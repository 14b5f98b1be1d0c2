"""Killing, and what has to die with a job: group A of the fault catalogue. Every test ends with `driver.clean_end`."""

from __future__ import annotations

import os
import pathlib
import random
import signal
import subprocess
import time

import pytest
from driver import CAP, descendants, marked, supervised
from peers.absent import missing
from waiting import until

from supervisor import kernel
from supervisor.jobs import SURVEY_EVERY

GRACE = 0.3
SLOW = 10
"""How much longer than on an idle machine a kill may take where much else runs; `make soak` measures how long it does."""

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may do that to the kernel")


@pytest.fixture
def supervisor(tmp_path):
    with supervised(tmp_path, kill_grace=GRACE) as driver:
        yield driver


@pytest.fixture(params=[True, False], ids=["namespaced", "swept"])
def either(tmp_path, request):
    """A supervisor whose jobs have namespaces and control groups of their own, and one that has to find and sweep what fled."""
    with supervised(tmp_path, kill_grace=GRACE, pid_namespaces=request.param, control_groups=request.param) as driver:
        yield driver


def ended(driver, run: str, cause: str) -> dict:
    """It has ended with that cause, with all of its tree, and its slot is free."""
    exited = driver.expect("Exited", run=run)
    assert exited["cause"] == cause, exited
    assert exited["survivors"] == 0
    driver.wait_idle()
    return exited


def killed(driver, fault: str, *, within: float = GRACE + 0.5, **order) -> dict:
    """Told to end in the middle of its fault; dead within the catalogue's time."""
    driver.run("1", fault, **order)
    driver.wait_scope("1")
    driver.cancel("1", "a person wants it")
    exited = ended(driver, "1", "cancelled")
    assert exited["sentence"] == "a person wants it"
    assert exited["kill_seconds"] < SLOW * within
    return exited


def assert_stack_names(exited: dict, function: str) -> None:
    """It has told where it stood, if it had a core before SIGKILL came (with all the time there is: `test_h05`)."""
    assert f"in {function}" in exited["detail"] or exited["signal"] == "SIGKILL", exited


def test_a01_sleep_past_the_deadline(supervisor):
    supervisor.run("1", "sleep", {"wall": 0.7})
    exited = ended(supervisor, "1", "timeout")
    assert exited["sentence"] == "the job ran longer than its limit of 0.7 s"
    assert exited["seconds"] >= 0.7


def test_a01_without_grace(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        driver.run("1", "sleep", {"wall": 0.7})
        assert ended(driver, "1", "timeout")["signal"] == "SIGKILL"


def test_a02_sigterm_ignored(supervisor):
    exited = killed(supervisor, "ignore_sigterm")
    assert exited["kill_seconds"] >= GRACE
    assert_stack_names(exited, "ignore_sigterm")


def test_a03_handler_that_never_returns(supervisor):
    exited = killed(supervisor, "endless_handler")
    assert exited["kill_seconds"] >= GRACE
    assert_stack_names(exited, "endless_handler")


def test_a04_c_call_in_the_main_thread(supervisor):
    assert_stack_names(killed(supervisor, "c_call"), "c_call")


def test_a05_gil_hog(supervisor):
    """No thread of it can run: it is killed as any other, and what it was doing is told."""
    assert_stack_names(killed(supervisor, "gil_hog"), "gil_hog")


def test_a05_holding_the_gil_is_not_idleness(supervisor):
    """Each hold is shorter than it may be idle, all together are longer: no heartbeat is missed, as there is none."""
    supervisor.run("1", "hog_the_gil_in_turns", {"idle": 2.0}, hold=0.25)
    supervisor.wait_state(lambda s: s["jobs"] and int(s["jobs"][0]["progress"].get("scope", "turn 0").removeprefix("turn ")) >= 10)


def test_a05_who_computes_is_not_idle(supervisor):
    """One long call that holds the GIL and reports nothing, far longer than it may be idle: what it uses of the CPU shows that it works."""
    supervisor.run("1", "compute", {"idle": 1.5, "wall": 8.0})
    assert_stack_names(ended(supervisor, "1", "timeout"), "compute")


def test_a06_stopped(supervisor):
    killed(supervisor, "stop_itself")


def test_h05_the_stacks_of_the_stuck_job_are_kept(tmp_path):
    """Whatever clock it is that ends it, and although it dies of the first signal. Memory gives no grace: who is slow then is killed without."""
    ends = {
        "wall": ("sleep", {"wall": 6.0}, "timeout"),
        "idle": ("gil_hog", {"idle": 2.0}, "idle"),
        "memory": ("leak", {"memory_mb": 100}, "memory"),
    }
    with supervised(tmp_path, kill_grace=CAP, pools={"discovery": 3}) as driver:
        for run, (_, limits, _) in ends.items():
            driver.start(run, **limits)
        begun = [run for run, (fault, _, _) in ends.items() if driver.begin(run, fault, mb_per_second=50)]
        for run, (fault, _, cause) in ends.items():
            exited = driver.expect("Exited", run=run)
            assert exited["cause"] == cause
            slow = run not in begun or (run == "memory" and exited["signal"] == "SIGKILL")
            assert slow or f"in {fault}" in exited["detail"], exited


def test_a07_grandchildren_in_the_group(either):
    killed(either, "children", within=1.0)


def test_a07_children_outlive_nobody_who_exits_by_itself(either):
    either.run("1", "leave_pipe_open")
    assert ended(either, "1", "exited")["exit_code"] == 0


def test_a08_escaped_grandchild(either):
    killed(either, "escape", within=1.0)


def storm(driver, fault: str) -> None:
    """It may run into the cap of memory or processes of its tree first: that is as good an end."""
    driver.run("1", fault)

    def multiplied() -> bool:
        driver.listen(0)
        over = any((message["type"], message.get("run")) == ("Exited", "1") for message in driver.messages)  # a cap was faster
        return over or len(marked(driver.mark)) > 5 or driver.state()["isolation"]["orphans_killed"] > 0

    until(multiplied, "it multiplies")
    driver.cancel("1")
    exited = driver.expect("Exited", run="1")
    assert exited["cause"] in ("cancelled", "memory", "exited", "signalled")
    assert exited["survivors"] == 0
    assert exited["kill_seconds"] is None or exited["kill_seconds"] < SLOW * (GRACE + 3.0)


def test_a09_fork_storm(either):
    storm(either, "fork_storm")


@needs_root
def test_a09_a_control_group_caps_the_processes_of_a_job(tmp_path):
    """RLIMIT_NPROC counts all processes of a user, and not those of root; `pids.max` those of the job. Here in a hierarchy of version 1."""
    with supervised(tmp_path, kill_grace=0, pid_namespaces=False, memory_mb=60_000) as driver:
        driver.run("0", "sleep")
        if "pids" not in driver.wait_state(lambda s: s["isolation"]["cgroup"] is not None)["isolation"]["cgroup"]:
            missing("no control group with the controller pids may be divided here")
        driver.run("1", "fork_to_the_end", most=3000)
        assert driver.wait_scope("1") in ("1022 Resource temporarily unavailable", "1023 Resource temporarily unavailable")


def test_a10_respawning_pair(either):
    storm(either, "respawning_pair")


def test_a11_a_grandchild_keeps_the_pipe_open(either):
    either.run("1", "leave_pipe_open")
    ended(either, "1", "exited")
    assert either.state()["loop_lag_seconds"] < CAP


def test_a12_unkillable_keeps_its_slot_and_stops_nobody(tmp_path, monkeypatch):
    """A process in state D cannot be had everywhere: here SIGKILL is taken from the supervisor instead, for one job, and given back."""
    hold = tmp_path / "hold"
    hold.touch()
    monkeypatch.setenv("UNKILLABLE_WHILE", str(hold))
    with supervised(tmp_path, kill_grace=0, unkillable_after=0.3, control_groups=False) as driver:
        driver.run("1", "ignore_sigterm")
        driver.wait_scope("1")
        driver.cancel("1")
        stuck_until(driver, hold.unlink)


FREEZER = pathlib.Path("/sys/fs/cgroup/freezer")


@needs_root
def test_a12_a_frozen_job_is_unkillable_until_it_thaws(tmp_path):
    """The kernel's own state D, by the freezer of control groups version 1: SIGKILL waits until the thaw."""
    if not (FREEZER / "cgroup.procs").exists():
        missing("no freezer of control groups version 1 is mounted here")
    frost = FREEZER / f"elder-test-{os.getpid()}"
    frost.mkdir()
    try:
        with supervised(tmp_path, kill_grace=0, unkillable_after=0.3) as driver:
            driver.run("1", "ignore_sigterm")
            driver.wait_scope("1")
            for pid in (driver.job_pid("1"), *descendants(driver.job_pid("1"))):
                (frost / "cgroup.procs").write_text(str(pid))
            (frost / "freezer.state").write_text("FROZEN")
            until(lambda: (frost / "freezer.state").read_text() == "FROZEN\n", "it freezes")
            driver.cancel("1")
            try:
                stuck_until(driver, lambda: (frost / "freezer.state").write_text("THAWED"))
            finally:
                (frost / "freezer.state").write_text("THAWED")
    finally:
        until(lambda: not (frost / "cgroup.procs").read_text(), "they are gone")
        frost.rmdir()


def stuck_until(driver, thaw) -> None:
    """Its run is over, its slot taken, the next job runs; afterwards the slot is free again."""
    exited = driver.expect("Exited", run="1")
    assert exited["survivors"] >= 1
    assert "cannot be killed" in exited["sentence"]
    driver.wait_state(lambda s: s["pools"]["discovery"] == {"capacity": 2, "running": 1, "unkillable": 1})
    driver.run("2", "complete")
    assert driver.expect("Exited", run="2")["exit_code"] == 0
    thaw()
    driver.wait_state(lambda s: s["pools"]["discovery"] == {"capacity": 2, "running": 0, "unkillable": 0})


def test_a13_many_at_once(tmp_path):
    """Twenty here; fifty in `make soak`, with the time that it takes."""
    with supervised(tmp_path, kill_grace=0, pools={"discovery": 20}) as driver:
        for number in range(20):
            driver.start(str(number))
        for number in range(20):
            driver.begin(str(number), "sleep")
        for number in range(20):
            driver.cancel(str(number))
        for number in range(20):
            assert driver.expect("Exited", run=str(number))["survivors"] == 0


def test_a14_killed_before_ready(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        for number in range(10):
            driver.start(str(number))
            driver.cancel(str(number))
            assert driver.expect("Exited", run=str(number))["cause"] == "cancelled"
        assert driver.process.poll() is None


@needs_root
def test_a15_a_number_that_was_given_to_somebody_else(tmp_path):
    """A process of a job ends, its number goes to a stranger (by `ns_last_pid`), the job is killed: the stranger lives."""
    with supervised(tmp_path, kill_grace=0, pid_namespaces=False) as driver:
        driver.run("1", "doomed")
        number = int(driver.wait_scope("1"))
        seen = kernel.process_info(number)
        looked_at = time.monotonic() + 3 * SURVEY_EVERY
        driver.wait_state(lambda s: s["beat"] > looked_at)  # its child is known by now
        os.kill(number, signal.SIGKILL)
        until(lambda: kernel.process_info(number) is None, "it is reaped")
        stranger = _stranger(number)
        try:
            driver.cancel("1")
            ended(driver, "1", "cancelled")
            kernel.send_signal(seen, signal.SIGKILL)  # and a late one, by the number alone, misses too
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()


def _stranger(number: int) -> subprocess.Popen:
    """A process of that number, which started later than any before it."""
    last = pathlib.Path("/proc/sys/kernel/ns_last_pid")

    def born() -> subprocess.Popen | None:
        last.write_text(str(number - 1))
        one = subprocess.Popen(["sleep", "600"])
        if one.pid == number:
            return one
        one.kill()
        one.wait()
        return None

    return until(born, f"the number {number} is given again", pause=0.011)


def test_a16_the_end_and_the_deadline_meet(tmp_path):
    """Success about when the wall clock runs out, or before it could even begin: there is exactly one end, and it is one of the two.

    To the millisecond, and 10,000 times: `bench.soak_cycles.races`, of which a small part runs with the tests.
    """
    random.seed(16)
    with supervised(tmp_path, kill_grace=0, pools={"discovery": 4}) as driver:
        for first in range(0, 20, 4):
            runs = [str(number) for number in range(first, first + 4)]
            for run in runs:
                driver.start(run, wall=random.uniform(0.1, 0.4))
            for run in runs:
                driver.begin(run, "exit_with", code=0)
            for run in runs:
                exited = driver.expect("Exited", run=run)
                assert exited["cause"] in ("exited", "timeout")
                assert (exited["cause"] == "exited") <= (exited["exit_code"] == 0)
        ends = [message["run"] for message in driver.messages if message["type"] == "Exited"]
        assert sorted(ends) == sorted(set(ends))
        assert len(ends) == 20


def test_a18_a_big_job(tmp_path):
    """2 GB resident, or a third of what there is."""
    available = int(
        next(line for line in pathlib.Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemAvailable")).split()[1]
    )
    size = min(2048, available // 1024 // 3)
    with supervised(tmp_path, kill_grace=0, memory_mb=size + 300) as driver:
        exited = killed(driver, "big", mb=size, within=1.0)
        assert exited["peak_bytes"] >= size << 20 or exited["kill_seconds"] is not None


def test_start_timeout_names_itself(tmp_path):
    with supervised(tmp_path, start_timeout=0.001) as driver:
        driver.start("1")
        assert driver.expect("Exited", run="1")["cause"] == "start"


def test_the_same_run_twice_is_refused(supervisor):
    supervisor.start("1")
    supervisor.start("1")
    assert supervisor.expect("Refused", run="1")["sentence"] == "run 1 is running already"


def test_idle_is_not_wall(supervisor):
    supervisor.run("1", "progress_then_silence", {"idle": 1.0})
    assert ended(supervisor, "1", "idle")["sentence"] == "the job showed no progress for 1 s"


def test_back_pressure_is_not_idleness(supervisor):
    """The data pipe is full and nobody reads it: the job waits for us, not we for it."""
    supervisor.run("1", "fill_data_pipe", {"idle": 2.0})
    supervisor.wait_scope("1", "writing")
    supervisor.wait_state(lambda s: s["jobs"][0]["idle_seconds"] > 2.5)
    supervisor.cancel("1")
    ended(supervisor, "1", "cancelled")


def test_a_lease_that_is_not_renewed_ends_the_job(supervisor):
    supervisor.run("1", "sleep", {"lease": 0.8})
    assert "another worker may have it" in ended(supervisor, "1", "lost")["sentence"]


def test_a_lease_that_is_renewed_does_not(supervisor):
    supervisor.run("1", "sleep", {"lease": 30.0, "wall": 31.0})
    supervisor.order(do="send", type="Extend", run="1", lease=60.0)
    supervisor.order(do="send", type="Extend", run="1", lease=0.5)
    ended(supervisor, "1", "lost")


def test_killed_by_somebody_else(either):
    either.run("1", "kill_itself")
    exited = ended(either, "1", "signalled")
    assert exited["signal"] == "SIGKILL"
    assert "memory runs out" in exited["sentence"]
