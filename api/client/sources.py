"""``elder connectors`` and ``elder scopes``."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from api.client import output, runs
from api.client.errors import EXIT_FAILED, ClientError
from api.client.session import Session, in_session, limited, sorted_by
from api.client.watch import watched
from providers.counted import counted, counted_are, largest
from worker.logs.cells import cell

CONNECTOR_COLUMNS = (
    "name",
    "status",
    "entities",
    "scopes",
    "incomplete_scopes",
    "abandoned_scopes",
    "started_at",
    "last_complete_at",
    "next_sync_at",
    "waiting_for",
    "error",
)
SCOPE_COLUMNS = (
    "state",
    "owner",
    "account",
    "region",
    "resource_type",
    "last_outcome",
    "last_complete_at",
    "entities",
    "provider",
    "message",
)
_LEDGER = ("account", "resource_type", "outcome", "resources", "deleted", "held_back", "message")
_OF_THE_LEDGER = ("scopes", "causes", "grant", "reading")


@click.group()
def connectors() -> None:
    """Connectors to identity providers."""


@connectors.command("list")
@in_session
@watched
def list_connectors(session: Session) -> None:
    """Lists connectors with their newest syncs and the time of the next."""
    session.many(session.api.get("connectors")["connectors"], CONNECTOR_COLUMNS, "connectors")


@connectors.command("get")
@click.argument("name")
@click.option("--sync", type=int, help="Show an earlier sync with its ledger; its id is in 'elder connectors history'.")
@in_session
@watched
def get_connector(session: Session, name: str, sync: int | None) -> None:
    """Shows one connector with the ledger of its newest sync. --sync shows an earlier one."""
    if sync is not None:
        _show_sync(session, session.api.get(f"connectors/{name}/syncs/{sync}"))
        return
    found = session.api.get(f"connectors/{name}")
    latest = found["latest"] or {}
    if session.form != "table":
        session.show(found)
        return
    session.show({field: value for field, value in found.items() if field != "latest"})
    _show_ledger(latest, "newest sync, by scope")


def _show_sync(session: Session, found: dict[str, Any]) -> None:
    if session.form != "table":
        session.show(found)
        return
    session.show({field: value for field, value in found.items() if field not in _OF_THE_LEDGER})
    _show_ledger(found, "by scope")


def _show_ledger(found: dict[str, Any], heading: str) -> None:
    runs.show_reading(found)
    if found.get("scopes"):
        click.echo(f"\n{heading}")
        output.rows({name: one[name] for name in _LEDGER} for one in found["scopes"])


@connectors.command()
@click.argument("name")
@click.option("--wait", is_flag=True, help="Wait for the end of that sync; exit as 'elder runs watch' does.")
@in_session
def sync(session: Session, name: str, wait: bool) -> None:
    """Syncs a connector now. Where a sync of it runs already, it syncs once more when that has ended."""
    asked = session.api.send("POST", f"connectors/{name}/sync")
    sentence = f"connector {name}: {asked['message']}; {asked['waiting_for']}"
    if not wait:
        session.done(asked, sentence)
        return
    if not sys.stderr.isatty():
        click.echo(cell(sentence), err=True)
    served = _served(session, name, asked["request"]["number"])
    found = _sync(session, name, served["sync_id"])
    if found is None:
        raise ClientError(f"the sync of {name} ended, and is not in its history: {served['error'] or 'it was not told there'}", EXIT_FAILED)
    held = session.api.get("sync/held", owner=f"connector:{name}", per_page=1)["total"]
    runs.print_end(
        session,
        f"sync {found['id']} of {name}",
        found,
        f"{counted_are(held, 'deletion')} held back: elder connectors held {name}" if held else "",
    )


def _served(session: Session, name: str, number: int) -> dict[str, Any]:
    """Waits until the sync of a request has ended; returns the newest request."""
    while (found := session.api.get(f"connectors/{name}"))["request"]["served"] < number:
        taken = found["request"]["worker"]
        now = runs.reading(found["latest"]) if taken and found["latest"] else ""
        runs.progress(f"connector {name}: {found['waiting_for'] or f'{taken} has taken it up'}{now}")
        time.sleep(runs.POLL)
    runs.progress("")
    request: dict[str, Any] = found["request"]
    return request


def _sync(session: Session, name: str, number: int | None) -> dict[str, Any] | None:
    """A sync in the newest part of a connector's history."""
    if number is None:
        return None
    return next((one for one in session.api.get(f"connectors/{name}/history")["results"] if one["id"] == number), None)


@connectors.command()
@click.argument("name")
@click.option("--limit", type=click.IntRange(1, 500), default=20, show_default=True, help="Print this many rows at most.")
@in_session
@watched
def history(session: Session, name: str, limit: int) -> None:
    """Lists the newest syncs of a connector, oldest first."""
    session.many(session.api.get(f"connectors/{name}/history", limit=limit)["results"], runs.COLUMNS, "syncs")


@connectors.command()
@click.argument("name")
@click.option("--sync", type=int, help="Id of an earlier sync, from its history.")
@in_session
def logs(session: Session, name: str, sync: int | None) -> None:
    """Prints what the newest sync of a connector has logged. Of a long log, these are its first and its last lines."""
    whose = f"the newest sync of {name}" if sync is None else f"sync {sync} of {name}"
    runs.print_log(session, whose, f"connectors/{name}/log", sync_id=sync)


@connectors.command("held")
@click.argument("name")
@limited
@in_session
@watched
def held_of_connector(session: Session, name: str, limit: int | None) -> None:
    """Lists the deletions that the guard holds back, by name."""
    session.many(
        session.api.rows("sync/held", "held", limit, owner=f"connector:{name}"), (*runs.HELD_COLUMNS, "sync_id"), "deletions held back"
    )


@connectors.command("release")
@click.argument("name")
@click.option("--undo", is_flag=True, help="Restore what the latest release of the connector has deleted.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def release_connector(session: Session, name: str, undo: bool, yes: bool) -> None:
    """Applies the deletions that the guard holds back. See 'elder connectors held' first. --undo takes that back, for 30 days."""
    owner = f"connector:{name}"
    if undo:
        runs.undo_release(session, f"connector {name}", yes, owner=owner)
        return
    if not yes:
        total = session.api.get("sync/held", owner=owner, per_page=1)["total"]
        session.confirm(f"Apply {counted(total, 'deletion')} of connector {name}?")
    done = session.api.send("POST", "sync/release", {"owner": owner})
    session.done(done, runs.released(done))


@click.group()
def scopes() -> None:
    """Lists scopes, and retires those that nobody reads any more. A scope is one type in one region of one account."""


def _filtered(command: Any) -> Any:
    """Adds the options that name scopes."""
    for option in (
        click.option("--owner", help="job:42 or connector:ldap."),
        click.option("--type", "resource_type", help="Such as ec2_instance."),
        click.option("--region", help="Region, such as eu-west-1."),
        click.option("--account", help="Id of an account, project, subscription, cluster or directory."),
        click.option("--provider", help="Name of a provider, such as aws."),
    ):
        command = option(command)
    return command


@scopes.command("list")
@click.option("--state", type=click.Choice(["current", "abandoned", "retired"]), help="Scopes in this state only.")
@click.option("--not-complete-for", metavar="7d", help="Not read in full for so long.")
@click.option("--never-complete", is_flag=True, default=None, help="Never read in full.")
@_filtered
@sorted_by("id", "owner", "provider", "account", "region", "resource_type", "last_complete_at", "last_outcome")
@limited
@in_session
@watched
def list_scopes(session: Session, /, limit: int | None, **filters: Any) -> None:
    """Lists scopes, the longest not read in full first."""
    session.many(session.api.rows_by_cursor("scopes", "scopes", limit, **filters), SCOPE_COLUMNS, "scopes")


@scopes.command()
@_filtered
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def retire(session: Session, /, yes: bool, **filters: Any) -> None:
    """Retires scopes that are abandoned. What only they have seen is marked as deleted."""
    given = {name: value for name, value in filters.items() if value is not None}
    if not given:
        raise ClientError("name what to retire: --owner, --account, --provider, --region or --type")
    if not yes:
        lost = session.api.send("POST", "scopes/retire", {**given, "dry_run": True})
        deleted = f"{counted_are(lost['entities'], 'entity')} marked as deleted"
        types = f" ({largest(lost['types'])})" if lost.get("types") else ""
        session.confirm(f"Retire {counted(lost['scopes'], 'abandoned scope')}? {deleted}{types}.")
    done = session.api.send("POST", "scopes/retire", given)
    session.done(done, f"{counted_are(done['scopes'], 'scope')} retired; {counted_are(done['entities'], 'entity')} marked as deleted")
