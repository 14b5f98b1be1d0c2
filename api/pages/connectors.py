"""Pages of connectors: how each stands, the ledger of its newest sync and of each other one, and its history."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import sync
from api.connectors import no_sync, request_sync
from api.context import Context
from api.endpoint import NoQuery
from api.errors import NotFound
from api.lookup import or_404
from api.pages import query
from api.pages.actions import Page, act
from api.pages.jobs import HELD_SHOWN, RELEASES, RUNS, ledger
from worker.store import connectors, held, releases, run_logs
from worker.store.pool import snapshot
from worker.sync.messages import ReleaseHeld


def _connectors(context: Context) -> str:
    with context.pool.reading() as connection:
        found = connectors.summaries(connection)
    return render_template("connectors.html", connectors=found, live=any(_moves(one) for one in found))


def _connector(context: Context, name: str) -> str:
    before = query.number(request.args["before"]) if "before" in request.args else None
    with context.pool.reading() as connection, snapshot(connection):
        connector = or_404(connectors.summary(connection, name), f"connector {name[:100]}")
        syncs, total = connectors.history(connection, name, RUNS, before)
        owner = connectors.PREFIX + name
        on_hold, held_total = held.page(connection, 1, HELD_SHOWN, owner=owner)
        released, _ = releases.selection(owner=owner).page(connection, 1, RELEASES)
        log = run_logs.get_of_sync(connection, name)
    run = connector["latest"]
    shown = {"connector": connector, "run": run, "owner": owner, "syncs": syncs[::-1], "total": total, "live": _moves(connector)}
    shown |= {"before": before, "older": syncs[0]["id"] if len(syncs) == RUNS and total > RUNS else None}
    return render_template(
        "connector.html",
        **shown,
        held=on_hold,
        held_total=held_total,
        releases=released,
        log=log,
        lost=[("entities, links and attributes", held_total)],
        **(ledger(run) if run else {}),
    )


def _sync(context: Context, name: str, number: int) -> str:
    with context.pool.reading() as connection, snapshot(connection):
        run = connectors.sync(connection, name, number)
        if run is None:
            raise NotFound(no_sync(name, number))
        log = run_logs.get_of_sync(connection, name, number)
        newest, _ = connectors.history(connection, name, 1)
    return render_template("sync.html", name=name, run=run, log=log, newest=newest[0]["id"], live=run["status"] == "running", **ledger(run))


def _moves(connector: dict[str, Any]) -> bool:
    """True while it syncs, or a request for a sync is not served yet."""
    request = connector["request"]
    return connector["status"] == "running" or bool(connector["syncing"]) or bool(request and request["state"] != "served")


def _release(context: Context, name: str) -> Response:
    sync.release_held(context, NoQuery(), ReleaseHeld(connectors.PREFIX + name))
    return redirect(f"/connectors/{name}", 303)


PAGES = (
    Page("/connectors", _connectors, "read"),
    Page("/connectors/<name>", _connector, "read"),
    Page("/connectors/<name>/syncs/<id:number>", _sync, "read"),
    Page("/connectors/<name>/sync", act(request_sync), "operate", "POST"),
    Page("/connectors/<name>/release", _release, "operate", "POST"),
)
