"""``elder entities``, ``elder changes`` and ``elder orgs``."""

from __future__ import annotations

from typing import Any

import click

from api.client import output
from api.client.errors import ClientError
from api.client.session import Session, in_session, limited, sorted_by
from api.client.watch import watched
from providers.counted import counted

COLUMNS = ("id", "sub_type", "name", "provider", "account", "region", "external_id")
TYPE_COLUMNS = ("provider", "sub_type", "created", "updated", "deleted", "restored")
CHANGE_COLUMNS = ("changed_at", "operation", "entity_id", "sub_type", "name", "changes")
STEP_COLUMNS = ("changed_at", "change", "operation", "where", "before", "after")
ORGANIZATION_COLUMNS = ("id", "parent_id", "name")


@click.group()
def entities() -> None:
    """Entities of the inventory."""


def selecting(command: Any) -> Any:
    """Adds the argument and the options that select and sort entities."""
    for add in reversed(_SELECTING):
        command = add(command)
    return command


_SELECTING = (
    click.argument("search", nargs=-1),
    click.option("-q", "--query", "q", help="The same as SEARCH."),
    click.option("--type", "sub_type", help="Such as ec2_instance."),
    click.option("--category", "entity_type", help="Such as compute."),
    click.option("--provider", help="Name of a provider, such as aws."),
    click.option("--region", help="Region, such as eu-west-1."),
    click.option("--external-id", help="Id at the source, whole."),
    click.option("--organization", "organization_id", type=int, help="Id of an organization; includes those below it."),
    click.option("--deleted", is_flag=True, help="What is deleted, instead of what is there."),
    sorted_by("id", "name", "type", "first_seen", "changed"),
    click.option("--fields", help="Fields with commas between them, such as id,name,tags."),
)


@entities.command("list")
@selecting
@limited
@in_session
@watched
def list_entities(session: Session, /, search: tuple[str, ...], q: str | None, limit: int | None, deleted: bool, **filters: Any) -> None:
    """Lists entities of the inventory that fit SEARCH and the options.

    SEARCH has words of the name or id, and terms: tag:team=payments, tag:team, attr:State.Name=running, type:ec2_instance, provider:aws,
    org:NAME, region:eu-west-1, account:123. A term after a - must not hold: elder entities list 'type:vpc -tag:team'.
    """
    session.many(
        session.api.rows_by_cursor("entities", "entities", limit, is_active=not deleted, q=_asked(search, q), **filters),
        COLUMNS,
        "entities",
    )


@entities.command("export")
@selecting
@click.option(
    "--format", "form", type=click.Choice(["csv", "csv-raw", "jsonl"]), default="csv", show_default=True, help="Form of the file."
)
@in_session
def export_entities(
    session: Session, /, search: tuple[str, ...], q: str | None, form: str, deleted: bool, fields: str | None, **filters: Any
) -> None:
    """Writes all entities that fit SEARCH with all their fields. SEARCH is that of 'elder entities list'."""
    found = session.api.rows_by_cursor("entities", "entities", None, is_active=not deleted, q=_asked(search, q), fields=fields, **filters)
    output.stream(found, form)


def _asked(search: tuple[str, ...], q: str | None) -> str | None:
    return " ".join([*search, *([q] if q else [])]) or None


@entities.command("get")
@click.argument("entity", type=int)
@in_session
@watched
def get_entity(session: Session, entity: int) -> None:
    """Shows one entity with its dependencies and changes."""
    session.show(session.api.get(f"entities/{entity}"))


@entities.command("diff")
@click.argument("entity", type=int)
@click.option("--change", type=int, help="This change only, by its id.")
@limited
@in_session
def diff_entity(session: Session, entity: int, change: int | None, limit: int | None) -> None:
    """Shows how an entity has changed, the latest first. An item added to a list is one step."""
    found = session.api.rows(f"entities/{entity}/diff", "changes", limit)
    session.many((step for one in found if change in (None, one["id"]) for step in _steps(one)), STEP_COLUMNS, "changes")


def _steps(change: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a change: one a step, or one in all when it has none."""
    number = change["id"] if change["id"] > 0 else None  # the change by which an entity was created is no row of its own
    shared = {"changed_at": change["changed_at"], "change": number, "run_id": change["run_id"]}
    steps = [{**shared, **step} for step in change["steps"]]
    return steps or [{**shared, "operation": change["operation"], "path": [], "where": "", "before": None, "after": None, "to": None}]


@click.command()
@click.option("--entity", "entity_id", type=int, help="Id of an entity.")
@click.option("--run", "run_id", type=int, help="Id of a run.")
@click.option("--job", "job_id", type=int, help="Id of a job.")
@click.option("--since", metavar="24h", help="Not before: a duration before now, a date or a time.")
@click.option("--until", metavar="TIME", help="Before: the same.")
@click.option("--provider", help="Name of a provider, such as aws.")
@click.option("--type", "sub_type", help="Such as ec2_instance.")
@click.option("--field", help="An attribute or a tag that has changed.")
@click.option("--operation", type=click.Choice(["created", "updated", "deleted", "restored"]), help="What has happened.")
@click.option("--by-type", is_flag=True, help="Count the changes of the last 24 hours by type instead; goes with none of the above.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Print this many rows at most.")
@in_session
@watched
def changes(session: Session, /, by_type: bool, limit: int, **filters: Any) -> None:
    """Lists changes, the latest first."""
    if by_type:
        if any(value is not None for value in filters.values()):
            raise ClientError("--by-type counts all changes of a day: leave the filters out")
        session.many(session.api.get("changes/types")["types"][:limit], TYPE_COLUMNS, "changes")
        return
    session.many(session.api.rows_by_cursor("changes", "changes", limit, **filters), CHANGE_COLUMNS, "changes")


@click.group("orgs")
def organizations() -> None:
    """Lists, creates, changes, merges and deletes organizations."""


@organizations.command("list")
@click.option("-q", "--query", "q", help="Part of the name.")
@sorted_by("id", "name")
@limited
@in_session
@watched
def list_organizations(session: Session, /, limit: int | None, **filters: Any) -> None:
    """Lists organizations, the first one first."""
    found = session.api.rows_by_cursor("organizations", "organizations", limit, **filters)
    session.many(found, ORGANIZATION_COLUMNS, "organizations")


@organizations.command("create")
@click.argument("name")
@click.option("--parent", type=int, help="Id of the organization above it.")
@in_session
def create_organization(session: Session, name: str, parent: int | None) -> None:
    """Creates an organization with a name."""
    made = session.api.send("POST", "organizations", {"name": name, "parent_id": parent})
    session.done(made, f"organization {made['id']} is created")


@organizations.command("edit")
@click.argument("organization", type=int)
@click.option("--name", help="New name.")
@click.option("--parent", type=int, help="Id of the organization above it.")
@click.option("--top", is_flag=True, help="Move it to the top, below no other.")
@click.option("--description", help="What the organization is.")
@in_session
def edit_organization(session: Session, /, organization: int, parent: int | None, top: bool, **options: Any) -> None:
    """Renames, moves or describes an organization. What is not named stays."""
    changes = {name: value for name, value in options.items() if value is not None}
    if parent is not None or top:
        changes["parent_id"] = parent
    if not changes:
        raise ClientError("name what to change: --name, --parent, --top or --description")
    session.done(session.api.send("PATCH", f"organizations/{organization}", changes), f"organization {organization} is changed")


MERGED = {"entities": "entity", "organizations": "organization", "jobs": "job"}
"""Counts of the answer to a merge, with the noun of each."""


@organizations.command("merge")
@click.argument("organization", type=int)
@click.argument("into", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def merge_organization(session: Session, organization: int, into: int, yes: bool) -> None:
    """Gives all that an organization has to another one, and deletes it."""
    if not yes:
        session.confirm(f"Merge organization {organization} into {into} and delete it?")
    done = session.api.send("POST", f"organizations/{organization}/merge", {"into": into})
    entities, homes, jobs = (counted(done[name], noun) for name, noun in MERGED.items())
    session.done(done, f"organization {organization} is merged: {entities}, {homes} and {jobs} are in organization {into} now")


@organizations.command("delete")
@click.argument("organization", type=int)
@click.option("--yes", is_flag=True, help="Do not ask.")
@in_session
def delete_organization(session: Session, organization: int, yes: bool) -> None:
    """Deletes an organization that is empty."""
    if not yes:
        session.confirm(f"Delete organization {organization}?")
    done = session.api.send("DELETE", f"organizations/{organization}")
    session.done(done, done["message"])
