"""``elder keys`` and ``elder audit``: who may use the API, and who changed what."""

from __future__ import annotations

from typing import Any

import click

from api.client.errors import EXIT_NOT_FOUND, ClientError
from api.client.session import Session, in_session, limited, sorted_by
from api.client.watch import watched

COLUMNS = (
    "name",
    "role",
    "organization_id",
    "prefix",
    "created_by",
    "created_at",
    "expires_at",
    "last_used_at",
    "rotated_at",
    "revoked_at",
)
LINE_COLUMNS = ("at", "actor", "role", "address", "action", "object")


@click.group("keys")
def group() -> None:
    """Keys of the API; its admins may make and end them."""


@group.command("list")
@sorted_by("id", "name", "role", "last_used_at", "expires_at")
@limited
@in_session
@watched
def list_keys(session: Session, sort: str | None, limit: int | None) -> None:
    """Lists keys, the newest first, revoked ones too."""
    session.many(session.api.rows_by_cursor("keys", "keys", limit, sort=sort), COLUMNS, "keys")


@group.command()
@click.argument("name")
@click.option("--role", required=True, type=click.Choice(["read", "operate", "admin", "sync"]), help="What the key may do.")
@click.option("--expires-in-days", type=click.IntRange(1), help="Days until it is refused; without, it never expires.")
@click.option("--organization-id", type=click.IntRange(1), help="With the role read: it sees this organization and those below it alone.")
@in_session
def make(session: Session, name: str, role: str, expires_in_days: int | None, organization_id: int | None) -> None:
    """Makes a key, and shows it this once."""
    limits = {"expires_in_days": expires_in_days, "organization_id": organization_id}
    made = session.api.send("POST", "keys", {"name": name, "role": role, **limits})
    session.done(made, f"the key {name} is made; shown this once: {made['key']}")


@group.command()
@click.argument("name")
@click.option("--grace", type=click.IntRange(0), default=0, show_default=True, help="Seconds for which the old key is taken as well.")
@in_session
def rotate(session: Session, name: str, grace: int) -> None:
    """Replaces a key by a new one, and shows it this once."""
    made = session.api.send("POST", f"keys/{_in_use(session, name)}/rotate", {"grace_seconds": grace})
    session.done(made, f"the key {name} is a new one, shown this once: {made['key']}")


@group.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def revoke(session: Session, name: str, yes: bool) -> None:
    """Ends a key at once."""
    key = _in_use(session, name)
    if not yes:
        session.confirm(f"Revoke the key {name}?")
    session.done(session.api.send("DELETE", f"keys/{key}"), f"the key {name} is revoked")


def _in_use(session: Session, name: str) -> int:
    found = next((one for one in session.api.rows_by_cursor("keys", "keys", None) if one["name"] == name and not one["revoked_at"]), None)
    if found is None:
        raise ClientError(f"there is no key {name} in use", EXIT_NOT_FOUND)
    return int(found["id"])


@click.command()
@click.option("--actor", help="Who made the change, such as key:ci or cli:ann.")
@click.option("--action", help="What was done, such as 'key made'.")
@click.option("--object", help="What it was done to, such as 'job 7'.")
@click.option("--since", metavar="24h", help="From a moment or a duration before now on.")
@click.option("--until", metavar="1h", help="Up to a moment or a duration before now.")
@sorted_by("at", "actor", "object")
@limited
@in_session
@watched
def audit(session: Session, /, limit: int | None, **filters: Any) -> None:
    """Lists who changed what, the newest first."""
    session.many(session.api.rows_by_cursor("audit", "audit", limit, **filters), LINE_COLUMNS, "changes by a person")
