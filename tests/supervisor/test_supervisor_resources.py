"""What the kernel refuses: processes, descriptors, a temporary folder, a look at /proc. Each is told, none is fatal, work goes on later."""

from __future__ import annotations

import contextlib
import os
import resource
import stat
import subprocess
import sys

import pytest
from driver import ROOT, Driver, descendants, supervised
from peers.absent import missing
from process_limit import process_limit
from waiting import until

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may make control groups and mounts")


@as_root
@pytest.mark.parametrize("spare", [0, 1, 2])
def test_case_eng_4_a_supervisor_at_its_process_limit_offers_no_slot_until_a_trial_start_succeeds(tmp_path, spare):
    """With 0 the fork fails, with 1 or 2 the job's own forks do, before READY. The jobs were refused or go back, and none has crashed."""
    with supervised(tmp_path, kill_grace=0, control_groups=False) as driver:
        driver.expect("Slots")
        with process_limit(driver.pid, *descendants(driver.pid)) as limit:
            limit.spare(spare)
            driver.start("1")
            ended = driver.expect("Refused", "Exited", run="1")
            assert ended["type"] == "Refused" or ended["cause"] == "resources"
            assert "Resource temporarily unavailable" in ended["sentence"]
            state = driver.wait_state(lambda s: s["spawn_problem"])
            assert "Resource temporarily unavailable" in state["spawn_problem"]
            until(lambda: driver.free() == {"discovery": 0}, "no slot is offered")
            driver.start("2")
            assert "Resource temporarily unavailable" in driver.expect("Refused", run="2")["sentence"]
            limit.lift()
            driver.wait_state(lambda s: not s["spawn_problem"])
        until(lambda: driver.free() == {"discovery": 2}, "the slots are offered again")
        driver.run("3", "complete")
        assert driver.expect("Exited", run="3")["exit_code"] == 0
        assert "processes can be started again" in driver.log


@pytest.mark.parametrize("what", ["fork", "start"])
def test_case_eng_4_a_supervisor_without_memory_for_its_first_job_offers_no_slot_until_there_is_some(tmp_path, monkeypatch, what):
    """The kernel answers ENOMEM to the fork, or to the new process before READY: neither is a crash of the job. The log has its traceback."""
    short = tmp_path / "short"
    monkeypatch.setenv("NO_MEMORY_WHILE", str(short))
    driver = Driver(tmp_path, kill_grace=0, control_groups=False)
    try:
        driver.expect("Slots")
        short.write_text(what)
        driver.start("1")
        ended = driver.expect("Refused", "Exited", run="1")
        assert (ended["type"], ended.get("cause", "resources")) == ("Refused" if what == "fork" else "Exited", "resources")
        assert ("Cannot allocate memory" if what == "fork" else "before it was ready") in ended["sentence"]
        assert driver.wait_state(lambda s: s["spawn_problem"])["spawn_problem"].startswith(ended["sentence"])
        until(lambda: driver.free() == {"discovery": 0}, "no slot is offered")
        short.unlink()
        until(lambda: driver.free() == {"discovery": 2}, "the slots are offered again")
        driver.run("2", "complete")
        assert driver.expect("Exited", run="2")["exit_code"] == 0
        assert driver.stop() == 0
        until(lambda: not descendants(driver.process.pid), "nobody is left")
    finally:
        driver.close()


@as_root
def test_case_eng_4_a_service_that_cannot_be_started_again_is_no_restart_storm(tmp_path):
    with supervised(tmp_path, kill_grace=0, control_groups=False, restarts=1) as driver:
        before = driver.wait_state(lambda s: s["services"]["writer"]["pid"])["services"]["writer"]
        with process_limit(driver.pid) as limit:
            limit.spare(0)
            os.kill(before["pid"], 9)
            until(lambda: driver.log.count("writer cannot be started, which is tried again") >= 3, "three attempts")
            assert "writer: a process could not be started" in driver.state()["spawn_problem"]
            limit.lift()
            after = driver.wait_state(lambda s: s["services"]["writer"]["pid"] not in (None, before["pid"]))
        assert after["services"]["writer"]["restarts"] == 1
        driver.wait_state(lambda s: not s["spawn_problem"])


def test_case_eng_4_a_full_temporary_folder_is_told_and_no_end(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(small)], check=False).returncode:
        missing("no tmpfs can be mounted here")
    try:
        with supervised(tmp_path, temporary=small, kill_grace=0) as driver:
            driver.expect("Slots")
            filling = small / "filling"
            with contextlib.suppress(OSError), filling.open("wb") as file:
                file.write(b"x" * 3_000_000)
            driver.start("1")
            assert f"{small} is full" in driver.expect("Refused", run="1")["sentence"]
            assert f"{small} is full" in driver.wait_state(lambda s: s["spawn_problem"])["spawn_problem"]
            filling.unlink()
            until(lambda: any(driver.free().values()), "slots are offered again")
            driver.run("2", "complete")
            assert driver.expect("Exited", run="2")["exit_code"] == 0
    finally:
        until(lambda: subprocess.run(["umount", str(small)], check=False, capture_output=True).returncode == 0, "it is unmounted")


NOWHERE = """
import pathlib, sys, tempfile
folder = pathlib.Path(sys.argv[1])
tempfile._candidate_tempdir_list = lambda: [str(folder)]
from supervisor.folders import Folders, settle_temporary_folder
settle_temporary_folder()
import supervisor.supervisor
from supervisor.errors import SpawnError
folders = Folders()
try:
    folders.make()
except SpawnError as error:
    print(error)
folder.mkdir()
print(pathlib.Path(folders.make()).parent.parent == folder)
folders.close()
"""
"""A start where no folder for temporary files can be written, and later one can."""


def test_case_eng_4_a_start_without_a_folder_that_can_be_written_refuses_jobs_until_there_is_one(tmp_path):
    """A disk that is full at the start ended the worker, again and again in a pod, whose volume outlives its containers."""
    folder = tmp_path / "later"
    command = [sys.executable, "-c", NOWHERE, str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"TMPDIR": str(folder)}, capture_output=True, text=True, timeout=60, check=False
    )
    refused, found = done.stdout.splitlines()
    assert refused == "a job needs a temporary folder under TMPDIR, /tmp or /var/tmp: No such file or directory", done.stderr
    assert found == "True"


SHUT = """
import os, pathlib, sys, tempfile
from supervisor.folders import Folders
parent = pathlib.Path(sys.argv[1])
tempfile.tempdir = str(parent)
folders = Folders()
first = pathlib.Path(folders.make())
first.parent.chmod(0)
second = pathlib.Path(folders.make())
first.parent.chmod(0)
parent.chmod(0)
third = pathlib.Path(folders.make())
assert third.parent == second.parent == first.parent
assert parent.stat().st_mode & 0o7777 == 0o750
first.parent.chmod(0)
folders.close()
assert not first.parent.exists()
(parent / "elder-jobs-shut" / "left").mkdir(parents=True)
(parent / "elder-jobs-shut").chmod(0)
(parent / "elder-jobs-link").symlink_to(parent / "precious", target_is_directory=True)
Folders().close()
print(sorted(path.name for path in parent.iterdir()), [path.name for path in parent.glob("*/*")])
"""
"""Jobs that shut the folder of all jobs, and the one above it, to their own user; what is found at a start. As a user who is not root."""


def test_a_job_that_shuts_the_folder_of_all_jobs_keeps_no_later_one_from_its_own(tmp_path):
    """Nor does it leave anything behind. A link, and with root another user's folder, that is called like one of ours is left alone."""
    parent, user = tmp_path / "temporary", 48211
    (parent / "precious").mkdir(parents=True)
    (parent / "precious" / "file").write_text("x")
    parent.chmod(0o750)
    command, kept = [sys.executable, "-c", SHUT, str(parent)], ["elder-jobs-link", "precious"]
    if os.geteuid() == 0:
        (parent / "elder-jobs-of-root").mkdir()
        os.chown(parent, user, user)
        kept.insert(1, "elder-jobs-of-root")
        for folder in (tmp_path, *tmp_path.parents):
            if not folder.stat().st_mode & stat.S_IXOTH:
                folder.chmod(0o711)
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == f"{kept} ['file', 'file']", done.stderr


def test_case_eng_4_few_descriptors_are_told_at_the_start(tmp_path):
    """The soft limit is raised to the hard one; what is still too little is a warning in the log and in the state."""
    with supervised(tmp_path, within=("prlimit", "--nofile=100:100"), pools={"discovery": 4}, kill_grace=0) as driver:
        [warning] = driver.wait_state(lambda s: s["warnings"])["warnings"]
        assert warning.startswith("the limit of open files is 100, and 4 jobs at once may need 128")
        assert warning in driver.log
        assert resource.prlimit(driver.pid, resource.RLIMIT_NOFILE) == (100, 100)
        for run in range(4):
            driver.run(str(run), "sleep")
        assert {driver.expect("Ready", "Refused", run=str(run))["type"] for run in range(4)} <= {"Ready", "Refused"}


HIDEPID = 'mount -t proc -o hidepid={} proc /proc && exec setpriv --regid 65534 --clear-groups --bounding-set -sys_ptrace "$@"'


@as_root
@pytest.mark.parametrize("hidepid", [1, 2])
@pytest.mark.parametrize("namespaced", [True, False])
@pytest.mark.parametrize("fault", ["complete", "children", "escape"])
def test_case_eng_5_jobs_end_where_proc_hides_them(tmp_path, hidepid, namespaced, fault):
    """Without CAP_SYS_PTRACE, on a /proc mounted with hidepid: what cannot be read is left out and told, and nobody is left at the end."""
    within = ("unshare", "--mount", "sh", "-c", HIDEPID.format(hidepid), "sh")
    driver = Driver(tmp_path, within=within, kill_grace=0.2, pid_namespaces=namespaced, control_groups=False)
    try:
        driver.run("1", fault)
        if fault != "complete":
            driver.wait_scope("1")
            driver.cancel("1")
        exited = driver.expect("Exited", run="1")
        assert exited["survivors"] == 0
        assert exited["cause"] == ("exited" if fault == "complete" else "cancelled")
        [warning] = driver.wait_state(lambda s: s["warnings"])["warnings"]
        assert "hidepid" in warning
        assert driver.stop() == 0
        until(lambda: not descendants(driver.process.pid), "nobody is left")
    finally:
        driver.close()
