"""``elder runs``: runs of jobs, and what is held back of them."""

from __future__ import annotations

import shutil
import sys
import time
from typing import Any

import click

from api.client import columns, output
from api.client.colours import painted
from api.client.errors import EXIT_FAILED, EXIT_NOT_FOUND, EXIT_PARTIAL, ClientError
from api.client.session import Session, in_session, limited, sorted_by
from api.client.watch import watched
from providers.counted import counted, counted_are
from worker.logs.cells import cell

COLUMNS = (
    "id",
    "status",
    "started_at",
    "completed_at",
    "entities_discovered",
    "entities_created",
    "entities_updated",
    "entities_deleted",
    "error",
)
LIST_COLUMNS = ("id", "job", "provider", "status", "started_at", "completed_at", "entities_discovered", "error")
DURATION_COLUMNS = ("runs", "median", "average", "longest")
SCOPE_COLUMNS = ("account", "region", "resource_type", "outcome", "resources", "deleted", "held_back", "message")
LOG_COLUMNS = ("at", "level", "logger", "text")
HELD_COLUMNS = ("kind", "name", "sub_type", "entity", "external_id", "target", "held_at")
POLL = 1.0
"""Seconds between two looks at a run that is watched."""


@click.group("runs")
def group() -> None:
    """Lists and follows runs of jobs."""


@group.command("list")
@click.option("--job", "job_id", type=int, help="Id of a job.")
@click.option("--provider", help="Name of a provider, such as aws.")
@click.option("--status", help="running, completed, partial, error or cancelled.")
@click.option("--since", metavar="24h", help="Begun not before: a duration before now, a date or a time.")
@click.option("--until", metavar="TIME", help="Begun before: the same.")
@sorted_by("id", "started_at")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Print this many rows at most.")
@in_session
@watched
def list_runs(session: Session, /, limit: int, **filters: Any) -> None:
    """Lists runs of all jobs, the newest first."""
    session.many(session.api.rows_by_cursor("runs", "runs", limit, **filters), LIST_COLUMNS, "runs")


@group.command()
@click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Days until today, in UTC.")
@click.option("--by", type=click.Choice(["provider", "day"]), default="provider", show_default=True, help="A row for each of these.")
@in_session
@watched
def durations(session: Session, /, days: int, by: str) -> None:
    """Shows how long runs took. Seconds, to a tenth: the median, the average and the longest."""
    found = session.api.get("runs/durations", days=days)[f"{by}s"]
    rows = [{name: round(value, 1) if isinstance(value, float) else value for name, value in one.items()} for one in found]
    session.many(rows, (by, *DURATION_COLUMNS), "runs")


@group.command("scopes")
@click.argument("run", type=int)
@click.option("--outcome", help="complete, denied, throttled, timeout, unsupported, skipped, error or not_reached.")
@click.option("--account", help="Id of an account, project, subscription, cluster or directory.")
@click.option("--region", help="Region, such as eu-west-1.")
@click.option("--type", "resource_type", help="Such as ec2_instance.")
@sorted_by("id", "account", "region", "resource_type", "outcome", "resources", "deleted", "held_back")
@limited
@in_session
@watched
def list_scopes_of_run(session: Session, /, run: int, limit: int | None, **filters: Any) -> None:
    """Lists how each scope of a run ended."""
    session.many(session.api.rows_by_cursor(f"runs/{run}/scopes", "scopes", limit, **filters), SCOPE_COLUMNS, "scopes")


@group.command()
@click.argument("run", type=int)
@in_session
@watched
def get(session: Session, run: int) -> None:
    """Shows one run, and why scopes were not read in full. Of a run that goes on, it shows what is read now."""
    found = session.api.get(f"runs/{run}")
    if session.form != "table":
        session.show(found)
        return
    output.show({name: value for name, value in found.items() if name not in ("scopes", "causes", "grant", "reading")}, "table")
    show_reading(found)


def show_reading(found: dict[str, Any]) -> None:
    """Prints what a run or a sync reads now, why scopes were not read in full, and what grants the permissions that are missing."""
    if found.get("reading"):
        click.echo("\nread now")
        output.rows(found["reading"])
    if found.get("causes"):
        click.echo("\nnot read in full")
        output.rows({name: cause[name] for name in ("scopes", "outcome", "permission", "message")} for cause in found["causes"])
    if found.get("grant"):
        click.echo(f"\n{found['grant']['advice']}\n\n{found['grant']['text']}")


@group.command()
@click.argument("run", type=int)
@in_session
def watch(session: Session, run: int) -> None:
    """Follows a run to its end. Exits with 1 when it fails, and with 5 when it is done in part."""
    watch_run(session, run)


@group.command()
@click.argument("run", type=int)
@in_session
def logs(session: Session, run: int) -> None:
    """Prints what a run has logged: its first and its last lines."""
    print_log(session, f"run {run}", f"runs/{run}/log")


@group.command()
@click.argument("run", type=int)
@limited
@in_session
@watched
def held(session: Session, run: int, limit: int | None) -> None:
    """Lists the deletions that the guard holds back, by name."""
    session.many(session.api.rows(f"runs/{run}/held", "held", limit), HELD_COLUMNS, "deletions held back")


@group.command()
@click.argument("run", type=int)
@click.option("--undo", is_flag=True, help="Restore what the latest release of the run has deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def release(session: Session, run: int, undo: bool, yes: bool) -> None:
    """Applies the deletions that the guard holds back. See 'elder runs held' first. --undo takes that back, for 30 days."""
    if undo:
        undo_release(session, f"run {run}", yes, run_id=run)
        return
    if not yes:
        total = session.api.get(f"runs/{run}/held", per_page=1)["total"]
        session.confirm(f"Apply {counted(total, 'deletion')} of run {run}?")
    done = session.api.send("POST", f"runs/{run}/release")
    session.done(done, released(done))


def released(done: dict[str, Any]) -> str:
    """The sentence of a release: what is deleted now."""
    besides = f"{counted(done['links'], 'link')} and {counted(done['attributes'], 'attribute')} are removed"
    return f"{counted_are(done['released'], 'entity')} marked as deleted; {besides}"


def undo_release(session: Session, whose: str, yes: bool, **filters: Any) -> None:
    """Undoes the newest release of a run or a connector that is not undone. Raises `ClientError`."""
    found = next((one for one in session.api.rows_by_cursor("releases", "releases", None, **filters) if one["undone_at"] is None), None)
    if found is None:
        raise ClientError(f"there is no release of {whose} to undo: it can be undone for 30 days", EXIT_NOT_FOUND)
    if not yes:
        session.confirm(f"Restore {counted(found['entities'], 'entity')} that {found['released_by'] or 'somebody'} has released?")
    done = session.api.send("POST", f"releases/{found['id']}/undo")
    besides = f"{counted(done['links'], 'link')} and {counted(done['attributes'], 'attribute')} are put back"
    session.done(done, f"{counted_are(done['entities'], 'entity')} restored; {besides}; they are held back again")


def print_log(session: Session, whose: str, path: str, **query: Any) -> None:
    """Prints the log of a run or a sync, to people a line each. What is not there is said on stderr."""
    found = session.api.get(path, **query)
    lines, left_out = found["lines"], f"{counted_are(found['left_out'], 'line')} left out" if found["left_out"] else ""
    if not lines:
        over = "has no log: it has logged nothing, or ended more than two weeks ago"
        missing = "goes on, and no line of its log is stored yet" if found["status"] == "running" else over
        click.echo(f"{whose} {missing}", err=True)
    if session.form != "table":
        session.many(lines, LOG_COLUMNS, "lines")
        click.echo(left_out, err=True, nl=bool(left_out))
        return
    texts = [_log_line(line) for line in lines]
    if left_out:
        texts.insert(found["left_out_after"], f"... {left_out} ...")
    click.echo("".join(f"{text}\n" for text in texts), nl=False)


def _log_line(line: dict[str, Any]) -> str:
    level = painted("level", line["level"]) + " " * (8 - len(line["level"]))
    return f"{cell(line['at'])} {level} {cell(line['logger'])}: {cell(line['text'])}"


def watch_run(session: Session, run: int) -> None:
    """Follows a run; progress is on stderr, on a terminal only. Exits as `print_end` does."""
    while (found := session.api.get(f"runs/{run}"))["status"] == "running":
        progress(f"run {run}: {_scopes(found)}, {found['entities_discovered']} found{_left(found)}{reading(found)}")
        time.sleep(POLL)
    held = session.api.get(f"runs/{run}/held", per_page=1)["total"]
    print_end(session, f"run {run}", found, f"{counted_are(held, 'deletion')} held back: elder runs held {run}" if held else "")


def print_end(session: Session, what: str, found: dict[str, Any], held: str) -> None:
    """Prints how a run or a sync has ended, and what is `held` back. Exits with 1 when it failed, with 5 when it is done in part."""
    progress("")
    counts = ", ".join(f"{found[f'entities_{name}']} {name}" for name in ("discovered", "created", "updated", "deleted"))
    error = f": {found['error']}" if found["error"] else ""
    session.done(found, f"{what} {found['status']}: {_scopes(found)}; {counts}{error}")
    if held:
        click.echo(held, err=True)
    if held or found["status"] != "completed":
        raise SystemExit(EXIT_PARTIAL if found["status"] in ("completed", "partial") else EXIT_FAILED)


def next_run(session: Session, job: int, after: int) -> int:
    """Waits until a run of the job has begun that is newer than `after`; returns its id."""
    while True:
        found = session.api.get(f"discovery/jobs/{job}/history", limit=1)["results"]
        if found and found[-1]["id"] > after:
            return int(found[-1]["id"])
        reason = session.api.get(f"discovery/jobs/{job}")["waiting_for"]
        progress(f"job {job} waits for a worker{f': {reason}' if reason else ''}")
        time.sleep(POLL)


def _scopes(run: dict[str, Any]) -> str:
    return ", ".join(f"{counted(number, 'scope')} {outcome}" for outcome, number in run["outcomes"].items()) or "no scope has ended"


def reading(run: dict[str, Any]) -> str:
    """The scope that a run or a sync has read for the longest, and how many there are besides."""
    if not run["reading"]:
        return ""
    first, more = run["reading"][0], len(run["reading"]) - 1
    place = first["region"] or first["account"]
    return f"; reads {first['resource_type']}{f' in {place}' if place else ''}{f' and {more} more' if more else ''}"


def _left(run: dict[str, Any]) -> str:
    if run["seconds_left"] is None:
        return ""
    return f"; {sum(run['outcomes'].values())} of {run['scopes_planned']} planned scopes, about {run['seconds_left']:.0f} s left"


def progress(text: str) -> None:
    """Shows what is waited for, on a terminal only."""
    if sys.stderr.isatty():
        room = shutil.get_terminal_size().columns - 1  # what goes on in another line could not be taken back
        click.echo(f"\r\033[K{columns.cut(cell(text), room, '')}", nl=False, err=True)
