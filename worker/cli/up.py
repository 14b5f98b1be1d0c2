"""``elder-worker up [--demo]``: everything on one machine, in the foreground."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from supervisor import kernel
from worker.cli.main import CommandError
from worker.local.everything import Everything
from worker.local.postgres import EmbeddedError

DEMO_JOB = "Demo: simulated AWS account"
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
    (everything.logs / "simulation.log").unlink(missing_ok=True)  # an earlier start's address is in it
    child = everything.add("simulation", ["providers.aws.simulation"])
    deadline = time.monotonic() + SIMULATION_SECONDS
    while "simulated AWS account at " not in (line := child.log.read_text(errors="replace").rpartition("\n")[0].rpartition("\n")[2]):
        everything.check_alive()
        if time.monotonic() > deadline:
            raise EmbeddedError(f"the simulated account is not ready within {SIMULATION_SECONDS:g} s: {child.last_line()}")
        time.sleep(0.05)
    everything.environ["AWS_ENDPOINT_URL"] = line.rpartition(" ")[2]


def _demonstrate(everything: Everything) -> None:
    job, earlier = _demo_job(everything)
    _say(f"job {job} reads the simulated account: {everything.api}/jobs/{job}")
    run = _await_run(everything, job, earlier)
    _say(f"the run is {run['status']}: {run['entities_discovered']} entities, {run['entities_created']} of them new" + _error(run))
    found: dict[str, int] = {}
    for scope in run["scopes"]:
        found[scope["resource_type"]] = found.get(scope["resource_type"], 0) + scope["resources"]
    for kind, number in sorted(found.items(), key=lambda item: -item[1])[:12]:
        if number:
            _say(f"    {number:>5}  {kind}")
    _say(f"look at them: {everything.api}/entities")
    _say("this account is simulated; to read a real one, start 'elder-worker up' without --demo, and make a job with your own keys")


def _demo_job(everything: Everything) -> tuple[int, int]:
    """(job, number of its runs): that of an earlier start, made due again, or a new one."""
    for job in everything.call("GET", "/api/v1/discovery/jobs?per_page=1000")["jobs"]:
        if job["name"] == DEMO_JOB:
            earlier = everything.call("GET", f"/api/v1/discovery/jobs/{job['id']}/history?limit=1")["total"]
            everything.call("POST", f"/api/v1/discovery/jobs/{job['id']}/queue")
            return int(job["id"]), int(earlier)
    organization = everything.call("POST", "/api/v1/organizations", {"name": "Demo"})
    config = {"access_key_id": "simulated", "secret_access_key": "simulated", "regions": ["us-east-1", "us-west-2", "eu-west-1"]}
    body = {"name": DEMO_JOB, "provider": "aws", "config": config, "organization_id": organization["id"]}
    return int(everything.call("POST", "/api/v1/discovery/jobs", body)["id"]), 0


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
            _say(f"    {found} entities so far")
            shown = found
        time.sleep(0.2)


def _error(run: Mapping[str, Any]) -> str:
    return f" ({run['error']})" if run.get("error") else ""
