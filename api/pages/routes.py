"""Registers every page with the application."""

from __future__ import annotations

from flask import Flask

from api import filters
from api.context import Context
from api.pages import connectors, inventory, job_form, jobs, scopes

PAGES = (*jobs.PAGES, *job_form.PAGES, *connectors.PAGES, *inventory.PAGES, *scopes.PAGES)


def register(app: Flask, context: Context) -> None:
    """Adds the routes and the filters that the templates use. Needs the converter that `api.endpoint.register` adds."""
    app.jinja_env.filters.update(
        ago=filters.ago, lasting=filters.lasting, number=filters.number, json=filters.pretty, short=filters.short, label=filters.label
    )
    for page in PAGES:
        app.add_url_rule(
            page.rule, f"page {page.method} {page.rule}", lambda page=page, **path: page.view(context, **path), methods=[page.method]
        )
