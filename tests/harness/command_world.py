"""The content of the database that the golden output of the command `elder` shows: a little of everything that it lists."""

from __future__ import annotations

from typing import Any

from peers.elder import ElderClient
from psycopg.types.json import Jsonb
from shown_inventory import ACCOUNT, REGION, buckets, instances, network
from store_runs import Run, add_job, run_once
from store_syncs import Sync

from providers.errors import Outcome
from providers.records import Resource, Scope
from worker.run.outcome import RunLog, Status, Verdict
from worker.store.connection import connect

LOG = RunLog(
    [
        ("2026-01-31T03:00:00.250Z", "info", "providers.http.retry", "waiting 5 s for ec2.eu-west-1.amazonaws.com: throttled"),
        ("2026-01-31T03:00:05.000Z", "warning", "sdk", "the answer is slow"),
        ("2026-01-31T03:20:00.000Z", "error", "sdk", "no answer after three attempts, each of which took longer than a minute to fail"),
    ],
    12,
    2,
)
WORKER = "0b6a3c1e-52a1-4b0f-9d4e-7a1c2f3e4d5b"
LOST = "the run showed no progress for too long: the source does not answer, or DISCOVERY_IDLE_TIMEOUT is too short"
DENIED = "the permission elasticfilesystem:DescribeFileSystems is missing in eu-west-1: allow it to this user or role"


def build(database: str, sql: Any, elder: ElderClient) -> None:
    """Fills an empty database. The first id of everything is 1."""
    for name, parent in (("Example Ltd", None), ("Payments", 1), ("Empty", 1)):
        elder.post("organizations", {"name": name, "parent_id": parent})
    elder.post("keys", {"name": "ci", "role": "operate", "expires_in_days": 90})
    _jobs(database, sql)
    _connector(database)
    hook = {"name": "on-call", "url": "https://example.com/hooks/elder", "events": ["run.ended", "job.parked"]}
    elder.post("webhooks", hook)
    for _ in range(2):
        elder.post("webhooks/1/test", status=202)
    ends = "update elder_worker.webhook_deliveries set attempts = %s, next_attempt_at = null, status = %s, "
    sql.execute(ends + "delivered_at = now() where id = 1", [1, 204])
    sql.execute(ends + "failed_at = now(), error = 'the receiver answered 500' where id = 2", [8, 500])


def _jobs(database: str, sql: Any) -> None:
    aws = add_job(sql, name="AWS production", schedule_interval=3600, description="every account of the company")
    _read(database, aws, (22, 443), 24)
    partial = _read(database, aws, (22, 443, 8443), 2)
    partial.scope([], Scope("aws", ACCOUNT, REGION, "efs_file_system"), Outcome.DENIED, message=DENIED, permission=DENIED.split()[2])
    partial.finish(Verdict(Status.PARTIAL, "", "1 scope was denied", log=LOG))
    pods = [Resource(f"pod-{number}", "compute", "k8s_pod", f"checkout-{number}", {"phase": "Running"}) for number in range(3)]
    staging = add_job(sql, name="Cluster staging", provider="kubernetes")
    run_once(database, staging, pods, scope=Scope("kubernetes", "staging", "", "k8s_pod"))
    cron = {"schedule_cron": "0 3 * * MON-FRI", "schedule_timezone": "Europe/Berlin"}
    azure = add_job(sql, 2, name="Azure research and development", provider="azure", config=Jsonb({}), **cron)
    Run(database, azure).finish(Verdict(Status.ERROR, "idle", LOST))
    old = add_job(sql, name="An account that is gone")
    run_once(database, old, buckets(26)[24:], scope=Scope("aws", "444455556666", REGION, "s3_bucket"))
    sql.execute("update discovery_jobs set deleted_at = now() where id = %s", [old])
    sql.execute("update discovery_jobs set enabled = false where id = %s", [staging])
    sql.execute("update discovery_history set worker = 'worker-1'")
    sql.execute("update elder_worker.run_durations set step = 45, seconds = 50.25 * runs, longest = 61.5")


def _read(database: str, job: int, ports: tuple[int, ...], kept: int) -> Run:
    """A run that has stored what it found; the first one of a job also ends."""
    run = Run(database, job)
    for kind, found in {"ec2_instance": instances()[:4], **network(ports), "s3_bucket": buckets(kept)}.items():
        run.scope(found, Scope("aws", ACCOUNT, REGION, kind))
    if kept > 2:
        run.finish()
    return run


def _connector(database: str) -> None:
    """A connector whose second sync lacks most of the people of the first."""
    people = [Resource(f"uid={number},dc=example", "user", "ldap_user", f"User {number}", {}) for number in range(24)]
    with connect(database) as connection:
        for found in (people, people[:2]):
            sync = Sync(connection)
            sync.scope(found)
            sync.finish(Verdict(Status.COMPLETED, log=LOG))
