"""Pages of connectors: how each stands, the ledger of its newest sync, and its history."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template
from werkzeug.wrappers import Response

from api import sync
from api.connectors import request_sync
from api.context import Context
from api.endpoint import NoQuery
from api.lookup import or_404
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
    with context.pool.reading() as connection, snapshot(connection):
        connector = or_404(connectors.summary(connection, name), f"connector {name[:100]}")
        syncs, total = connectors.history(connection, name, RUNS)
        owner = connectors.PREFIX + name
        on_hold, held_total = held.page(connection, 1, HELD_SHOWN, owner=owner)
        released, _ = releases.page(connection, 1, RELEASES, owner=owner)
        log = run_logs.get_of_sync(connection, name)
    run = connector["latest"]
    shown = {"connector": connector, "run": run, "owner": owner, "syncs": syncs[::-1], "total": total, "live": _moves(connector)}
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
    Page("/connectors/<name>/sync", act(request_sync), "operate", "POST"),
    Page("/connectors/<name>/release", _release, "operate", "POST"),
)
