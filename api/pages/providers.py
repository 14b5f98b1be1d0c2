"""The page of providers: what can be read, and which third parties' packages cannot be used."""

from __future__ import annotations

from flask import render_template

from api import providers
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.pages.actions import Page


def _providers(context: Context) -> str:
    return render_template("provider_list.html", providers=providers.listed(context, NoQuery(), NoBody()).providers)


PAGES = (Page("/providers", _providers, "read"),)
