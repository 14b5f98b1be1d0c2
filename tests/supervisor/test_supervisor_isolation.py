"""What a job can see and do: group G of the fault catalogue, as a job tries it from the inside."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
from driver import ROOT, supervised
from waiting import until

from supervisor import landlock


@pytest.fixture
def supervisor(tmp_path):
    with supervised(tmp_path, kill_grace=0) as driver:
        yield driver


def seen_by_a_job(supervisor, limits: dict | None = None, fault: str = "look_around", **order) -> dict:
    """What a job finds when it looks around."""
    supervisor.run("1", fault, limits, **order)
    assert supervisor.expect("Exited", run="1")["exit_code"] == 0, supervisor.log
    [line] = until(lambda: [line for line in supervisor.log.splitlines() if line.startswith("SEEN ")], supervisor.log)
    return json.loads(line.removeprefix("SEEN "))


def test_g06_a_job_has_its_own_descriptors_and_nothing_else(supervisor):
    seen = seen_by_a_job(supervisor)
    assert set(seen["fds"]) == set(seen["own"])
    assert seen["session"]
    assert seen["core"] == 0
    assert seen["no_new_privs"]
    assert seen["oom"] == "800"
    assert not [name for name in seen["modules"] if name.startswith(("psycopg", "flask", "boto3", "structlog"))]
    assert seen["cwd"].startswith(str(supervisor.temporary))


def test_g05_a_job_cannot_import_its_way_to_a_secret_in_its_environment(supervisor):
    assert "DATABASE_URL" not in seen_by_a_job(supervisor)["environ"]


def attempts(supervisor, tmp_path, *, pids=(), readable=()) -> dict:
    """What came of a job's tries."""
    secret, other = tmp_path / "other.json", tmp_path / "own.json"
    secret.write_text("another job's")
    other.write_text("its own")
    return seen_by_a_job(
        supervisor,
        {"read_paths": [str(path) for path in readable]},
        "try_each_way_out",
        read={"another's file": str(secret), "own file": str(other)},
        write={"elsewhere": str(tmp_path / "written"), "own file written": str(other)},
        pids=list(pids),
        modules=["psycopg", "json"],
    )


def test_g04_a_job_reads_what_it_was_given_and_writes_to_its_folder_alone(tmp_path):
    with supervised(tmp_path, kill_grace=0, forbidden_modules=["psycopg"]) as driver:
        found = attempts(driver, tmp_path, readable=[tmp_path / "own.json"])
        in_force = driver.wait_state(lambda s: s["isolation"]["landlock"] is not None)["isolation"]["landlock"]

    assert (found["own file"], found["own folder"], found["system"]) == ("done", "done", "done")
    assert in_force == landlock.abi()
    if not in_force:
        pytest.skip("this kernel has no Landlock")
    assert found["another's file"] == "PermissionError"
    assert found["elsewhere"] == "PermissionError"
    assert found["own file written"] == "PermissionError"


def test_confinement_can_be_switched_off(tmp_path):
    with supervised(tmp_path, kill_grace=0, confine_files=False) as driver:
        assert attempts(driver, tmp_path)["another's file"] == "done"
        driver.wait_state(lambda s: s["isolation"]["landlock"] == 0)


def test_g04_a_job_sees_into_no_other_process(supervisor, tmp_path):
    """Neither into the supervisor nor into a sibling; root sees the numbers of descriptors, and may signal nobody outside, where Landlock can scope that."""
    supervisor.run("0", "sleep")
    sibling, services = supervisor.job_pid("0"), supervisor.wait_state(lambda s: s["services"]["writer"]["pid"])["services"]
    pids = [sibling, supervisor.process.pid, services["writer"]["pid"]]
    found = attempts(supervisor, tmp_path, pids=pids)

    hidden = ("environ", "mem", "maps", *(() if os.geteuid() == 0 else ("fd",)))
    assert {found[f"{pid} {file}"] for pid in pids for file in hidden} == {"PermissionError"}
    if landlock.abi() >= landlock.SIGNALS:
        assert "done" not in {found[f"{pid} signal"] for pid in pids}
    assert supervisor.process.poll() is None


def test_g05_no_database_driver_can_be_imported(tmp_path):
    with supervised(tmp_path, kill_grace=0, forbidden_modules=["psycopg"]) as driver:
        found = attempts(driver, tmp_path)

    assert found["import psycopg"] == "ModuleNotFoundError"
    assert found["import json"] == "done"


def test_a_projected_file_may_be_exchanged(supervisor, tmp_path):
    """Kubernetes renews a token by exchanging the folder that a link leads to: the job must be able to read the new one."""
    volume = tmp_path / "volume"
    (volume / "..1").mkdir(parents=True)
    (volume / "..1" / "own.json").write_text("old")
    (volume / "..data").symlink_to("..1")
    (volume / "token").symlink_to("..data/own.json")
    found = seen_by_a_job(
        supervisor,
        {"read_paths": [str(volume / "token")]},
        "try_each_way_out",
        read={"token": str(volume / "token"), "beside it": str(volume / "..1" / "own.json")},
        write={},
        pids=[],
        modules=[],
    )

    assert (found["token"], found["beside it"]) == ("done", "done")


def test_who_looks_after_a_job_comes_before_it_at_a_core(supervisor):
    """Niceness, and that of the session's own group, where the kernel has such."""
    supervisor.run("1", "sleep")
    job = supervisor.expect("Spawned", run="1")["pid"]
    assert os.getpriority(os.PRIO_PROCESS, job) == min(19, os.getpriority(os.PRIO_PROCESS, supervisor.process.pid) + 10)
    group = pathlib.Path(f"/proc/{job}/autogroup")
    assert not group.exists() or group.read_text().split()[-1] == "10"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become others")
def test_a_pid_namespace_is_permitted_to_every_user_when_it_is_to_one():
    """The mapping names the user that the process had outside, which in the namespace is nobody (65534) until it is mapped."""
    code = "from supervisor import namespace; print(namespace._can_keep_user())"

    def permitted(user: int) -> str:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", sys.executable, "-c", code]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60).stdout.strip()

    found = permitted(65534)
    assert found in ("True", "False")
    assert permitted(48211) == found
