"""Events of webhooks: stored in the transaction that ends a run, whichever way it ends, one for each run and kind, and none without a webhook."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.types.json import Jsonb
from store_runs import OWNER, Run, add_job, claim, resources, run_once
from store_syncs import Sync
from waiting import until

from providers.records import Resource
from worker.run.events import EVENTS
from worker.run.outcome import Status, Verdict
from worker.store import claims, retention, webhooks
from worker.store.connection import connect, transaction
from worker.store.retention import Kept


@pytest.fixture
def job(sql):
    return add_job(sql)


def add_webhook(sql, *events: str, job: int | None = None, enabled: bool = True, name: str = "hook") -> int:
    values = [name, "https://example.com/", list(events or EVENTS), job, enabled, Jsonb({"current": {"$fernet": "x"}}), "test"]
    row = sql.execute(
        "insert into elder_worker.webhooks (name, url, events, job_id, enabled, secrets, created_by) values (%s, %s, %s, %s, %s, %s, %s)"
        " returning id",
        values,
    ).fetchone()
    return row[0]


def stored(sql) -> list[dict]:
    """The payloads of all deliveries, in their order."""
    return [payload for (payload,) in sql.execute("select payload from elder_worker.webhook_deliveries order by id")]


def kinds(sql) -> list[str]:
    return sorted(payload["type"] for payload in stored(sql))


def test_a_run_that_finds_something_new_is_one_event_with_counts_names_and_links(database, sql, job):
    hook = add_webhook(sql, "run.ended", "entities.new")

    run_once(database, job, resources(130))

    assert kinds(sql) == ["entities.new", "run.ended"], "never one for each entity"
    new = next(payload for payload in stored(sql) if payload["type"] == "entities.new")
    ended = next(payload for payload in stored(sql) if payload["type"] == "run.ended")
    run = sql.execute("select id from discovery_history").fetchone()[0]
    assert ended["data"]["job"] == {"id": job, "name": "job", "provider": "aws", "organization_id": 1}
    told = ended["data"]["run"]
    assert (told["id"], told["status"], told["error_kind"], told["attempt"]) == (run, "completed", "", 1)
    assert told["entities"] == {"discovered": 130, "created": 130, "updated": 0, "deleted": 0}
    assert (told["link"], told["completed_at"][-1]) == (f"/api/v1/runs/{run}", "Z")
    assert (new["data"]["count"], len(new["data"]["entities"])) == (130, 100)
    first = sql.execute("select id, name, sub_type, external_id from entities order by id limit 1").fetchone()
    assert new["data"]["entities"][0] == dict(zip(("id", "name", "sub_type", "external_id"), first, strict=True))
    assert new["data"]["changes"] == f"/api/v1/changes?run_id={run}&operation=created"
    assert sql.execute("select distinct webhook_id, attempts, delivered_at from elder_worker.webhook_deliveries").fetchall() == [
        (hook, 0, None)
    ]


def test_changed_and_deleted_entities(database, sql, job):
    run_once(database, job, resources(30))
    add_webhook(sql)

    run_once(database, job, resources(29, state="stopped"))

    assert kinds(sql) == ["entities.changed", "entities.deleted", "run.ended"]
    found = {payload["type"]: payload["data"] for payload in stored(sql)}
    assert (found["entities.changed"]["count"], len(found["entities.changed"]["entities"])) == (29, 29)
    assert [one["external_id"] for one in found["entities.deleted"]["entities"]] == ["arn:ec2_instance:29"]
    assert found["entities.deleted"]["changes"].endswith("&operation=deleted")


def test_entities_that_a_merge_creates_and_restores_are_told_too(database, sql, job):
    run_once(database, job, resources(30))
    run_once(database, job, resources(29))
    add_webhook(sql)

    run_once(database, job, resources(31))

    found = {payload["type"]: payload["data"] for payload in stored(sql)}
    told = {one["external_id"] for kind in ("entities.new", "entities.changed") for one in found.get(kind, {"entities": []})["entities"]}
    assert told == {"arn:ec2_instance:29", "arn:ec2_instance:30"}


def test_nothing_new_is_the_end_of_the_run_alone(database, sql, job):
    run_once(database, job, resources(30))
    add_webhook(sql)

    run_once(database, job, resources(30))

    assert kinds(sql) == ["run.ended"]


def test_held_back_deletions(database, sql, job):
    run_once(database, job, resources(60))
    add_webhook(sql)

    run_once(database, job, resources(5))

    assert kinds(sql) == ["run.ended", "run.held_back"]
    [held] = [payload["data"] for payload in stored(sql) if payload["type"] == "run.held_back"]
    assert held["held_back"] == {"entities": 55, "links": 0, "attributes": 0}


@pytest.mark.parametrize("kind", ["crashed", "memory", "protocol"])
def test_a_job_that_is_parked(database, sql, job, kind):
    add_webhook(sql, "job.parked", "run.ended")

    for _ in range(claims.PARKED_AFTER):
        sql.execute("update discovery_jobs set next_run_at = now()")
        Run(database, job).finish(Verdict(Status.ERROR, kind, "it crashed"))

    assert [payload["type"] for payload in stored(sql)][:2] == ["run.ended", "run.ended"]
    assert kinds(sql) == ["job.parked", "run.ended", "run.ended", "run.ended"], "parked once, at the third crash"
    last = stored(sql)[-1]["data"]["run"]
    assert (last["status"], last["error_kind"], last["error"]) == ("error", kind, "it crashed")


def test_a_run_whose_worker_is_gone_ends_too(database, sql, job):
    add_webhook(sql, "run.ended", "job.parked")
    sql.execute("update discovery_jobs set crashes = %s, losses = %s", [claims.PARKED_AFTER - 1, claims.DEATHS - 1])
    claim(database, ttl=-1.0)

    with connect(database) as connection:
        claims.sweep_uncounted(connection)

    assert kinds(sql) == ["job.parked", "run.ended"]
    assert {payload["data"]["run"]["error_kind"] for payload in stored(sql)} == {"lost"}


def test_an_outcome_that_is_stored_later_is_told_then(database, sql, job):
    add_webhook(sql, "run.ended")
    [claimed] = claim(database)

    with connect(database) as connection, transaction(connection):
        claims.finish_later(connection, OWNER, claimed, Verdict(Status.ERROR, "timeout", "late"))

    assert [payload["data"]["run"]["error"] for payload in stored(sql)] == ["late"]


def test_a_run_that_is_returned_to_the_queue_has_not_ended(database, sql, job):
    add_webhook(sql)

    Run(database, job).finish(Verdict(Status.RELEASED, error="the service stops"))

    assert stored(sql) == []


def test_a_sync_of_a_connector(database, sql):
    add_webhook(sql)
    people = [Resource(f"uid={n}", "user", "ldap_user", f"person {n}") for n in range(3)]
    with connect(database) as connection:
        sync = Sync(connection)
        sync.scope(people)
        sync.finish()

    assert kinds(sql) == ["entities.new", "run.ended"]
    [new] = [payload["data"] for payload in stored(sql) if payload["type"] == "entities.new"]
    assert (new["connector"], new["count"]) == ({"name": "ldap"}, 3)
    assert [one["name"] for one in new["entities"]] == ["person 0", "person 1", "person 2"]
    assert new["run"]["link"] == "/api/v1/connectors/ldap/history"
    assert new["changes"].startswith("/api/v1/changes?until=20"), "its first sync"

    with connect(database) as connection:
        sync = Sync(connection)
        sync.scope(people[:2])
        sync.finish()

    [gone] = [payload["data"] for payload in stored(sql) if payload["type"] == "entities.deleted"]
    assert [one["name"] for one in gone["entities"]] == ["person 2"]
    assert gone["changes"].startswith("/api/v1/changes?since=20")


def test_a_webhook_gets_what_it_asked_for_of_the_job_it_named_while_it_is_enabled(database, sql, job):
    other = add_job(sql, name="other", next_run_at=None)
    of_job = add_webhook(sql, "run.ended", job=job, name="of the job")
    add_webhook(sql, "run.ended", job=other, name="of another")
    add_webhook(sql, "run.held_back", name="of something else")
    add_webhook(sql, enabled=False, name="disabled")
    of_all = add_webhook(sql, "entities.new", name="of all")

    run_once(database, job, resources(3))

    found = sql.execute("select webhook_id, event from elder_worker.webhook_deliveries order by 1").fetchall()
    assert found == [(of_job, "run.ended"), (of_all, "entities.new")]


def test_outcome_and_event_are_one_transaction(database, sql, job):
    """A crash before the commit leaves neither; what keeps the event from being stored keeps the outcome too."""
    add_webhook(sql, "run.ended")
    [claimed] = claim(database)
    verdict = Verdict(Status.COMPLETED)
    with psycopg.connect(database) as dying:
        dying.execute("update discovery_history set status = 'completed', completed_at = now()")
        dying.execute("set constraints all immediate")
        assert dying.execute("select count(*) from elder_worker.webhook_deliveries").fetchone() == (1,)
        sql.execute("select pg_terminate_backend(%s)", [dying.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            dying.commit()
    assert (sql.execute("select status from discovery_history").fetchone(), stored(sql)) == (("running",), [])

    with connect(database) as connection, transaction(connection):
        claims.finish(connection, OWNER, claimed, verdict)

    assert sql.execute("select status from discovery_history").fetchone() == ("completed",)
    assert kinds(sql) == ["run.ended"]


def test_without_a_webhook_nothing_is_stored_and_no_entity_is_looked_at(database, sql, job):
    run = Run(database, job)
    run.scope(resources(30))
    run.finish()
    with psycopg.connect(database) as connection:
        connection.execute("insert into discovery_history (job_id) values (%s)", [job])
        connection.execute("update discovery_history set status = 'error' where status = 'running'")
        before = _reads(connection)
        connection.execute("set constraints all immediate")
        after = _reads(connection)

    assert stored(sql) == []
    assert {table for table in after if after[table] != before[table]} == {"webhooks"}, "one look into one table"


def _reads(connection) -> dict[str, tuple]:
    rows = connection.execute(
        "select relname, seq_scan, idx_scan from pg_stat_xact_user_tables where schemaname in ('public', 'elder_worker')"
    ).fetchall()
    return {row[0]: row[1:] for row in rows}


def test_old_deliveries_go_with_the_clean_up(database, sql, job):
    add_webhook(sql, "run.ended")
    run_once(database, job, resources(3))
    run_once(database, job, resources(3))
    sql.execute(
        "update elder_worker.webhook_deliveries set created_at = now() - make_interval(days => %s, hours => 1), next_attempt_at = null "
        "where id = (select min(id) from elder_worker.webhook_deliveries)",
        [retention.DELIVERIES_KEPT],
    )

    with connect(database) as connection:
        cleaned = retention.clean(connection, Kept())

    assert cleaned.rows["webhook_deliveries"] == 1
    assert len(stored(sql)) == 1


@pytest.mark.parametrize(
    ("last", "due", "kept"),
    [
        ("now()", None, True),  # sent again by a person, and delivered
        ("now()", "now()", True),  # sent again by a person, and waiting
        (None, "now()", True),
        ("created_at", None, False),
        ("created_at", "created_at", False),  # to a webhook that is disabled
        (None, "created_at", False),
    ],
)
def test_a_delivery_is_as_old_as_its_last_attempt_or_the_next(database, sql, job, last, due, kept):
    add_webhook(sql, "run.ended")
    run_once(database, job, resources(3))
    sql.execute(
        "update elder_worker.webhook_deliveries set created_at = now() - make_interval(days => %s)", [retention.DELIVERIES_KEPT + 1]
    )
    sql.execute(f"update elder_worker.webhook_deliveries set last_attempt_at = {last or 'null'}, next_attempt_at = {due or 'null'}")

    with connect(database) as connection:
        retention.clean(connection, Kept())

    assert len(stored(sql)) == kept


def test_two_processes_never_claim_the_same(database, sql, job):
    first, second = (add_webhook(sql, "run.ended", name=name) for name in ("one", "two"))
    run_once(database, job, resources(1))
    with connect(database) as one, connect(database) as other, one.transaction():
        claimed = webhooks.claim(one)
        beside = webhooks.claim(other)
        assert webhooks.claim(other) is None, "each webhook has its delivery under way"

    assert {claimed.webhook_id, beside.webhook_id} == {first, second}


def test_an_attempt_that_ends_late_waits_for_a_claim_and_is_no_deadlock(database, sql, job):
    """Both lock the webhook first."""
    add_webhook(sql, "run.ended")
    run_once(database, job, resources(1))
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    with connect(database) as one, connect(database) as other:
        late = webhooks.claim(one)
        sql.execute("update elder_worker.webhooks set busy_until = now() - interval '1 second'")
        sql.execute("update elder_worker.webhook_deliveries set next_attempt_at = now() - interval '1 second'")
        with ThreadPoolExecutor(1) as pool, sql.transaction():
            sql.execute("select from elder_worker.webhooks for update")
            ending = pool.submit(webhooks.end, one, late, webhooks.Ended(True, status=204))
            until(lambda: sql.execute(waiting).fetchone()[0], "the attempt's end waits for the webhook")
            sql.execute("set local lock_timeout = '10s'")
            sql.execute("select from elder_worker.webhook_deliveries for update")
        ending.result(30)
        assert webhooks.claim(other) is None

    assert sql.execute("select status from elder_worker.webhook_deliveries").fetchall() == [(204,)]


def test_a_webhook_that_is_deleted_while_a_run_ends_costs_the_run_nothing(database, sql, job):
    hook = add_webhook(sql, "run.ended")
    kept = add_webhook(sql, "run.ended", name="kept")
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

    with psycopg.connect(database) as deleting, ThreadPoolExecutor(1) as pool:
        deleting.execute("delete from elder_worker.webhooks where id = %s", [hook])
        running = pool.submit(run_once, database, job, resources(1))
        until(lambda: sql.execute(waiting).fetchone()[0], "the run's end waits for the webhook that is being deleted")
        deleting.commit()
        assert running.result(30).retries == {}, "the outcome is stored at the first try"

    assert sql.execute("select status from discovery_history").fetchall() == [("completed",)]
    assert sql.execute("select webhook_id from elder_worker.webhook_deliveries").fetchall() == [(kept,)]
