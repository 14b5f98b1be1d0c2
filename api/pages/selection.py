"""The page on which several jobs are ticked, and one thing is done with all of them: each as its own button and the API do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec
from flask import render_template, request
from werkzeug.wrappers import Response

from api import jobs
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import ApiError
from api.job_forms import JobChanges
from api.pages import job_list, query
from api.pages.actions import REFUSALS, Page, refused
from worker.store import jobs as stored_jobs
from worker.store.pool import snapshot


class _Action(NamedTuple):
    """One thing to do with a job: the API's function, its body, and what the job is afterwards."""

    act: Callable[..., Any]
    body: msgspec.Struct
    result: str


ACTIONS: Mapping[str, _Action] = {
    "queue": _Action(jobs.queue, NoBody(), "due now"),
    "cancel": _Action(jobs.cancel, NoBody(), "cancelled"),
    "enable": _Action(jobs.change, JobChanges(enabled=True), "enabled"),
    "disable": _Action(jobs.change, JobChanges(enabled=False), "disabled"),
    "delete": _Action(jobs.remove, NoBody(), "deleted"),
}


def _select(context: Context, *, ticked: tuple[int, ...] = (), **said: Any) -> str:
    """The jobs of a page of the list, with those ticked that are given; with ``tick=all`` in the query, all of them."""
    asked = job_list.asked()
    with context.jobs() as connection, snapshot(connection):
        rows, total = asked.selection().page(connection, query.page(), query.PER_PAGE)
    if request.method == "GET" and request.args.get("tick") == "all":
        ticked = tuple(job["id"] for job in rows)
    return render_template("jobs_select.html", jobs=rows, total=total, given=asked.given, ticked=ticked, **said, **query.pages(total))


def _act(context: Context) -> str | Response:
    """Does it with one ticked job after the other. A refusal ends that of one job only, and is shown beside its name."""
    chosen = tuple(dict.fromkeys(query.number(text) for text in request.form.getlist("job")))
    try:
        action = _chosen_action(chosen)
    except ApiError as error:
        return refused(error, lambda **why: _select(context, ticked=chosen, **why))
    with context.jobs() as connection:
        names = {number: job["name"] for number in chosen if (job := stored_jobs.get(connection, number))}
    if action is ACTIONS["delete"] and names and not request.form.get("confirmed"):
        return render_template("jobs_delete.html", names=names)
    refusals = {number: why for number in chosen if (why := _refusal(context, action, number))}
    done = [names.get(number, f"job {number}") for number in chosen if number not in refusals]
    left = [(names.get(number, f"job {number}"), why) for number, why in refusals.items()]
    return _select(context, ticked=tuple(refusals), done=done, left=left, result=action.result)


def _chosen_action(chosen: tuple[int, ...]) -> _Action:
    """The action of the button that was pressed. Raises `ApiError`."""
    action = ACTIONS.get(request.form.get("action", ""))
    if action is None:
        raise ApiError("choose one of the buttons")
    if not 1 <= len(chosen) <= query.PER_PAGE:
        raise ApiError(f"tick from 1 to {query.PER_PAGE} jobs")
    return action


def _refusal(context: Context, action: _Action, number: int) -> str:
    """Does it with one job; the sentence that says why not, or nothing."""
    try:
        action.act(context, NoQuery(), action.body, job_id=number)
    except REFUSALS as error:
        return str(error)
    return ""


PAGES = (
    Page("/jobs/select", _select, "operate"),
    Page("/jobs/select", _act, "operate", "POST"),
)
