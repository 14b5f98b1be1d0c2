"""Registers every page with the application."""

from __future__ import annotations

import functools
from typing import Any

from flask import Flask, request
from werkzeug.wrappers import Response

from api import difference, filters
from api.context import Context
from api.endpoint import MAX_BODY
from api.pages import (
    addresses,
    audit,
    changes,
    connectors,
    inventory,
    job_form,
    jobs,
    keys,
    organizations,
    providers,
    reference,
    releases,
    runs,
    scopes,
    selection,
    times,
    webhooks,
)
from api.pages.actions import Page

PAGES = (
    *jobs.PAGES,
    *job_form.PAGES,
    *runs.PAGES,
    *selection.PAGES,
    *connectors.PAGES,
    *inventory.PAGES,
    *organizations.PAGES,
    *changes.PAGES,
    *scopes.PAGES,
    *releases.PAGES,
    *webhooks.PAGES,
    *keys.PAGES,
    *audit.PAGES,
    *providers.PAGES,
    *reference.PAGES,
    *times.PAGES,
    *addresses.PAGES,
)


def register(app: Flask, context: Context) -> None:
    """Adds the routes and the filters that the templates use. Needs the converter that `api.endpoint.register` adds."""
    app.jinja_env.filters.update(
        shown=times.shown,
        hint=times.hint,
        lasting=filters.lasting,
        schedule=filters.schedule,
        waits=filters.waits,
        number=filters.number,
        json=filters.pretty,
        short=filters.short,
        label=filters.label,
        steps=difference.steps_of,
    )
    app.jinja_env.globals.update(absolute_times=times.absolute, this_page=times.this_page)
    for page in PAGES:
        name = f"page {page.method} {page.rule}"
        app.add_url_rule(page.rule, name, functools.partial(_view, page, context), methods=[page.method])
        context.roles[name] = page.role


def _view(page: Page, context: Context, **path: Any) -> str | Response:
    request.max_content_length = MAX_BODY
    if page.method == "POST":
        request.get_data(parse_form_data=True)  # a form is parsed, anything else read to its end
    return page.view(context, **path)
