"""``elder jobs``: discovery jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import click

from api.client import runs
from api.client.errors import EXIT_FAILED, EXIT_NOT_FOUND, ClientError
from api.client.session import Session, in_session, limited, sorted_by
from api.client.watch import watched
from providers import keys, registry
from providers.errors import ConfigError

COLUMNS = ("id", "name", "provider", "status", "schedule_interval", "schedule_cron", "last_run_at", "next_run_at")
_COPIED = ("provider", "description", "organization_id", "queue", "schedule_interval", "schedule_cron", "schedule_timezone")
_NAMES = {"organization": "organization_id", "every": "schedule_interval", "cron": "schedule_cron", "timezone": "schedule_timezone"}
_UNITS = {"m": 60, "h": 3600, "d": 86_400}


class Interval(click.ParamType[int]):
    """An interval such as ``30m``, ``2h`` or ``1d``, as seconds."""

    name = "interval"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The seconds. Fails the command for anything else."""
        match = re.fullmatch(r"(\d{1,6})([mhd])", str(value))
        if match is None:
            self.fail(f"'{value}' is not an interval: 30m, 2h or 1d", param, ctx)
        return int(match[1]) * _UNITS[match[2]]


def _configured(command: Any) -> Any:
    """Adds the options of a job's config and schedule."""
    for option in (
        click.option(
            "--config", multiple=True, metavar="KEY=VALUE", help="A config key: text, JSON, a list with commas, or @FILE (secrets)."
        ),
        click.option("--every", type=Interval(), help="Interval between runs: 30m, 2h, 1d."),
        click.option("--cron", metavar="EXPRESSION", help="Times to run at in place of an interval, such as '0 3 * * MON-FRI'."),
        click.option("--timezone", metavar="ZONE", help="Time zone of --cron, such as Europe/Berlin; UTC without it."),
        click.option("--organization", type=int, help="Id of the organization of what is found; without it, one is made for the account."),
        click.option("--queue", help="Queue of the workers that run it."),
        click.option("--description", help="What the job is for."),
    ):
        command = option(command)
    return command


@click.group("jobs")
def group() -> None:
    """Lists and changes discovery jobs."""


@group.command("list")
@click.option("--status", help="pending, running, completed, partial, error, cancelled or parked.")
@click.option("--provider", help="Name of a provider, such as aws.")
@click.option("--enabled/--disabled", "enabled", default=None, help="Jobs that may run, or that may not.")
@click.option("--organization", "organization_id", type=int, help="Id of an organization; includes those below it.")
@click.option("-q", "--query", "q", help="Part of the name or of the description.")
@sorted_by("id", "name", "provider", "status", "last_run_at", "next_run_at")
@limited
@in_session
@watched
def list_jobs(session: Session, /, limit: int | None, **filters: Any) -> None:
    """Lists jobs, the newest first."""
    session.many(session.api.rows_by_cursor("discovery/jobs", "jobs", limit, **filters), COLUMNS, "jobs")


@group.command()
@click.argument("job", type=int)
@in_session
@watched
def get(session: Session, job: int) -> None:
    """Shows a discovery job."""
    session.show(session.api.get(f"discovery/jobs/{job}"))


@group.command()
@click.argument("name")
@click.argument("provider")
@click.option("--disabled", is_flag=True, help="Do not run it yet.")
@_configured
@in_session
def create(session: Session, /, name: str, provider: str, disabled: bool, config: Sequence[str], **more: Any) -> None:
    """Creates a job, due at once or at the times of --cron."""
    body = {**_changes(more), "name": name, "provider": provider, "enabled": not disabled}
    made = session.api.send("POST", "discovery/jobs", {**body, "config": _entered(config, provider)})
    session.done(made, f"job {made['id']} is created and {'disabled' if disabled else _due(made)}")


@group.command()
@click.argument("job", type=int)
@click.argument("name")
@click.option("--disabled", is_flag=True, help="Do not run it yet.")
@_configured
@in_session
def duplicate(session: Session, /, job: int, name: str, disabled: bool, config: Sequence[str], **more: Any) -> None:
    """Creates a job like another, its secrets included. What is named is changed."""
    model = session.api.get(f"discovery/jobs/{job}")
    body = {key: model[key] for key in _COPIED}
    body |= {**_changes(more), "name": name, "enabled": not disabled, "copy_of": job, "config": _entered(config, model["provider"])}
    made = session.api.send("POST", "discovery/jobs", body)
    session.done(made, f"job {made['id']} is created and {'disabled' if disabled else _due(made)}")


@group.command()
@click.argument("jobs", type=int, nargs=-1, required=True, metavar="JOB...")
@click.option("--name", help="New name.")
@click.option("--remove", multiple=True, metavar="KEY", help="Remove a config key.")
@click.option("--on-demand", is_flag=True, help="Run it only when asked to.")
@click.option("--enable/--disable", "enabled", default=None, help="Let the job run, or not.")
@_configured
@in_session
def edit(session: Session, /, jobs: Sequence[int], remove: Sequence[str], on_demand: bool, config: Sequence[str], **more: Any) -> None:
    """Changes jobs: what is named, and nothing else."""
    changes = _changes(more)
    if on_demand:
        changes |= {"schedule_interval": None, "schedule_cron": None}
    if not (changes or config or remove):
        raise ClientError("name what to change: see 'elder jobs edit --help'")

    def change(job: int) -> None:
        body = dict(changes)
        if config or remove:
            provider = session.api.get(f"discovery/jobs/{job}")["provider"] if config else ""
            body["config"] = {**_entered(config, provider), **dict.fromkeys(remove)}
        session.done(session.api.send("PATCH", f"discovery/jobs/{job}", body), f"job {job} is changed")

    session.each(jobs, "job", change)


@group.command()
@click.argument("jobs", type=int, nargs=-1, required=True, metavar="JOB...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def delete(session: Session, jobs: Sequence[int], yes: bool) -> None:
    """Deletes jobs and their history; what they found stays."""
    if not yes:
        which = f"job {jobs[0]} and its history" if len(jobs) == 1 else f"jobs {', '.join(map(str, jobs))} and their history"
        session.confirm(f"Delete {which}?")
    _each(session, jobs, "DELETE")


@group.command()
@click.argument("job", type=int)
@in_session
def test(session: Session, job: int) -> None:
    """Has a worker sign in with the job's config. Exits with 1 when it cannot."""
    answer = session.api.send("POST", f"discovery/jobs/{job}/test")
    identity = (answer["identity"] or {}).get("name", "")
    session.done(answer, answer["message"] + (f" (as {identity})" if identity and identity not in answer["message"] else ""))
    if not answer["success"]:
        raise SystemExit(EXIT_FAILED)


@group.command()
@click.argument("jobs", type=int, nargs=-1, required=True, metavar="JOB...")
@click.option("--wait", is_flag=True, help="Wait for the end of the run of the one job; exit as 'elder runs watch' does.")
@in_session
def run(session: Session, jobs: Sequence[int], wait: bool) -> None:
    """Makes jobs due now."""
    if not wait:
        _each(session, jobs, "POST", "/queue")
        return
    if len(jobs) > 1:
        raise ClientError("--wait waits for one job: leave it out, or name one")
    before = session.api.get(f"discovery/jobs/{jobs[0]}/history", limit=1)["results"]
    _each(session, jobs, "POST", "/queue")
    runs.watch_run(session, runs.next_run(session, jobs[0], before[-1]["id"] if before else 0))


@group.command()
@click.argument("jobs", type=int, nargs=-1, required=True, metavar="JOB...")
@in_session
def cancel(session: Session, jobs: Sequence[int]) -> None:
    """Ends running jobs, or takes waiting ones from the queue."""
    _each(session, jobs, "POST", "/cancel")


@group.command()
@click.argument("job", type=int)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="Print this many rows at most.")
@in_session
@watched
def history(session: Session, job: int, limit: int) -> None:
    """Lists the newest runs of a job, oldest first."""
    session.many(session.api.get(f"discovery/jobs/{job}/history", limit=limit)["results"], runs.COLUMNS, "runs")


@group.command()
@click.argument("job", type=int)
@in_session
def logs(session: Session, job: int) -> None:
    """Prints what the newest run of a job has logged. Of a long log, these are its first and its last lines."""
    newest = session.api.get(f"discovery/jobs/{job}/history", limit=1)["results"]
    if not newest:
        raise ClientError(f"job {job} has not run yet", EXIT_NOT_FOUND)
    number = newest[-1]["id"]
    runs.print_log(session, f"run {number}", f"runs/{number}/log")


@group.command()
@click.argument("job", type=int)
@click.argument("field")
@in_session
def ignore(session: Session, job: int, field: str) -> None:
    """Has a job leave out a field that only makes noise. Such a field changes without meaning, as status.lastSyncedAt does."""
    answer = session.api.send("POST", f"discovery/jobs/{job}/ignore", {"field": field})
    session.done(answer, f"job {job} ignores {', '.join(answer['config']['ignore_fields'])}")


@group.command("accept-identity")
@click.argument("job", type=int)
@in_session
def accept_identity(session: Session, job: int) -> None:
    """Lets a job read another account than before. The same holds for a tenant, a cluster and a directory."""
    answer = session.api.send("POST", f"discovery/jobs/{job}/accept-identity")
    session.done(answer, answer["message"])


def _each(session: Session, jobs: Sequence[int], method: str, action: str = "") -> None:
    """Asks the same of each job; the answer's sentence names the job where there are several."""

    def ask(job: int) -> None:
        answer = session.api.send(method, f"discovery/jobs/{job}{action}")
        session.done(answer, answer["message"] if len(jobs) == 1 else f"job {job}: {answer['message']}")

    session.each(jobs, "job", ask)


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """The options that were given, by the API's names; of interval and cron expression, one takes the place of the other."""
    changes = {_NAMES.get(name, name): value for name, value in options.items() if value is not None}
    for given, other in (("schedule_interval", "schedule_cron"), ("schedule_cron", "schedule_interval")):
        if given in changes:
            changes.setdefault(other, None)
    return changes


def _due(job: dict[str, Any]) -> str:
    return f"due at {job['next_run_at']}" if job["schedule_cron"] else "due now"


def _entered(pairs: Sequence[str], provider: str) -> dict[str, Any]:
    """The config that ``--config`` gives. Of a provider that is not installed here, each value is JSON where it can be read as such."""
    try:
        config_type = registry.get(provider).config if provider in registry.BUILT_IN else None
        return keys.entered(pairs, config_type)
    except ConfigError as error:
        raise ClientError(str(error)) from None
