"""The button that undoes a release, on the page of its run or connector."""

from __future__ import annotations

from flask import redirect
from werkzeug.wrappers import Response

from api import releases
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.pages.actions import Page
from worker.store import connectors


def _undo(context: Context, release_id: int) -> Response:
    done = releases.undo(context, NoQuery(), NoBody(), release_id)
    connector = f"/connectors/{done['owner'].removeprefix(connectors.PREFIX)}"
    return redirect(connector if done["run_id"] is None else f"/runs/{done['run_id']}", 303)


PAGES = (Page("/releases/<id:release_id>/undo", _undo, "operate", "POST"),)
