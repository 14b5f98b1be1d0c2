"""How many jobs run at once with how much memory: what the settings say, as far as the container has room for it."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

import msgspec
import pytest
from peers import mortal
from peers.port import free_port
from peers.service import ROOT, environment, get
from waiting import until

from worker.cli import run as run_command
from worker.config import container
from worker.config.environment import SettingsError
from worker.config.limits import LEAST_JOB_MB, RESERVE_MB, limits
from worker.config.settings import Settings, load

NEEDY = 128
"""MB that the most demanding provider needs, in the tests that say so."""


def given(need: int = NEEDY, **environ: object) -> Settings:
    """Settings with AWS as the only provider that may run, and of a known need."""
    loaded = load({name: str(value) for name, value in environ.items()})
    aws = loaded.sources["aws"]
    description = msgspec.structs.replace(aws.description, memory_mb=need, installed=True)
    connectors = {name: source for name, source in loaded.connectors().items() if name != "aws" and source.syncs}
    return msgspec.structs.replace(loaded, sources={"aws": msgspec.structs.replace(aws, description=description), **connectors})


@pytest.mark.parametrize(
    ("environ", "container_mb", "slots", "memory", "budget"),
    [
        ({}, None, 2, 512, None),
        ({"DISCOVERY_JOB_MEMORY_MB": 300}, None, 2, 300, None),
        ({}, 2048, 2, 512, 1888),
        ({"DISCOVERY_MAX_CONCURRENT": 4}, 1024, 4, 216, 864),
        ({"DISCOVERY_JOB_MEMORY_MB": 864, "DISCOVERY_MAX_CONCURRENT": 1}, 1024, 1, 864, 864),
        ({"DISCOVERY_JOB_MEMORY_MB": 400}, 1024, 2, 400, 864),
    ],
)
def test_what_fits_is_as_it_was_set(environ, container_mb, slots, memory, budget):
    found = limits(given(**environ), container_mb)

    assert (found.settings.discovery_max_concurrent, found.memory_mb, found.budget_mb) == (slots, memory, budget)
    assert found.settings.warnings == ()


@pytest.mark.parametrize(
    ("container_mb", "slots", "need", "effective", "memory"),
    [
        (512, 4, 128, 2, 128),
        (512, 4, 112, 3, 112),
        (512, 2, 192, 1, 192),
        (1024, 8, 128, 6, 128),
        (256, 4, 64, 1, 64),
    ],
)
def test_case_eng_10_fewer_slots_with_a_cap_that_the_providers_need(container_mb, slots, need, effective, memory):
    """A container of 512 MB and 4 slots had a cap of 88 MB, with which every AWS job died."""
    found = limits(given(need, DISCOVERY_MAX_CONCURRENT=slots), container_mb)

    assert found.memory_mb >= memory >= need
    assert found.settings.discovery_max_concurrent == effective
    assert found.memory_mb * effective <= found.budget_mb == container_mb - RESERVE_MB
    (warning,) = found.settings.warnings
    assert f"the container's limit of {container_mb} MB has room for {effective} jobs" in warning
    assert f"not for the {slots} that are set" in warning


def test_case_eng_10_syncs_count_when_a_connector_is_switched_on():
    ldap = {"LDAP_ENABLED": "true", "LDAP_SERVER": "x", "LDAP_BASE_DN": "dc=x"}
    found = limits(given(DISCOVERY_MAX_CONCURRENT=3, **ldap), 512).settings

    assert (found.discovery_max_concurrent, found.connector_max_concurrent) == (1, 1)
    assert limits(given(DISCOVERY_MAX_CONCURRENT=2), 512).settings.connector_max_concurrent == 2, "nothing syncs: nothing to reduce"


def test_case_eng_10_a_container_that_is_too_small_for_a_provider_says_for_which():
    found = limits(given(192), 300)

    assert found.memory_mb == 140
    assert found.settings.warnings[0] == (
        "a job may use 140 MB, and some providers need more (AWS 192 MB): their jobs may end with the error `memory`"
    )


def test_case_eng_10_providers_that_are_switched_off_or_not_installed_need_nothing():
    assert limits(given(512, AWS_ENABLED="false"), 512).memory_mb == 176
    loaded = given(512)
    absent = msgspec.structs.replace(loaded.sources["aws"].description, installed=False)
    without = msgspec.structs.replace(loaded, sources={"aws": msgspec.structs.replace(loaded.sources["aws"], description=absent)})
    assert limits(without, 512).memory_mb == 176


def test_case_eng_9_a_cap_above_the_containers_budget_is_refused_with_both_figures():
    """Every job was refused by the supervisor, for ever, and everything was green."""
    with pytest.raises(SettingsError) as refused:
        limits(given(DISCOVERY_JOB_MEMORY_MB=2000), 1024)

    (complaint,) = refused.value.complaints
    assert complaint == (
        "DISCOVERY_JOB_MEMORY_MB is 2000, and the container's limit of 1024 MB leaves 864 MB for jobs: "
        "set it to 864 or less, or give the container 2160 MB"
    )


@pytest.mark.parametrize("container_mb", [64, 223])
def test_case_eng_9_a_container_without_room_for_a_job_is_refused(container_mb):
    """It was started, and the kernel ended the whole container with the first job."""
    with pytest.raises(SettingsError, match=f"limit of {container_mb} MB has no room for a job.*give it 224 MB or more"):
        limits(given(), container_mb)

    assert limits(given(), 224).memory_mb == LEAST_JOB_MB


CONTAINER = """
import sys
from worker.config import container
container.memory_limit_mb = lambda: {megabytes}
from worker.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("command", ["run", "check"])
def test_case_eng_9_the_start_is_refused(command):
    program = CONTAINER.format(megabytes=1024)
    environ = environment({"DISCOVERY_JOB_MEMORY_MB": "2000"})
    done = subprocess.run(
        [sys.executable, "-c", program, command], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 78
    assert done.stderr.startswith("elder-worker: DISCOVERY_JOB_MEMORY_MB is 2000, and the container's limit of 1024 MB leaves 864 MB")


def test_case_eng_10_the_start_line_and_the_status_say_which(tmp_path):
    """In a container of 512 MB: how many jobs with how much memory, and what to do about it."""
    port, log = free_port(), tmp_path / "log"
    given = {"DISCOVERY_MAX_CONCURRENT": "4", "HEALTH_CHECK_PORT": str(port), "LOG_FORMAT": "text"}
    with log.open("wb") as out:
        program = [sys.executable, "-c", CONTAINER.format(megabytes=512), "run"]
        process = mortal.start(program, env=environment(given), cwd=ROOT, stdout=out, stderr=out)
    status = until(lambda: reachable(f"http://127.0.0.1:{port}/status"), "the worker answers")
    process.terminate()
    assert process.wait(60) == 0

    slots = status["settings"]["discovery_max_concurrent"]
    assert 1 <= slots < 4
    memory = status["settings"]["discovery_job_memory_mb"]
    assert f"starting: {slots} discovery jobs and 2 syncs at once, {memory} MB each, 352 MB in all" in log.read_text()
    (warning,) = status["warnings"]
    assert warning.startswith(f"the container's limit of 512 MB has room for {slots} jobs and syncs at once, of {memory} MB each")
    assert warning in log.read_text()


def test_case_eng_4_a_start_without_a_folder_for_temporary_files_is_warned_about(monkeypatch):
    monkeypatch.setattr(container, "can_write", lambda: False)
    monkeypatch.setattr(run_command, "run", lambda settings, **_: settings.warnings)

    warnings = run_command.main(argparse.Namespace(once=False, job=None), {"DATABASE_URL": "postgresql://h/d"})
    assert run_command.NO_FOLDER in warnings


def reachable(url: str):
    try:
        return get(url)
    except OSError:
        return None


def test_the_limit_of_the_container_is_the_control_groups(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text(f"{512 << 20}\n")
    monkeypatch.setattr(container, "LIMITS", (str(tmp_path / "none"), str(tmp_path / "memory.max")))
    assert container.memory_limit_mb() == 512
    (tmp_path / "memory.max").write_text("max\n")
    assert container.memory_limit_mb() is None


def test_every_provider_that_is_installed_here_says_what_it_needs():
    described = [source.description for source in load(os.environ | {}).sources.values()]
    assert all(64 <= one.memory_mb <= 256 for one in described)
    assert {one.name for one in described if one.installed} >= {"aws", "gcp", "ldap", "okta", "authentik", "azure", "kubernetes"}
