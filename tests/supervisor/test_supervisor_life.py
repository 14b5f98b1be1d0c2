"""The supervisor's own life: stopping, its services, its state. Group B of the fault catalogue."""

from __future__ import annotations

import contextlib
import os
import pathlib
import resource
import signal
import subprocess
import sys
import tempfile
import time

import pytest
from driver import CAP, HERE, ROOT, Driver, marked, supervised, zombies
from peers.absent import missing
from waiting import until

IDLE = {"name": "http", "entry": "programs:idle_service"}


@pytest.mark.parametrize("namespaced", [True, False])
def test_b01_supervisor_killed(tmp_path, namespaced):
    """Nobody is left to sweep: the kernel ends what has a parent to die with, and all of a namespace, whatever fled in it."""
    faults = {"ignore_sigterm": "ignoring", "gil_hog": "hogging"} | ({"escape": "escaped", "children": "parent"} if namespaced else {})
    with supervised(tmp_path, pools={"discovery": 4}, pid_namespaces=namespaced) as driver:
        for number, fault in enumerate(faults):
            driver.run(str(number), fault)
        for number, evidence in enumerate(faults.values()):
            driver.wait_scope(str(number), evidence)
        if namespaced and driver.state()["isolation"]["pid_namespace"] is False:
            missing("the kernel does not permit PID namespaces here")
        driver.send(signal.SIGKILL)
        driver.process.wait()
        until(lambda: not marked(driver.mark), "survivors of the supervisor", 10)


def test_a17_a_job_that_has_ended_is_freed_at_once():
    """And not when a collector comes by: ten thousand jobs would leave their highest mark in the memory."""
    code = "import programs; programs.reap_one_job()"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": f"{HERE}{os.pathsep}{ROOT}"}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == ("freed\n", 0), done.stderr


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
        until(lambda: any(driver.free().values()), "slots are offered again")
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
        until(lambda: any(driver.free().values()), "slots are offered again")
        driver.run("2", "complete")
        assert driver.expect("Exited", run="2")["exit_code"] == 0


@pytest.fixture
def deep_folder():
    """A folder outside pytest's, which removes old ones by recursion: what an interrupted run left in there would end each later run with an error."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="elder-deep-"))
    try:
        yield folder
    finally:
        subprocess.run(["rm", "-rf", folder], check=False)


def test_d06_what_a_job_has_dug_is_removed_however_deep_it_is(deep_folder):
    """Else the thread that removes folders would end of it, and no folder would ever be removed again; nor would the next supervisor start."""
    with supervised(deep_folder, kill_grace=0) as driver:
        [base] = until(lambda: list(driver.temporary.iterdir()), "the supervisor has its folder")
        for run in ("1", "2"):
            driver.run(run, "dig")
            assert driver.expect("Exited", run=run)["exit_code"] == 0
            until(lambda: not list(base.iterdir()), "its folder is gone")


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


HOLDER = """
import os, pathlib, select, sys
from supervisor import namespace

def wait(name):
    while not pathlib.Path(sys.argv[1], name).exists():
        select.select([], [], [], 0.005)

def late_close(fd):
    if os.getpid() == 2:
        wait("go on")
    close(fd)

def late_init(alive):
    wait("dead")
    run_init(alive)

close, run_init = os.close, namespace._run_init
os.close, namespace._run_init = late_close, late_init
namespace.enter()
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may look at the descriptors of such a process")
def test_b02_the_first_process_of_a_namespace_whose_holder_died_before_it_looked(tmp_path):
    """Killed between two instructions: its pipe is held by the job still, which was forked a moment ago, and nobody else will tell."""
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(tmp_path)], cwd=ROOT)
    children = pathlib.Path(f"/proc/{holder.pid}/task/{holder.pid}/children")
    init, job = until(lambda: len(found := children.read_text().split()) == 2 and found, "both are forked")
    try:
        holder.kill()
        holder.wait()
        (tmp_path / "dead").touch()
        until(lambda: len(os.listdir(f"/proc/{init}/fd")) <= 1, "it has looked")
        (tmp_path / "go on").touch()
        until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in (init, job)), "both are gone")
    finally:
        for pid in (init, job):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


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
        driver.run("1", "complete", {"lifetime": {"name": "lifetime_seconds", "labels": {"of": "test"}}})
        driver.expect("Exited", run="1")
        increments = [{"name": "runs_total", "labels": {"name": "a", "status": "completed"}}, {"name": "found_total", "amount": 7}]
        driver.order(do="send", type="Finished", run="1", increments=increments)
        state = driver.wait_state(lambda s: any(m[0] == "runs_total" for m in s["metrics"]))
        metrics = {(name, tuple(labels.items())): value for name, _, labels, value in state["metrics"]}
        assert metrics["runs_total", (("name", "a"), ("status", "completed"))] == 1
        assert metrics["found_total", ()] == 7
        assert metrics["lifetime_seconds", (("of", "test"),)]["count"] == 1


# --- the small parts
