"""The form of a job: made from its provider's config keys, with a test of the connection before anything is saved."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

import msgspec
from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from api import jobs, providers
from api.context import Context
from api.endpoint import NoBody, NoQuery
from api.errors import ApiError
from api.job_config import ORGANIZATION_KEY, merged, provider_of, sealed, shown_job, stored_config
from api.job_forms import JobBody, JobChanges
from api.lookup import get_job
from api.pages.actions import Page, refused
from api.probe import probe
from providers import keys, references, registry, schema
from providers.errors import ConfigError
from providers.keys import ConfigKey
from providers.schema import REDACTED
from worker.store import organizations

UNITS = (("minutes", 60), ("hours", 3600), ("days", 86_400))
ORGANIZATIONS = 1000
"""Organizations that the form offers to choose from; the API takes any."""

PREFIX = "config."
"""Beginning of the names of fields that hold config keys."""


def _new(context: Context) -> str:
    if (copied := _copied(context, request.args.get("copy", ""))) is not None:
        return _page(context, provider=copied["provider"], job=None, copied=copied)
    name = request.args.get("provider", "")
    if not name:
        return render_template("providers.html", providers=_choices(context))
    return _page(context, provider=provider_of(context, name).name, job=None)


def _copied(context: Context, number: str) -> dict[str, Any] | None:
    """The row of the job that a new one is a copy of. Raises `NotFound`."""
    if not (number.isdecimal() and len(number) < 19):
        return None
    with context.jobs() as connection:
        return get_job(connection, int(number))


def _edit(context: Context, job_id: int) -> str:
    with context.jobs() as connection:
        job = shown_job(get_job(connection, job_id))
    return _page(context, provider=job["provider"], job=job)


def _create(context: Context) -> str | Response:
    copied = _copied(context, request.form.get("copy", ""))
    provider = provider_of(context, copied["provider"] if copied else request.form.get("provider", "")).name
    page, stored = functools.partial(_page, context, provider=provider, job=None, copied=copied), stored_config(copied) if copied else {}
    try:
        given = _given(provider, stored)
        if request.form.get("action") != "save":
            return page(tested=_tested(context, {"provider": provider, "config": stored}, given))
        body = {**given, "provider": provider, "copy_of": copied["id"] if copied else None}
        made = jobs.create(context, NoQuery(), schema.parse(JobBody, body))
    except (ApiError, ConfigError) as error:
        return refused(error, page)
    return redirect(f"/jobs/{made['id']}", 303)


def _change(context: Context, job_id: int) -> str | Response:
    with context.jobs() as connection:
        row = get_job(connection, job_id)
    job, stored = shown_job(row), stored_config(row)
    try:
        given = _given(job["provider"], stored)
        if request.form.get("action") != "save":
            return _page(context, provider=job["provider"], job=job, tested=_tested(context, row, given))
        jobs.change(context, NoQuery(), schema.parse(JobChanges, given), job_id)
    except (ApiError, ConfigError) as error:
        return refused(error, functools.partial(_page, context, provider=job["provider"], job=job))
    return redirect(f"/jobs/{job_id}", 303)


def _delete(context: Context, job_id: int) -> Response:
    jobs.remove(context, NoQuery(), NoBody(), job_id)
    return redirect("/", 303)


def _tested(context: Context, job: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a worker that signs in with what the form of a job, or of one to be, holds; nothing is saved."""
    described = provider_of(context, job["provider"])
    config = sealed(context, described, merged(described, given["config"], stored_config(job), None))
    with context.pool.connection() as connection:
        return probe(context, connection, {"id": job.get("id"), "provider": job["provider"], "queue": given["queue"], "config": config})


def _given(provider: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The body of the API's request that the form stands for. Raises `ApiError`."""
    form = request.form
    organization = form.get("organization_id", "").strip()
    return {
        "name": form.get("name", "").strip(),
        "description": form.get("description", "").strip(),
        "organization_id": int(organization) if organization.isdecimal() and len(organization) < 19 else None,
        **_schedule(form),
        "enabled": form.get("enabled") == "true",
        "queue": form.get("queue", "").strip() or "default",
        "config": _config(provider, stored),
    }


def _schedule(form: Mapping[str, str]) -> dict[str, Any]:
    """The schedule in the form. Raises `ApiError`."""
    every, unit, cron = (form.get(name, "").strip() for name in ("every", "unit", "cron"))
    if every and cron:
        raise ApiError("a job runs at an interval or at the times of a cron expression: leave one of the two empty")
    timezone = form.get("timezone", "").strip() or "UTC"
    return {"schedule_interval": _interval(every, unit), "schedule_cron": cron or None, "schedule_timezone": timezone}


def _interval(every: str, unit: str) -> int | None:
    if not every:
        return None
    if not (every.isdecimal() and len(every) <= 6) or unit not in dict(UNITS):
        raise ApiError("the schedule is a whole number of minutes, hours or days; leave it empty for a job on demand")
    return int(every) * dict(UNITS)[unit]


def _config(provider: str, stored: Mapping[str, Any]) -> dict[str, Any]:
    """The config in the form. An empty field removes a stored key; an empty secret keeps the stored one."""
    config_type = registry.get(provider).config
    types = {field.encode_name: field.type for field in msgspec.structs.fields(config_type)}
    config: dict[str, Any] = {}
    for key in keys.keys(config_type):
        text = request.form.get(PREFIX + key.name, "").strip().replace("\r\n", "\n")
        if text:
            config[key.name] = (references.spelt(text) if key.secret else None) or keys.value(text, types[key.name])
        elif key.name in stored:
            kept = key.secret and not request.form.get(f"remove.{key.name}")
            config[key.name] = REDACTED if kept else None
    return config


def _page(context: Context, *, provider: str, job: dict[str, Any] | None, copied: dict[str, Any] | None = None, **said: Any) -> str:
    """The form: with what was sent, else with what is stored or copied, else empty. Secrets are never put into a field."""
    described, shown_first = registry.get(provider), job or (shown_job(copied) if copied else None)
    with context.pool.reading() as connection:
        homes, _ = organizations.selection({}).page(connection, 1, ORGANIZATIONS)
    stored = {key: value for key, value in (shown_first["config"] if shown_first else {}).items() if key != ORGANIZATION_KEY}
    fields = [_field(key, stored) for key in keys.keys(described.config)]
    values = request.form if request.method == "POST" else _values(shown_first, copied)
    shown = {
        "provider": described,
        "job": job,
        "copied": copied,
        "fields": fields,
        "values": values,
        "organizations": homes,
        "units": UNITS,
    }
    return render_template("job_form.html", **shown, **said)


def _values(job: dict[str, Any] | None, copied: dict[str, Any] | None) -> dict[str, str]:
    if job is None:
        return {"enabled": "true", "queue": "default", "timezone": "UTC"}
    every, unit = _every(job["schedule_interval"])
    texts = {name: str(job[name]) if job[name] is not None else "" for name in ("name", "description", "organization_id", "queue")}
    times = {"every": every, "unit": unit, "cron": job["schedule_cron"] or "", "timezone": job["schedule_timezone"]}
    return {**texts, **times, "enabled": "true" if job["enabled"] else "", **({"name": f"Copy of {job['name']}"[:200]} if copied else {})}


def _every(interval: int | None) -> tuple[str, str]:
    if interval is None:
        return "", "hours"
    unit, seconds = next((unit for unit in reversed(UNITS) if interval % unit[1] == 0), UNITS[0])
    return str(interval // seconds), unit


def _field(key: ConfigKey, stored: Mapping[str, Any]) -> dict[str, Any]:
    """A config key with the text that stands in its field; a secret's field is empty, but for a reference to one."""
    sent = request.form.get(PREFIX + key.name) if request.method == "POST" else None
    text = sent if sent is not None else _text(stored.get(key.name))
    reference = references.spelt(text) is not None
    shown = text if reference or not key.secret else ""
    return {"key": key, "text": shown, "reference": reference, "stored": key.name in stored, "default": _text(key.default)}


def _text(value: Any) -> str:
    match value:
        case None | "" | () | []:
            return ""
        case str():
            return value
        case list() | tuple():
            return "\n".join(map(str, value))
        case _:
            return json.dumps(value, indent=2)


def _choices(context: Context) -> list[Any]:
    """The providers of discovery jobs that are switched on here."""
    return [one for one in providers.listed(context, NoQuery(), NoBody()).providers if one.discovery and one.enabled]


PAGES = (
    Page("/jobs/new", _new, "operate"),
    Page("/jobs/new", _create, "operate", "POST"),
    Page("/jobs/<id:job_id>/edit", _edit, "operate"),
    Page("/jobs/<id:job_id>/edit", _change, "operate", "POST"),
    Page("/jobs/<id:job_id>/delete", _delete, "operate", "POST"),
)
