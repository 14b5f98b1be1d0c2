"""Pages of organizations: the tree with its counts, and forms that make, rename, move, merge and delete one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import organizations
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import ApiError
from api.lookup import or_404
from api.organizations import MergeBody, OrganizationBody, OrganizationChanges
from api.pages import query
from api.pages.actions import REFUSALS, Page, refused
from worker.store import organizations as stored

DEEPEST = 30
"""Levels of a tree that are indented."""

CHOICES = 1000
"""Organizations that a form offers to choose from; the API takes any."""


def _tree(context: Context, **said: Any) -> str:
    tree = organizations.tree(context)
    return render_template("organizations.html", roots=tree["organizations"], total=tree["total"], deepest=DEEPEST, **said)


def _organization(context: Context, organization_id: int, **said: Any) -> str:
    """The page with its forms; after a refusal with what was entered, and the form that it was entered in unfolded."""
    with context.pool.reading() as connection:
        found = or_404(stored.get(connection, organization_id), f"organization {organization_id}")
        others, _ = stored.selection({}).page(connection, 1, CHOICES)
    others = [one for one in others if one["id"] != organization_id]
    entered = {**found, **{name: request.form[name] for name in ("name", "description") if name in request.form}}
    entered |= {name: _chosen(name) for name in ("parent_id", "into") if name in request.form}
    return render_template("organization.html", organization=found, entered=entered, others=others, **said)


def _add(context: Context) -> Response:
    try:
        made = organizations.add_organization(context, NoQuery(), OrganizationBody(name=_name(), parent_id=_chosen("parent_id")))
    except REFUSALS as error:
        return refused(error, functools.partial(_tree, context))
    return redirect(f"/organizations/{made['id']}", 303)


def _form(action: Callable[[Context, int], str]) -> Callable[..., Response]:
    """The view of a form on an organization's page: what `action` does, then the page that it names, or this one with the refusal."""

    def view(context: Context, organization_id: int) -> Response:
        try:
            return redirect(action(context, organization_id), 303)
        except REFUSALS as error:
            return refused(error, functools.partial(_organization, context, organization_id, form=request.path.rpartition("/")[2]))

    return view


def _change(context: Context, organization_id: int) -> str:
    changes = OrganizationChanges(name=_name(), parent_id=_chosen("parent_id"), description=request.form.get("description", "").strip())
    organizations.change_organization(context, NoQuery(), changes, organization_id)
    return f"/organizations/{organization_id}"


def _merge(context: Context, organization_id: int) -> str:
    into = _chosen("into")
    if into is None:
        raise ApiError("choose the organization that takes over everything")
    organizations.merge_organization(context, NoQuery(), MergeBody(into=into), organization_id)
    return f"/organizations/{into}"


def _delete(context: Context, organization_id: int) -> str:
    organizations.remove_organization(context, NoQuery(), NoBody(), organization_id)
    return "/organizations"


def _name() -> str:
    name = request.form.get("name", "").strip()
    if not 0 < len(name) <= 200 or "\0" in name:
        raise ApiError("the name must have 1 to 200 characters, and no NUL")
    return name


def _chosen(field: str) -> Any:
    text = request.form.get(field, "").strip()
    return query.number(text) or None if text else None


PAGES = (
    Page("/organizations", _tree, "read"),
    Page("/organizations", _add, "operate", "POST"),
    Page("/organizations/<id:organization_id>", _organization, "read"),
    Page("/organizations/<id:organization_id>", _form(_change), "operate", "POST"),
    Page("/organizations/<id:organization_id>/merge", _form(_merge), "operate", "POST"),
    Page("/organizations/<id:organization_id>/delete", _form(_delete), "operate", "POST"),
)
