"""A real supervisor, real job processes of the hostile provider, and the real writer but for its database."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
from waiting import slowness

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAP = 90

STARTER = """
import json, sys
from supervisor import published
from supervisor.config import Service, SupervisorConfig
from supervisor.supervisor import Supervisor
if __name__ == "__main__":
    options = json.loads(sys.argv[1])
    options["writer"] = Service(name="writer", entry="listed_queue:main", arguments=options.pop("arguments"))
    sys.exit(Supervisor(SupervisorConfig(state=published.create(), **options)).run())
"""


def run(tmp_path, configs, *, wall=30.0, idle=30.0, memory_mb=256, slots=2, expect=0):
    """Runs the jobs to their end; outcome of each. Proves that no process is left."""
    (tmp_path / "starter.py").write_text(STARTER)
    jobs = [{"id": number, "config": config} for number, config in enumerate(configs)]
    arguments = {"jobs": jobs, "results": str(tmp_path), "wall": wall, "idle": idle, "memory_mb": memory_mb, "slots": slots}
    options = {
        "pools": {"discovery": slots, "test": 1},
        "arguments": arguments,
        "job_entry": "hostile_entry:job",
        "kill_grace": 0.3,
    }
    mark = f"ELDER_TEST={tmp_path}"
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT / "tests" / "harness"), str(ROOT), os.environ.get("PYTHONPATH", "")]),
        "ELDER_TEST": str(tmp_path),
    }
    process = subprocess.run(
        [sys.executable, str(tmp_path / "starter.py"), json.dumps(options)],
        env=environment,
        timeout=CAP * slowness(),
        capture_output=True,
        text=True,
        errors="replace",
    )
    assert process.returncode == expect, process.stderr
    assert not marked(mark), "processes are left"
    return [json.loads((tmp_path / f"{number}.json").read_text()) for number in range(len(configs))]


def marked(mark):
    """Processes with that in their environment."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        try:
            if folder.name.isdecimal() and mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
        except OSError:
            continue
    return found


def test_a_good_job(tmp_path):
    (outcome,) = run(tmp_path, [{"regions": ["a", "b"], "resources": 3000}])

    assert (outcome["status"], outcome["resources"], outcome["cause"]) == ("completed", 6000, "exited")
    assert outcome["scopes"] == [["complete", 3000, 0]] * 2


ENDS = {
    "sleep": ("timeout", "timeout"),
    "ignore_sigterm": ("timeout", "timeout"),
    "grandchild": ("timeout", "timeout"),
    "stop": ("timeout", "timeout"),
    "spin": ("timeout", "timeout"),
    "close_everything": ("timeout", "timeout"),
    "write_garbage": ("protocol", "protocol"),
    "claim_4_gigabytes": ("protocol", "protocol"),
    "write_pickle": ("protocol", "protocol"),
    "complete_too_early": ("protocol", None),
    "repeat_records": ("protocol", "protocol"),
    "skip_records": ("protocol", "protocol"),
    "be_quoted_at_length": ("protocol", "protocol"),
    "fail_at_length": ("protocol", "protocol"),
    "die_in_a_frame": ("crashed", "signalled"),
    "write_half_a_frame": ("timeout", "timeout"),
    "exit_0": ("protocol", "exited"),
    "exit_7": ("crashed", "exited"),
    "crash": ("crashed", "signalled"),
    "kill_itself": ("crashed", "signalled"),
}


@pytest.mark.parametrize("behaviour", ENDS)
def test_a_job_that_misbehaves_ends_what_it_found_is_kept_and_the_next_one_runs(tmp_path, behaviour):
    kind, cause = ENDS[behaviour]
    bad = {"behaviour": behaviour, "regions": ["a", "b"], "resources": 700, "path": str(tmp_path / "told")}
    wall = 8.0 * slowness() if kind == "timeout" else 60.0
    outcomes = run(tmp_path, [bad, bad, {"resources": 10}], wall=wall, idle=600.0, expect=1)

    for outcome in outcomes[:2]:
        assert (outcome["status"], outcome["error_kind"]) == ("error", kind), outcome
        assert cause in (None, outcome["cause"])
        assert outcome["survivors"] == 0
        assert outcome["resources"] >= 1200, "what had arrived is kept"
        assert outcome["scopes"][0] == ["complete", 700, 0]
        assert outcome["scopes"][1][0] in ("timeout", "error")
        assert outcome["error"]
    assert outcomes[2]["status"] == "completed"
    assert not (tmp_path / "told.exploded").exists()


def test_c02_neighbours_of_one_that_dies_in_a_frame_lose_nothing(tmp_path):
    """Seven stream while the eighth is killed in the middle of a frame. (How fast they are is no matter of the eighth: each has its pipe.)"""
    victim = {"behaviour": "die_in_a_frame", "regions": ["a", "b"], "resources": 700}
    dead, *others = run(
        tmp_path,
        [victim, *[{"resources": 20_000, "account": f"a{number}"} for number in range(7)]],
        slots=8,
        wall=90.0,
        idle=90.0,
        expect=1,
    )

    assert (dead["status"], dead["error_kind"], dead["cause"]) == ("error", "crashed", "signalled")
    assert dead["resources"] >= 1200
    assert [(one["status"], one["resources"]) for one in others] == [("completed", 20_000)] * 7


@pytest.mark.parametrize("behaviour", ["hog_memory", "hog_in_children"])
def test_a_memory_hog(tmp_path, behaviour):
    outcome, good = run(tmp_path, [{"behaviour": behaviour, "resources": 700}, {}], memory_mb=160, expect=1)

    assert (outcome["status"], outcome["error_kind"], outcome["survivors"]) == ("error", "memory", 0)
    assert good["status"] == "completed"


def test_refused_before_it_had_a_process(tmp_path):
    outcome, good = run(tmp_path, [{"behavior": "well"}, {}], expect=1)

    assert (outcome["status"], outcome["error_kind"]) == ("error", "config")
    assert "did you mean `behaviour`" in outcome["error"]
    assert good["status"] == "completed"


def test_a_denied_region(tmp_path):
    (outcome,) = run(tmp_path, [{"behaviour": "deny", "regions": ["a", "b"]}])

    assert (outcome["status"], outcome["error"]) == ("partial", "1 of 2 scopes was not read in full: 1 denied")
