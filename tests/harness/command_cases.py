"""A case for each command of `elder`: what is typed, and what happens beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, LiteralString, NamedTuple

import psycopg
from command_world import WORKER
from peers.elder import ElderClient
from store_runs import resources, run_once
from waiting import until

from providers.records import Scope
from worker.store.queue import PostgresQueue


class World(NamedTuple):
    """The database and the API that a command works on."""

    database: str
    elder: ElderClient


class Case(NamedTuple):
    """The command lines of a case, in their order. `beside` begins before them, in a thread of its own, and has to end."""

    typed: tuple[str, ...]
    beside: Callable[[World], object] = lambda _world: None
    changes: bool = True
    """True where it changes the database."""


def _look(*typed: str) -> Case:
    return Case(typed, changes=False)


def _answer_test(world: World) -> None:
    """The worker that tries the sign-in of a job."""
    queue = PostgresQueue(world.database, WORKER, "worker-1", 30.0)
    try:
        queue.renew([])
        READY.set()
        [asked] = until(lambda: queue.claim_tests(1), "a test is asked for")
        identity = {"name": "arn:aws:iam::111122223333:user/reader", "details": {}}
        queue.answer(asked, {"success": True, "message": "connected to aws", "identity": identity, "error_kind": ""})
    finally:
        queue.close()


def _run_job(world: World) -> None:
    """The worker that runs job 3 once it is queued: it finds two machines."""
    READY.set()
    until(lambda: _one(world, "select next_run_at <= now() from discovery_jobs where id = 3"), "the job is queued")
    run_once(world.database, 3, resources(2, kind="virtual_machine"), scope=Scope("azure", "research", "", "virtual_machine"))


def _sync(world: World) -> None:
    """The worker that has the connector: it serves what is asked for, from its next report on."""
    told = {"name": "ldap", "next_in": 3030.0, "ready": True}
    report = {"worker": WORKER, "name": "worker-1", "connectors": [told]}
    READY.set()
    number = until(lambda: _one(world, "select max(number) from elder_worker.sync_requests"), "a sync is asked for")
    world.elder.post("sync/connectors", report, 200)
    end = {"owner": "connector:ldap", "run": "3", "status": "completed", "request": number}
    world.elder.post("sync/runs", {**end, "resources": 2}, 200)


def _deliver(world: World) -> None:
    """The receiver that gets the test."""
    READY.set()
    ends = "update elder_worker.webhook_deliveries set delivered_at = now(), status = 204, next_attempt_at = null where id = 3 returning id"
    until(lambda: _one(world, ends), "a delivery is there")


def _one(world: World, statement: LiteralString) -> Any:
    with psycopg.connect(world.database, autocommit=True) as connection:
        row = connection.execute(statement).fetchone()
        return row and row[0]


READY = threading.Event()
"""Set when a command may begin, as what happens beside it has begun."""

_AWS = "--config regions=eu-west-1"

CASES = {
    "jobs list": _look("jobs list", "jobs list --status error --limit 1", "jobs list --provider gcp"),
    "jobs get": _look("jobs get 1", "jobs get 99"),
    "jobs create": Case(
        (
            f"jobs create Sandbox aws --every 2h {_AWS}",
            "jobs create Nightly aws --cron '0 3 * * *' --timezone UTC --disabled",
            "jobs create Sandbox aws --config regoins=a",
            "jobs create",
        )
    ),
    "jobs duplicate": Case(("jobs duplicate 1 'AWS research' --every 1d --disabled", "jobs duplicate 99 Nothing")),
    "jobs edit": Case(("jobs edit 1 --name 'AWS, all of it' --every 30m", "jobs edit 1 2 --enable", "jobs edit 1")),
    "jobs delete": Case(("jobs delete 1", "jobs delete 1 3 --yes")),
    "jobs test": Case(("jobs test 1",), _answer_test),
    "jobs run": Case(("jobs run 3 --wait", "jobs run 1 2"), _run_job),
    "jobs cancel": Case(("jobs cancel 1",)),
    "jobs history": _look("jobs history 1"),
    "jobs logs": _look("jobs logs 1", "jobs logs 2"),
    "jobs ignore": Case(("jobs ignore 1 status.lastSyncedAt",)),
    "jobs accept-identity": Case(("jobs accept-identity 1",)),
    "runs durations": _look("runs durations", "runs durations --days 400"),
    "runs list": _look("runs list", "runs list --provider aws --sort started_at --limit 1"),
    "runs scopes": _look("runs scopes 2", "runs scopes 2 --outcome denied --sort=-resources"),
    "runs get": _look("runs get 2", "runs get 4"),
    "runs watch": _look("runs watch 1", "runs watch 2"),
    "runs logs": _look("runs logs 2"),
    "runs held": _look("runs held 2 --limit 3", "runs held 1"),
    "runs release": Case(("runs release 2 --yes", "runs release 2 --undo --yes", "runs release 2 --undo --yes")),
    "entities list": _look("entities list tag:team=payments", "entities list --type s3_bucket --limit 2", "entities list nothing-like-it"),
    "entities export": _look("entities export --type vpc --fields id,name,tags", "entities export --type vpc --format jsonl"),
    "entities get": _look("entities get 1"),
    "entities diff": _look("entities diff 9"),
    "changes": _look("changes --limit 3", "changes --operation updated", "changes --by-type", "changes --by-type --job 1"),
    "orgs list": _look("orgs list", "orgs list --sort=-name"),
    "orgs create": Case(("orgs create Branch --parent 1", "orgs create Payments")),
    "orgs edit": Case(("orgs edit 2 --name Billing --top", "orgs edit 1 --parent 2")),
    "orgs merge": Case(("orgs merge 2 1 --yes",)),
    "orgs delete": Case(("orgs delete 3 --yes", "orgs delete 1 --yes")),
    "connectors list": _look("connectors list"),
    "connectors get": _look("connectors get ldap", "connectors get okta", "connectors get ldap --sync 1"),
    "connectors sync": Case(("connectors sync ldap --wait",), _sync),
    "connectors history": _look("connectors history ldap"),
    "connectors logs": _look("connectors logs ldap"),
    "connectors held": _look("connectors held ldap --limit 2"),
    "connectors release": Case(("connectors release ldap --yes", "connectors release ldap --undo --yes")),
    "scopes list": _look("scopes list", "scopes list --sort resource_type --limit 2", "scopes list --state abandoned"),
    "scopes retire": Case(("scopes retire --account 444455556666 --yes", "scopes retire")),
    "webhooks list": _look("webhooks list"),
    "webhooks get": _look("webhooks get 1"),
    "webhooks create": Case(("webhooks create pager --url https://example.com/pager --event run.ended",)),
    "webhooks edit": Case(("webhooks edit 1 --disable",)),
    "webhooks rotate": Case(("webhooks rotate 1 --grace 60",)),
    "webhooks test": Case(("webhooks test 1", "webhooks test 1 --timeout 0"), _deliver),
    "webhooks deliveries": _look("webhooks deliveries 1"),
    "webhooks retry": Case(("webhooks retry 1 2", "webhooks retry 1 1")),
    "webhooks delete": Case(("webhooks delete 1 --yes",)),
    "keys list": _look("keys list"),
    "keys make": Case(("keys make deploy --role read", "keys make deploy --role read")),
    "keys rotate": Case(("keys rotate ci --grace 60", "keys rotate nobody")),
    "keys revoke": Case(("keys revoke ci", "keys revoke ci --yes")),
    "audit": _look("audit --limit 3"),
    "completion": _look("completion bash"),
    "manual": _look("manual"),
}
"""The case of each command, by the words of the command."""

FORMS = _look(
    *(f"-o {form} orgs list --limit 2" for form in ("json", "jsonl", "yaml", "csv")), "-o yaml webhooks get 1", "-o csv webhooks get 1"
)
"""A list and a thing in each form but a table."""

WRITINGS = Case(
    (
        "orgs create 東京支社",
        "orgs create 'Ngân hàng ไทย' --parent 4".replace("â", "a\u0302"),
        "orgs list",
        f"jobs create '本番環境のすべてのアカウントを一時間ごとに読み取るジョブ' aws --every 2h {_AWS}",
        "jobs list",
        "jobs edit 5 --description '경영지원팀과 개발팀이 함께 쓰는 계정입니다. 아무것도 지우지 마세요. 담당자는 김민수입니다.'",
        "jobs get 5",
    )
)
"""Names whose characters take two columns of a terminal or none."""
