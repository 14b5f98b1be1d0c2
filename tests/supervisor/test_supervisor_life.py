"""The supervisor's own life: stopping, its services, its state. Group B of the fault catalogue."""

from __future__ import annotations

import json
import os
import pathlib
import resource
import signal
import subprocess
import sys
import time

import pytest
from driver import CAP, HERE, ROOT, Driver, marked, supervised, zombies
from peers.absent import missing
from waiting import until

from supervisor.errors import RestartStorm
from supervisor.loop import Loop
from supervisor.output import Lines, Outlet, Tail
from supervisor.publish import Metrics, publish
from supervisor.service import Restarts
from supervisor.states import JobState, ServiceState, advance, advance_service

IDLE = {"name": "http", "entry": "programs:idle_service"}


@pytest.mark.parametrize("namespaced", [True, False])
def test_b01_supervisor_killed(tmp_path, namespaced):
    """Nobody is left to sweep: the kernel ends what has a parent to die with, and all of a namespace, whatever fled in it."""
    misdeeds = {"ignore_sigterm": "ignoring", "gil_hog": "hogging"} | ({"escape": "escaped", "children": "parent"} if namespaced else {})
    with supervised(tmp_path, pools={"discovery": 4}, pid_namespaces=namespaced) as driver:
        for number, misdeed in enumerate(misdeeds):
            driver.run(str(number), misdeed)
        for number, evidence in enumerate(misdeeds.values()):
            driver.wait_scope(str(number), evidence)
        if namespaced and driver.state()["isolation"]["pid_namespace"] is False:
            missing("the kernel does not permit PID namespaces here")
        driver.send(signal.SIGKILL)
        driver.process.wait()
        until(lambda: not marked(driver.mark), "survivors of the supervisor", 10)


def test_a17_a_job_that_has_ended_is_freed_at_once():
    """And not when a collector comes by: ten thousand jobs would leave their highest mark in the memory."""
    code = "import programs; programs.bury_one_job()"
    told = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}"}, capture_output=True, text=True, check=False
    )
    assert (told.stdout, told.returncode) == ("freed\n", 0), told.stderr


def test_b03_sigterm_when_idle(tmp_path):
    with supervised(tmp_path, services=[IDLE]) as driver:
        driver.expect("Slots")
        assert driver.stop() == 0


def test_b03_sigterm_when_busy_gives_jobs_their_grace_and_then_takes_them(tmp_path):
    with supervised(tmp_path, shutdown_grace=0.5, kill_grace=0) as driver:
        driver.run("1", "sleep")
        driver.send(signal.SIGTERM)
        assert driver.expect("Drain")["seconds"] == 0.5
        assert driver.expect("Exited", run="1")["cause"] == "shutdown"
        assert driver.process.wait(CAP) == 0


def test_nothing_is_started_any_more_once_it_stops(tmp_path):
    with supervised(tmp_path, shutdown_grace=3, kill_grace=0) as driver:
        driver.run("1", "sleep")
        driver.send(signal.SIGTERM)
        driver.expect("Drain")
        driver.start("2")
        assert driver.expect("Refused", run="2")["sentence"] == "the worker is stopping"
        driver.send(signal.SIGTERM)
        assert driver.process.wait(CAP) == 0


@pytest.mark.parametrize("signals", [[signal.SIGTERM] * 2, [signal.SIGTERM] * 5, [signal.SIGINT, signal.SIGTERM]])
def test_b04_told_again_it_hurries(tmp_path, signals):
    with supervised(tmp_path, shutdown_grace=600, kill_grace=600) as driver:
        driver.run("1", "ignore_sigterm")
        driver.wait_scope("1", "ignoring")
        for number in signals:
            driver.send(number)
            driver.expect("Drain")
        assert driver.expect("Exited", run="1")["cause"] == "shutdown"
        assert driver.process.wait(CAP) == 0


def test_stop_ends_it_with_the_writers_exit_code(tmp_path):
    driver = Driver(tmp_path)
    try:
        driver.order(do="send", type="Stop", exit_code=3)
        assert driver.process.wait(CAP) == 3
    finally:
        driver.close()


def test_the_writer_dies_with_its_jobs_and_comes_back(tmp_path):
    with supervised(tmp_path) as driver:
        driver.run("1", "ignore_sigterm")
        driver.wait_scope("1", "ignoring")  # so that the next writer finds no order of this one's
        before = driver.wait_state(lambda s: s["jobs"])["services"]["writer"]["pid"]
        os.kill(before, signal.SIGKILL)
        state = driver.wait_state(lambda s: s["services"]["writer"]["pid"] not in (before, None) and not s["jobs"])
        assert state["services"]["writer"]["restarts"] == 1
        driver.messages.clear()
        driver.run("2", "complete")
        assert driver.expect("Exited", run="2")["exit_code"] == 0
        assert not [m for m in driver.messages if m.get("run") == "1"], "the new writer has never heard of it"


def test_b09_no_descriptors_left_is_a_refusal_and_no_end(tmp_path):
    """EMFILE, and then there are some again."""
    with supervised(tmp_path, kill_grace=0) as driver:
        driver.expect("Slots")
        usual = resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE)
        for spare in range(1, 12, 3):
            used = len(os.listdir(f"/proc/{driver.process.pid}/fd")) if os.geteuid() == 0 else 30
            resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE, (used + spare, usual[1]))
            driver.start(f"few {spare}")
            assert driver.expect("Refused", run=f"few {spare}")["sentence"] == "a process could not be started: Too many open files"
        resource.prlimit(driver.process.pid, resource.RLIMIT_NOFILE, usual)
        driver.run("enough", "complete")
        assert driver.expect("Exited", run="enough")["exit_code"] == 0


def test_b09_no_room_for_a_folder_is_a_refusal_and_no_end(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        driver.expect("Slots")
        [base] = driver.temporary.iterdir()
        base.rmdir()
        driver.start("1")
        assert "a job needs a temporary folder under" in driver.expect("Refused", run="1")["sentence"]
        base.mkdir()
        driver.run("2", "complete")
        assert driver.expect("Exited", run="2")["exit_code"] == 0


FAKETIME = next(iter(sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)


@pytest.mark.parametrize("jump", ["+3600", "-3600"])
def test_b07_a_clock_that_jumps_an_hour_moves_no_deadline(tmp_path, monkeypatch, jump):
    """The clock of the wall, by libfaketime in every process of the worker: as when it is set. No clock of ours is that one."""
    if FAKETIME is None:
        missing("libfaketime is not installed")
    clock = tmp_path / "clock"
    clock.write_text("+0")
    for name, value in fake_clock(FAKETIME, clock).items():
        monkeypatch.setenv(name, value)
    with supervised(tmp_path, kill_grace=0, confine_files=False) as driver:
        driver.run("wall", "stop_itself", {"wall": 4.0})  # libfaketime lets a sleep fail when the clock jumps
        driver.run("lease", "stop_itself", {"lease": 600.0})
        clock.write_text(jump)
        until(lambda: abs(driver.state()["written_at"] - time.time()) > 3000, "the supervisor's clock has jumped")
        assert driver.expect("Exited", run="wall")["seconds"] >= 4.0
        driver.order(do="send", type="Extend", run="lease", lease=0.5)
        assert driver.expect("Exited", run="lease")["cause"] == "lost"
        assert [message["cause"] for message in driver.messages if message["type"] == "Exited"] == ["timeout", "lost"]


def fake_clock(library: pathlib.Path, clock: pathlib.Path) -> dict[str, str]:
    """The environment in which the time of day is what the file says."""
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a PID namespace with a /proc of its own")
def test_b08_as_pid_1_it_reaps_what_nobody_else_does(tmp_path):
    """In a PID namespace of its own, as in a container: a thousand orphans end at once, and none stays a zombie or is taken for a job."""
    namespace = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc")
    with supervised(tmp_path, within=namespace, kill_grace=0, pid_namespaces=False, control_groups=False) as driver:
        assert driver.fresh_state(lambda _: True)["pid"] == 1
        driver.run("1", "orphans", count=1000)
        driver.wait_scope("1", "orphaned")
        until(lambda: not zombies(driver.pid), "all are reaped")
        state = driver.fresh_state(lambda _: True)
        assert [job["run"] for job in state["jobs"]] == ["1"]
        assert state["pools"]["discovery"]["running"] == 1


def test_what_a_killed_supervisor_left_behind_is_removed_by_the_next(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        driver.run("1", "sleep")
        driver.process.kill()
        driver.process.wait()
        [abandoned] = driver.temporary.iterdir()
    (tmp_path / "next").mkdir()
    with supervised(tmp_path / "next", temporary=driver.temporary, kill_grace=0) as another:
        another.expect("Slots")
        assert abandoned not in list(driver.temporary.iterdir())


def test_b10_a_service_that_cannot_live_ends_the_supervisor(tmp_path):
    driver = Driver(tmp_path, services=[{"name": "http", "entry": "programs:broken_service", "arguments": {"code": 1}}], restarts=1)
    try:
        assert driver.process.wait(CAP) == 1
        assert "http died 2 times" in driver.log
    finally:
        driver.close()


def test_a_service_that_is_configured_wrongly_is_not_tried_again(tmp_path):
    driver = Driver(tmp_path, services=[{"name": "http", "entry": "programs:broken_service", "arguments": {"code": 78}}])
    try:
        assert driver.process.wait(CAP) == 78
        assert "http cannot run with this configuration" in driver.log
    finally:
        driver.close()


def test_b06_a_supervisor_that_slept_finds_the_lease_gone(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        driver.run("1", "sleep", {"lease": 1.0})
        driver.send(signal.SIGSTOP)
        deadline = time.monotonic() + 1.2
        until(lambda: time.monotonic() > deadline, "time")
        driver.send(signal.SIGCONT)
        assert driver.expect("Exited", run="1")["cause"] == "lost"


def test_a_writer_that_talks_nonsense_is_replaced(tmp_path):
    with supervised(tmp_path) as driver:
        before = driver.wait_state(lambda s: s["services"]["writer"]["pid"])["services"]["writer"]["pid"]
        driver.order(do="raw", hex=b'{"type": "nonsense"}'.hex())
        driver.wait_state(lambda s: s["services"]["writer"]["pid"] not in (before, None))


def test_every_line_about_a_job_has_the_words_that_people_grep_for(tmp_path):
    with supervised(tmp_path) as driver:
        driver.run("42", "complete")
        driver.expect("Exited", run="42")
        until(lambda: driver.log.count("job_id: 42") >= 2, driver.log)


def test_the_state_is_whole_and_fresh(tmp_path):
    with supervised(tmp_path) as driver:
        driver.run("1", "progress_then_silence")
        state = driver.wait_state(lambda s: s["jobs"] and s["jobs"][0]["progress"].get("resources") == 3)
        [job] = state["jobs"]
        assert (job["run"], job["pool"], job["state"], job["label"]["job_id"]) == ("1", "discovery", "running", "1")
        assert state["pools"]["discovery"] == {"capacity": 2, "running": 1, "unkillable": 0}
        assert abs(state["beat"] - time.monotonic()) < CAP


def test_metrics_of_ends(tmp_path):
    with supervised(tmp_path) as driver:
        driver.run("1", "complete")
        driver.expect("Exited", run="1")
        driver.order(do="send", type="Finished", run="1", status="completed", entities=7, scopes={"complete": 2})
        state = driver.wait_state(lambda s: any(m[0] == "discovery_jobs_total" for m in s["metrics"]))
        metrics = {(name, tuple(labels.items())): value for name, _, labels, value in state["metrics"]}
        assert metrics["discovery_jobs_total", (("provider", "test"), ("status", "completed"), ("error_kind", ""))] == 1
        assert metrics["discovery_entities_total", ()] == 7
        assert metrics["discovery_scopes_total", (("outcome", "complete"),)] == 2


# --- the small parts


def test_h02_series_do_not_grow_with_the_number_of_jobs():
    metrics = Metrics()
    for _ in range(10_000):
        metrics.count("discovery_jobs_total", provider="aws", status="completed", error_kind="")
        metrics.observe("discovery_job_duration_seconds", 1.0, (0.5, 2.0), provider="aws")
    assert len(metrics.export()) == 2


def test_a_histogram_counts_what_is_below_each_bound():
    metrics = Metrics()
    for value in (0.1, 1.0, 9.0):
        metrics.observe("h", value, (0.5, 2.0))
    [(_, kind, _, value)] = metrics.export()
    assert (kind, value["counts"], value["count"], round(value["sum"], 1)) == ("histogram", [1, 2], 3, 10.1)


def test_a_state_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = tmp_path / "state.json"
    publish(str(path), {"a": 1})
    with pytest.raises(TypeError):
        publish(str(path), {"a": object()})
    assert json.loads(path.read_text()) == {"a": 1}


def test_a_state_for_which_there_is_no_room_leaves_nothing_behind(tmp_path):
    """No half of it, no file and no descriptor: it is tried again every second."""
    path = tmp_path / "state.json"
    publish(str(path), {"a": 1})
    descriptors = os.listdir("/proc/self/fd")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            publish(str(path), {"a": "x" * 1000})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    assert (os.listdir(tmp_path), os.listdir("/proc/self/fd")) == (["state.json"], descriptors)
    assert json.loads(path.read_text()) == {"a": 1}


def test_restart_intensity():
    restarts = Restarts(limit=2, window=60)
    assert [restarts.died("x"), restarts.died("x")] == [0.2, 0.4]
    with pytest.raises(RestartStorm, match="x died 3 times within 60 s"):
        restarts.died("x")


@pytest.mark.parametrize("state", list(JobState))
def test_no_job_comes_back_from_the_dead(state):
    with pytest.raises(ValueError, match="cannot go"):
        advance(JobState.DEAD, state)


def test_services_stop_once():
    assert advance_service(ServiceState.RUNNING, ServiceState.STOPPING) is ServiceState.STOPPING
    with pytest.raises(ValueError, match="cannot go"):
        advance_service(ServiceState.STOPPED, ServiceState.RUNNING)


def test_b14_a_log_that_nobody_reads_drops_lines_and_never_waits():
    read, write = os.pipe()
    outlet = Outlet(write)
    for number in range(5000):
        outlet.write(b"%d " % number + b"x" * 100 + b"\n")
    assert outlet.dropped_lines > 0
    taken = drained(read)
    outlet.write(b"after\n")
    after = drained(read)
    assert after.endswith(b"after\n")
    assert all(line.endswith(b"x") or line == b"after" for line in (taken + after).splitlines())
    os.close(read)
    os.close(write)


def drained(fd: int) -> bytes:
    """What is in a pipe now."""
    os.set_blocking(fd, False)
    data = b""
    try:
        while True:
            data += os.read(fd, 1 << 20)
    except BlockingIOError:
        return data


def test_tail_keeps_the_end_and_counts_the_rest():
    tail = Tail(limit=100)
    for number in range(1000):
        tail.take(b"%04d" % number)
    text = tail.text()
    assert text.endswith("0999")
    assert text.startswith("[3900 bytes left out]")


def test_lines_are_bounded():
    out: list[bytes] = []
    lines = Lines(out.append)
    lines.take(b"a\nb" + b"x" * 200_000)
    lines.take(b"\nc")
    lines.end()
    assert [line[:1] for line in out] == [b"a", b"b", b"c"]
    assert max(map(len, out)) <= 65537
    assert lines.dropped > 0


def test_an_event_of_a_closed_descriptor_is_not_given_to_the_next_of_its_number():
    loop, heard = Loop(), []
    pipes = [os.pipe(), os.pipe()]
    new: list[int] = []

    def first_come(mine: int, other: int) -> None:
        heard.append("first")
        loop.forget(other)
        os.close(other)
        new.extend(os.pipe())
        assert other in new
        loop.watch(other, lambda: heard.append("a stranger's"))
        loop.forget(mine)

    for (read, write), (another, _) in zip(pipes, reversed(pipes), strict=True):
        os.write(write, b"x")
        loop.watch(read, lambda read=read, another=another: first_come(read, another))
    loop.after(0.05, lambda: heard.append("time"))
    while "time" not in heard:
        loop.turn()
    assert heard == ["first", "time"]
    loop.close()
    for fd in {*new, *(end for pair in pipes for end in pair)}:
        os.close(fd)


def test_cancelled_timers_are_not_kept_until_their_time():
    loop, fired = Loop(), []
    for _ in range(10_000):
        loop.after(3600, lambda: None).cancel()
    assert len(loop._timers) < 1000
    for number in range(1000):
        loop.after(0.0, lambda number=number: fired.append(number))
    while len(fired) < 1000:
        loop.turn()
    assert fired == list(range(1000))
    loop.close()


def test_timers_fire_in_their_order_and_can_be_cancelled():
    loop, fired = Loop(), []
    loop.after(0.02, lambda: fired.append("second"))
    loop.after(0.01, lambda: fired.append("first"))
    loop.after(0.015, lambda: fired.append("never")).cancel()
    while len(fired) < 2:
        loop.turn()
    assert fired == ["first", "second"]
    loop.close()
