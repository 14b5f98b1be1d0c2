"""``elder webhooks``: who is told of what, and what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import click

from api.client.errors import EXIT_FAILED, ClientError
from api.client.session import Session, in_session, limited, sorted_by
from api.client.watch import watched
from worker.run.events import EVENTS, TEST

COLUMNS = ("id", "name", "enabled", "events", "job_id", "pending", "failed", "last_delivered_at", "last_error", "disabled_reason", "url")
DELIVERY_COLUMNS = ("id", "event", "created_at", "attempts", "status", "delivered_at", "next_attempt_at", "failed_at", "error")

POLL = 0.5
"""Seconds between two looks for the end of a test."""


def _described(*, needed: bool) -> Callable[[Any], Any]:
    """Adds the options that say what a webhook is."""

    def add(command: Any) -> Any:
        for option in (
            click.option(
                "--event", "events", multiple=True, required=needed, type=click.Choice(EVENTS), help="Event that is sent; repeatable."
            ),
            click.option("--url", required=needed, help="URL that events are sent to, such as https://example.com/hooks/elder."),
        ):
            command = option(command)
        return command

    return add


@click.group("webhooks")
def group() -> None:
    """Tells other systems what happens, by signed webhooks. Events are runs that end, parked jobs, and entities that come and go."""


@group.command("list")
@click.option("--organization", type=int, help="Id of an organization: webhooks of its jobs, of jobs below it, and of every job.")
@sorted_by("id", "name", "last_attempt_at")
@limited
@in_session
@watched
def list_webhooks(session: Session, organization: int | None, sort: str | None, limit: int | None) -> None:
    """Lists webhooks, the newest first."""
    found = session.api.rows_by_cursor("webhooks", "webhooks", limit, organization_id=organization, sort=sort)
    session.many(found, COLUMNS, "webhooks")


@group.command()
@click.argument("webhook", type=int)
@in_session
@watched
def get(session: Session, webhook: int) -> None:
    """Shows a webhook without its secret."""
    session.show(session.api.get(f"webhooks/{webhook}"))


@group.command()
@click.argument("name")
@_described(needed=True)
@click.option("--job", type=int, help="Id of the one job whose events are sent; without: every job's and connector's.")
@click.option("--disabled", is_flag=True, help="Send no events to it yet.")
@in_session
def create(session: Session, /, name: str, url: str, events: Sequence[str], job: int | None, disabled: bool) -> None:
    """Creates a webhook, and shows its secret this once."""
    body = {"name": name, "url": url, "events": events, "job_id": job, "enabled": not disabled}
    made = session.api.send("POST", "webhooks", body)
    session.done(made, f"webhook {made['id']} is created; its secret, shown this once: {made['secret']}")


@group.command()
@click.argument("webhook", type=int)
@click.option("--name", help="Its new name.")
@_described(needed=False)
@click.option("--job", "job_id", type=int, help="Id of the one job whose events are sent.")
@click.option("--every-job", is_flag=True, help="Send the events of every job and connector.")
@click.option("--enable/--disable", "enabled", default=None, help="Send events to it, or keep it quiet.")
@in_session
def edit(session: Session, /, webhook: int, events: Sequence[str], every_job: bool, **changes: Any) -> None:
    """Changes a webhook where an option is given. With --event, the events are these and no other."""
    given = {name: value for name, value in {**changes, "events": list(events) or None}.items() if value is not None}
    given |= {"job_id": None} if every_job else {}
    if not given:
        raise ClientError("name what to change: --name, --url, --event, --job, --every-job, --enable or --disable")
    before = session.api.get(f"webhooks/{webhook}")
    kept = {name: before[name] for name in ("name", "url", "events", "job_id", "enabled")}
    session.done(session.api.send("PUT", f"webhooks/{webhook}", {**kept, **given}), f"webhook {webhook} is changed")


@group.command()
@click.argument("webhook", type=int)
@click.option("--grace", type=click.IntRange(0), default=0, show_default=True, help="Seconds for which the old secret signs as well.")
@in_session
def rotate(session: Session, webhook: int, grace: int) -> None:
    """Gives a webhook a new secret, and shows it this once."""
    made = session.api.send("POST", f"webhooks/{webhook}/rotate", {"grace_seconds": grace})
    session.done(made, f"webhook {webhook} has a new secret, shown this once: {made['secret']}")


@group.command()
@click.argument("webhook", type=int)
@click.option("--timeout", type=click.FloatRange(0), default=30.0, show_default=True, help="Seconds to wait for what becomes of it.")
@in_session
def test(session: Session, webhook: int, timeout: float) -> None:
    """Sends a test event, and waits for its delivery. Exits with 1 unless it is delivered."""
    asked = session.api.send("POST", f"webhooks/{webhook}/test")
    deadline = time.monotonic() + timeout
    while True:
        sent = session.api.rows_by_cursor(f"webhooks/{webhook}/deliveries", "deliveries", None)
        found = next(one for one in sent if one["id"] == asked["id"])
        if found["delivered_at"]:
            session.done(found, f"the test is delivered: the receiver answered {found['status']}")
            return
        if found["error"]:
            raise ClientError(f"the test is not delivered: {found['error']}", EXIT_FAILED)
        if time.monotonic() >= deadline:
            raise ClientError(f"the test is not delivered within {timeout:g} s: is there an API that delivers?", EXIT_FAILED)
        time.sleep(POLL)


@group.command()
@click.argument("webhook", type=int)
@click.option("--state", help="pending, delivered or given_up.")
@click.option("--event", type=click.Choice([*EVENTS, TEST]), help="Event that was sent.")
@limited
@in_session
@watched
def deliveries(session: Session, webhook: int, state: str | None, event: str | None, limit: int | None) -> None:
    """Lists what was sent to a webhook, the newest first."""
    found = session.api.rows_by_cursor(f"webhooks/{webhook}/deliveries", "deliveries", limit, state=state, event=event)
    session.many(found, DELIVERY_COLUMNS, "deliveries")


@group.command()
@click.argument("webhook", type=int)
@click.argument("delivery", type=int)
@in_session
def retry(session: Session, webhook: int, delivery: int) -> None:
    """Sends a delivery again, under the same id."""
    session.done(session.api.send("POST", f"webhooks/{webhook}/deliveries/{delivery}/retry"), f"delivery {delivery} is due now")


@group.command()
@click.argument("webhook", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def delete(session: Session, webhook: int, yes: bool) -> None:
    """Deletes a webhook, with what was not delivered yet."""
    if not yes:
        session.confirm(f"Delete webhook {webhook}?")
    session.done(session.api.send("DELETE", f"webhooks/{webhook}"), f"webhook {webhook} is deleted")
