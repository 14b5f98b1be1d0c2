"""Caps of memory and of everything else that a job may take: group D of the fault catalogue."""

from __future__ import annotations

import json
import os
import pathlib
import re
import subprocess
import threading

import pytest
from driver import descendants, supervised
from peers.absent import missing
from waiting import until

from supervisor import cgroup, kernel

MB = 1 << 20
CAP_MB = 150


@pytest.fixture(params=[True, False], ids=["grouped", "watched"])
def either(tmp_path, request):
    """A supervisor whose jobs have namespaces and, where they can be had, control groups of their own; and one that only watches."""
    with supervised(tmp_path, kill_grace=0.3, pid_namespaces=request.param, control_groups=request.param) as driver:
        yield driver


@pytest.fixture
def supervisor(tmp_path):
    with supervised(tmp_path, kill_grace=0.3) as driver:
        yield driver


def test_d01_greedy_job(either):
    """It takes what it can at full speed, and a sibling does not notice."""
    either.run("0", "sleep")
    either.run("1", "greedy", {"memory_mb": CAP_MB, "wall": 6.0})
    exited = either.expect("Exited", run="1")
    assert exited["cause"] in ("memory", "timeout")  # RLIMIT_DATA may be the one that stops it, as an error of its own
    assert exited["peak_bytes"] <= 1.1 * CAP_MB * MB
    assert either.fresh_state(lambda s: [job["run"] for job in s["jobs"]] == ["0"])


def test_d02_memory_in_grandchildren_counts(either):
    either.run("1", "greedy_grandchild", {"memory_mb": CAP_MB})
    exited = either.expect("Exited", run="1")
    assert exited["cause"] == "memory"
    assert f"cap of {CAP_MB} MB" in exited["sentence"]


def test_d03_a_slow_leak_is_told_as_a_trend(tmp_path):
    """40 MB a second here, as 1 MB a second would take minutes: the shape is the same."""
    with supervised(tmp_path, kill_grace=0.3, control_groups=False) as driver:
        driver.run("1", "leak", {"memory_mb": CAP_MB}, mb_per_second=40)
        exited = driver.expect("Exited", run="1")
    assert exited["cause"] == "memory"
    trend = re.search(r"over their cap of 150 MB, after growing by ([0-9.]+) MB/s for \d+ s", exited["sentence"])
    assert trend, exited["sentence"]
    assert 0 < float(trend[1]) < 80


def test_d04_a_job_that_swallows_memory_errors_ends_inside_its_deadline(either):
    either.run("1", "swallow", {"memory_mb": CAP_MB, "wall": 4.0})
    exited = either.expect("Exited", run="1")
    assert exited["cause"] in ("memory", "timeout")
    assert exited["peak_bytes"] <= 1.1 * CAP_MB * MB


def test_d02_shared_memory_counts(either):
    either.run("1", "greedy_shared", {"memory_mb": CAP_MB}, mb=400)
    assert either.expect("Exited", run="1")["cause"] == "memory"


def test_d02_what_only_the_kernel_sees_ends_with_the_same_name(tmp_path):
    """A file in memory that nobody maps is in no resident set; a control group (of version 1 here, as root) counts and ends it."""
    if "memory" not in _controls():
        missing("no control group with the controller memory may be divided here")
    with supervised(tmp_path, kill_grace=0, memory_mb=CAP_MB) as driver:
        driver.run("1", "greedy_unseen", mb=400)
        exited = driver.expect("Exited", run="1")
        assert exited["cause"] == "memory", exited
        assert exited["sentence"] == "the kernel ended a process of the job, whose control group had reached its cap of 150 MB"


def _controls() -> tuple[str, ...]:
    groups = cgroup.Groups()
    groups.close()
    return groups.controls


def test_d05_never_more_than_the_slots(supervisor):
    """Sampled without a pause, while ten times as many are asked for as there is room, and all are killed."""
    most, done, own = 0, threading.Event(), os.getsid(supervisor.pid)

    def sample() -> None:
        nonlocal most
        while not done.is_set():
            ours = (one for one in kernel.processes() if one.parent == supervisor.pid)  # the orphans of a killed leader too
            most = max(most, sum(one.session in (one.pid, own) for one in ours) - 1)  # leaders, less the writer

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        for first in range(0, 20, 5):
            runs = [str(number) for number in range(first, first + 5)]
            for run in runs:
                supervisor.start(run)
            for run in runs:
                if supervisor.expect("Spawned", "Refused", run=run)["type"] == "Spawned":
                    supervisor.expect("Ready", run=run)
            for run in runs:
                supervisor.cancel(run)
        supervisor.fence()
        supervisor.wait_idle()
    finally:
        done.set()
        sampler.join()
    assert 1 <= most <= 2
    refused = {message["sentence"] for message in supervisor.messages if message["type"] == "Refused" and message["run"].isdigit()}
    assert refused == {"no free slot in the pool 'discovery'"}


def test_d05_a_job_that_does_not_fit_is_not_started(tmp_path):
    with supervised(tmp_path, memory_budget_mb=800, memory_mb=400) as driver:
        driver.start("1", memory_mb=500)
        driver.expect("Slots", free={"discovery": 0})  # so that nobody asks for what would be refused
        driver.start("2")
        assert "not enough memory: 500 of 800 MB" in driver.expect("Refused", run="2")["sentence"]
        driver.cancel("1")
        driver.expect("Exited", run="1")
        driver.start("3")
        driver.expect("Spawned", run="3")


def test_d06_descriptors_threads_and_disk_have_an_end(tmp_path):
    """A million files, ten thousand threads and a full volume (a small tmpfs, as root): the job meets each limit, and nobody else does."""
    temporary = tmp_path / "small"
    temporary.mkdir()
    root = os.geteuid() == 0
    if root:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "none", temporary], check=True)
    try:
        with supervised(tmp_path, temporary=temporary, kill_grace=0, memory_mb=256) as driver:
            driver.run("1", "take_everything", files=1_000_000, threads=10_000, mb=64 if root else 4)
            found = _said(driver)
            driver.run("2", "complete")
            assert driver.expect("Exited", run="2")["exit_code"] == 0
        assert found["files"][0] <= 4096
        assert found["files"][1] == "Too many open files"
        assert found["threads"][0] < 2000
        assert not root or found["one file"] == found["disk"] or found["disk"][1] == "No space left on device"
    finally:
        if root:
            subprocess.run(["umount", temporary], check=True)


def _said(driver) -> dict:
    lines = until(lambda: [line for line in driver.log.splitlines() if line.startswith("SEEN ")], driver.log)
    return json.loads(lines[0].removeprefix("SEEN "))


def test_g06_the_kernel_would_take_a_job_first(supervisor):
    """`oom_score_adj`: 800 for a job, nothing for those who look after it."""
    supervisor.run("1", "ignore_sigterm")
    supervisor.wait_scope("1")
    inside = descendants(supervisor.job_pid("1")) or [supervisor.job_pid("1")]
    assert _score(supervisor.pid) == _score(os.getpid())
    assert 800 in [_score(pid) for pid in inside]


def _score(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/oom_score_adj").read_text())
