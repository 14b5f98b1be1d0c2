"""Killing, and what has to die with a job: group A of the fault catalogue, and the memory cap (D)."""

from __future__ import annotations

import os
import pathlib
import signal

import pytest
from driver import CAP, marked, supervised
from waiting import until


@pytest.fixture
def supervisor(tmp_path):
    with supervised(tmp_path, kill_grace=0.3) as driver:
        yield driver


@pytest.fixture(params=[True, False], ids=["namespaced", "swept"])
def either(tmp_path, request):
    """A supervisor whose jobs have PID namespaces of their own, and one that has to find and sweep what fled."""
    with supervised(tmp_path, kill_grace=0.3, pid_namespaces=request.param) as driver:
        yield driver


def ended(driver, run: str, cause: str) -> dict:
    exited = driver.expect("Exited", run=run)
    assert exited["cause"] == cause, exited
    assert exited["survivors"] == 0
    driver.wait_state(lambda s: s["pools"]["discovery"]["running"] == 0)
    return exited


def test_a01_sleep_past_the_deadline(supervisor):
    supervisor.run("1", "sleep", {"wall": 0.5})
    exited = ended(supervisor, "1", "timeout")
    assert exited["sentence"] == "the job ran longer than its limit of 0.5 s"


def test_a01_without_grace(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        driver.run("1", "sleep", {"wall": 0.5})
        assert ended(driver, "1", "timeout")["signal"] == "SIGKILL"


@pytest.mark.parametrize(
    ("misdeed", "evidence"),
    [
        pytest.param("ignore_sigterm", "ignoring", id="a02_sigterm_ignored"),
        pytest.param("endless_handler", "handling", id="a03_handler_that_never_returns"),
        pytest.param("c_call", "computing", id="a04_c_call_in_the_main_thread"),
        pytest.param("gil_hog", "hogging", id="a05_gil_hog"),
        pytest.param("stop_itself", "stopping", id="a06_stopped"),
    ],
)
def test_killed_whatever_it_does(supervisor, misdeed, evidence):
    supervisor.run("1", misdeed)
    supervisor.wait_scope("1", evidence)
    supervisor.order(do="send", type="Cancel", run="1", cause="cancelled", sentence="a person wants it")
    exited = ended(supervisor, "1", "cancelled")
    assert exited["sentence"] == "a person wants it"


def test_h05_the_stacks_of_the_stuck_job_are_kept(supervisor):
    supervisor.run("1", "ignore_sigterm", {"wall": 2.0})
    exited = ended(supervisor, "1", "timeout")
    assert "in ignore_sigterm" in exited["detail"]


def test_a07_grandchildren_in_the_group(either):
    either.run("1", "children", {"wall": 1.5})
    ended(either, "1", "timeout")


def test_a07_children_outlive_nobody_who_exits_by_itself(either):
    either.run("1", "leave_pipe_open")
    assert ended(either, "1", "exited")["exit_code"] == 0


def test_a08_escaped_grandchild(either):
    either.run("1", "escape", {"wall": 1.5})
    ended(either, "1", "timeout")


@pytest.mark.parametrize("misdeed", [pytest.param("fork_storm", id="a09"), pytest.param("respawning_pair", id="a10")])
def test_storms_converge_to_nothing(either, misdeed):
    """A storm of forks may run into the memory cap of its tree first: that is as good an end."""
    either.run("1", misdeed, {"wall": 1.5})
    exited = either.expect("Exited", run="1")
    assert exited["cause"] in ("timeout", "memory")
    assert exited["survivors"] == 0


def test_a11_a_grandchild_keeps_the_pipe_open(either):
    either.run("1", "leave_pipe_open")
    ended(either, "1", "exited")
    assert either.state()["loop_lag_seconds"] < CAP


def test_a12_unkillable_keeps_its_slot_and_stops_nobody(tmp_path, monkeypatch):
    """A process in state D cannot be had everywhere: here SIGKILL is taken from the supervisor instead, for one job, and given back."""
    hold = tmp_path / "hold"
    hold.touch()
    monkeypatch.setenv("UNKILLABLE_WHILE", str(hold))
    with supervised(tmp_path, kill_grace=0, unkillable_after=0.3) as driver:
        driver.run("1", "sleep", {"wall": 0.5})
        exited = driver.expect("Exited", run="1")
        assert exited["survivors"] >= 1
        assert "cannot be killed" in exited["sentence"]
        driver.wait_state(lambda s: s["pools"]["discovery"] == {"capacity": 2, "running": 1, "unkillable": 1})
        driver.run("2", "complete")
        assert driver.expect("Exited", run="2")["exit_code"] == 0
        hold.unlink()
        driver.wait_state(lambda s: s["pools"]["discovery"] == {"capacity": 2, "running": 0, "unkillable": 0})


def test_a13_many_at_once(tmp_path):
    with supervised(tmp_path, kill_grace=0, pools={"discovery": 20}) as driver:
        for number in range(20):
            driver.start(str(number))
        for number in range(20):
            driver.begin(str(number), "sleep")
        for number in range(20):
            driver.order(do="send", type="Cancel", run=str(number))
        for number in range(20):
            assert driver.expect("Exited", run=str(number))["survivors"] == 0


def test_a14_killed_before_ready(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        for number in range(10):
            driver.start(str(number))
            driver.order(do="send", type="Cancel", run=str(number))
            assert driver.expect("Exited", run=str(number))["cause"] == "cancelled"
        assert driver.process.poll() is None


def test_start_timeout_names_itself(tmp_path):
    with supervised(tmp_path, start_timeout=0.001) as driver:
        driver.start("1")
        assert driver.expect("Exited", run="1")["cause"] == "start"


def test_a16_the_end_and_the_deadline_meet(tmp_path):
    """Whoever is first, there is exactly one end."""
    with supervised(tmp_path, kill_grace=0) as driver:
        for number in range(15):
            driver.run(str(number), "exit_with", {"wall": 0.1 + number * 0.01}, code=0)
            driver.expect("Exited", run=str(number))
        assert sum(message["type"] == "Exited" for message in driver.messages) == 15


def test_d01_greedy_job(supervisor):
    supervisor.run("1", "greedy", {"memory_mb": 150, "wall": 4.0})
    exited = supervisor.expect("Exited", run="1")
    assert exited["cause"] in ("memory", "timeout")
    assert exited["peak_bytes"] <= 1.1 * (150 << 20)


def test_d02_memory_in_grandchildren_counts(either):
    either.run("1", "greedy_grandchild", {"memory_mb": 150})
    exited = ended(either, "1", "memory")
    assert "over their cap of 150 MB" in exited["sentence"]


def test_d05_never_more_than_the_slots(supervisor):
    for number in range(6):
        supervisor.start(str(number))
    refused = [supervisor.expect("Refused", run=str(number)) for number in range(2, 6)]
    assert {message["sentence"] for message in refused} == {"no free slot in the pool 'discovery'"}


def test_d05_a_job_that_does_not_fit_is_not_started(tmp_path):
    with supervised(tmp_path, memory_budget_mb=600, memory_mb=400) as driver:
        driver.start("1")
        driver.start("2")
        assert "not enough memory: 400 of 600 MB" in driver.expect("Refused", run="2")["sentence"]


def test_the_same_run_twice_is_refused(supervisor):
    supervisor.start("1")
    supervisor.start("1")
    assert supervisor.expect("Refused", run="1")["sentence"] == "run 1 is running already"


def test_idle_is_not_wall(supervisor):
    supervisor.run("1", "progress_then_silence", {"idle": 0.7})
    assert ended(supervisor, "1", "idle")["sentence"] == "the job showed no progress for 0.7 s"


def test_back_pressure_is_not_idleness(supervisor):
    """The data pipe is full and nobody reads it: the job waits for us, not we for it."""
    supervisor.run("1", "fill_data_pipe", {"idle": 0.3, "wall": 2.5})
    supervisor.wait_scope("1", "writing")
    assert ended(supervisor, "1", "timeout")


def test_a_lease_that_is_not_renewed_ends_the_job(supervisor):
    supervisor.run("1", "sleep", {"lease": 0.8})
    assert "another worker may have it" in ended(supervisor, "1", "lost")["sentence"]


def test_a_lease_that_is_renewed_does_not(supervisor):
    supervisor.run("1", "sleep", {"lease": 1.0, "wall": 2.0})
    supervisor.order(do="send", type="Extend", run="1", lease=60.0)
    ended(supervisor, "1", "timeout")


def test_killed_by_somebody_else(either):
    either.run("1", "kill_itself")
    exited = ended(either, "1", "signalled")
    assert exited["signal"] == "SIGKILL"
    assert "memory runs out" in exited["sentence"]


@pytest.mark.parametrize("namespaced", [True, False])
def test_b01_supervisor_killed(tmp_path, namespaced):
    """Nobody is left to sweep: the kernel ends what has a parent to die with, and all of a namespace, whatever fled in it."""
    misdeeds = {"sleep": None, "ignore_sigterm": "ignoring"} | ({"escape": "escaped", "children": "parent"} if namespaced else {})
    with supervised(tmp_path, pools={"discovery": 4}, pid_namespaces=namespaced) as driver:
        for number, misdeed in enumerate(misdeeds):
            driver.run(str(number), misdeed)
        for number, evidence in enumerate(misdeeds.values()):
            if evidence:
                driver.wait_scope(str(number), evidence)
        if namespaced and driver.state()["isolation"]["pid_namespace"] is False:
            pytest.skip("the kernel does not permit PID namespaces here")
        os.kill(driver.process.pid, signal.SIGKILL)
        driver.process.wait()
        until(lambda: not marked(driver.mark), "survivors of the supervisor", 10)


def test_a17_start_and_kill_again_and_again(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        before = None
        for number in range(25):
            driver.start(str(number))
            if number % 2:
                driver.begin(str(number), "sleep")
            driver.order(do="send", type="Cancel", run=str(number))
            driver.expect("Exited", run=str(number))
            if number == 4 and os.geteuid() == 0:  # from others of its own user the supervisor hides its descriptors
                before = len(os.listdir(f"/proc/{driver.process.pid}/fd"))
        if before is not None:
            assert len(os.listdir(f"/proc/{driver.process.pid}/fd")) <= before
        assert len(os.listdir(f"/proc/{driver.process.pid}/task")) == 2
        assert not [p for p in pathlib.Path("/proc").glob("[0-9]*") if "defunct" in p.name]
