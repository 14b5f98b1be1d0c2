"""``elder-worker up [--demo]``: everything on one machine, in the foreground."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers.counted import counted
from supervisor import kernel
from worker.cli.main import CommandError
from worker.local import simulation
from worker.local.everything import Everything
from worker.local.postgres import EmbeddedError

DEMO_JOB = "Demo: simulated AWS account"
STUCK_JOB = "Demo: an account that never answers"
STUCK_CONFIG = {"access_key_id": "never-answered", "secret_access_key": "simulated", "regions": ["us-east-1"]}
IDLE_TIMEOUT = "20"
"""Default of DISCOVERY_IDLE_TIMEOUT in the demo: a person watches until the job that is stuck is killed."""

SIMULATION_SECONDS = 240.0


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Runs everything until Ctrl-C."""
    kernel.hide_memory()  # it holds the database's password and the user's environment
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(options.data).resolve()
    everything: Everything | None = None
    try:
        everything = Everything(folder, environ, _say)
        if options.demo:
            _simulate(everything)
        everything.start()
        _say(f"the API and its pages: {everything.api}")
        _say(f"the worker's state:    {everything.health}")
        _say(f"data and logs:         {folder}")
        if options.demo:
            _demonstrate(everything)
        _say("Ctrl-C ends all of it")
        everything.watch()
    except EmbeddedError as error:
        raise CommandError(str(error)) from None
    except KeyboardInterrupt:
        _say("stopping")
    finally:
        if everything is not None:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C does not leave half of it behind
            everything.close()
    _say("stopped; nothing is left running")
    return 0


def _say(sentence: str) -> None:
    print(f"elder: {sentence}", flush=True)


def _simulate(everything: Everything) -> None:
    """Starts a simulated AWS account, made by moto, and points the worker to it."""
    _say("making a simulated AWS account (by moto: no cloud is asked, nothing costs)")
    simulation.forget(everything.folder)
    child = everything.add(simulation.NAME, [*simulation.COMMAND, "--faults"])
    deadline = time.monotonic() + SIMULATION_SECONDS
    while not (address := simulation.address(everything.folder)):
        everything.check_alive()
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the simulated account is not ready within {SIMULATION_SECONDS:g} s: {child.last_line()}")
        time.sleep(0.05)
    everything.environ["AWS_ENDPOINT_URL"] = address
    everything.environ.setdefault("DISCOVERY_IDLE_TIMEOUT", IDLE_TIMEOUT)


def _demonstrate(everything: Everything) -> None:
    job, earlier = _demo_job(everything)
    _say(f"job {job} reads the simulated account: {everything.api}/jobs/{job}")
    run = _await_run(everything, job, earlier)
    _say(
        f"the run is {run['status']}: {counted(run['entities_discovered'], 'entity')}, {run['entities_created']} of them new" + _error(run)
    )
    found: dict[str, int] = {}
    for scope in run["scopes"]:
        found[scope["resource_type"]] = found.get(scope["resource_type"], 0) + scope["resources"]
    for kind, number in sorted(found.items(), key=lambda item: -item[1])[:12]:
        if number:
            _say(f"    {number:>5}  {kind}")
    _say(f"look at them: {everything.api}/entities")
    if stuck := _stuck_job(everything):
        _say(f"job {stuck} reads an account that never answers, and is killed for that: {everything.api}/jobs/{stuck}")
    _say("what to try next, step by step: docs/tutorial.md")
    _say("this account is simulated; to read a real one, start 'elder-worker up' without --demo, and make a job with your own keys")


def _demo_job(everything: Everything) -> tuple[int, int]:
    """(job, number of its runs): that of an earlier start, made due again, or a new one."""
    if job := _job_named(everything, DEMO_JOB):
        earlier = everything.call("GET", f"/api/v1/discovery/jobs/{job}/history?limit=1")["total"]
        everything.call("POST", f"/api/v1/discovery/jobs/{job}/queue")
        return job, int(earlier)
    organization = everything.call("POST", "/api/v1/organizations", {"name": "Demo"})
    config = {"access_key_id": "simulated", "secret_access_key": "simulated", "regions": ["us-east-1", "us-west-2", "eu-west-1"]}
    body = {"name": DEMO_JOB, "provider": "aws", "config": config, "organization_id": organization["id"]}
    return int(everything.call("POST", "/api/v1/discovery/jobs", body)["id"]), 0


def _stuck_job(everything: Everything) -> int:
    """A new job that will be killed; 0 if an earlier start has made it."""
    if _job_named(everything, STUCK_JOB):
        return 0
    return int(everything.call("POST", "/api/v1/discovery/jobs", {"name": STUCK_JOB, "provider": "aws", "config": STUCK_CONFIG})["id"])


def _job_named(everything: Everything, name: str) -> int:
    """The id of the job of that name; 0 if there is none."""
    jobs = everything.call("GET", "/api/v1/discovery/jobs?per_page=1000")["jobs"]
    return next((int(job["id"]) for job in jobs if job["name"] == name), 0)


def _await_run(everything: Everything, job: int, earlier: int) -> dict[str, Any]:
    shown = -1
    while True:
        everything.check_alive()
        history = everything.call("GET", f"/api/v1/discovery/jobs/{job}/history?limit=1")
        run: dict[str, Any] = history["results"][-1] if history["total"] > earlier else {}
        if run and run["status"] != "running":
            return everything.call("GET", f"/api/v1/runs/{run['id']}")  # with all of its scopes
        found = int(run.get("entities_discovered", 0))
        if found != shown and sys.stdout.isatty():
            _say(f"    {counted(found, 'entity')} so far")
            shown = found
        time.sleep(0.2)


def _error(run: Mapping[str, Any]) -> str:
    return f" ({run['error']})" if run.get("error") else ""
