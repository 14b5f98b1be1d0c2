"""The inventory that the screenshots of the documentation show: a small company, with one of each thing that needs a person."""

from __future__ import annotations

import dataclasses
import itertools
from typing import Any

from psycopg.types.json import Jsonb
from store_runs import Run, add_job, run_once

from providers.errors import Outcome
from providers.records import Link, Resource, Scope
from worker.run.outcome import Status, Verdict

ACCOUNT, REGION = "111122223333", "eu-west-1"
TEAMS = ("payments", "search", "platform", "data")
CLOSED = {
    "DescribeFileSystems": ("efs_file_system",),
    "DescribeMountTargets": ("efs_mount_target",),
}
"""Types that cannot be read, by the action that is not allowed."""
DAYS = 14
"""Days over which the runs are spread."""


@dataclasses.dataclass(frozen=True)
class Shown:
    """Ids of what the pages show."""

    job: int
    run: int
    """A run that was read in part, with deletions that are held back."""
    group: int
    """A security group with one rule that was opened, and instances that use it."""


def _arn(kind: str, name: str) -> str:
    return f"arn:aws:ec2:{REGION}:{ACCOUNT}:{kind}/{name}"


def instances() -> list[Resource]:
    """24 instances of four teams, each in a subnet and with a security group."""
    return [_instance(number, TEAMS[number % 4]) for number in range(24)]


def _instance(number: int, team: str) -> Resource:
    state = {"Code": 80, "Name": "stopped"} if number % 9 == 4 else {"Code": 16, "Name": "running"}
    attributes = {
        "InstanceType": ("m7g.large", "c7g.xlarge")[number % 2],
        "PrivateIpAddress": f"10.0.{number % 3}.{10 + number}",
        "State": state,
    }
    links = (Link("in_subnet", _arn("subnet", f"subnet-0{number % 3}a1")), Link("has_security_group", _arn("security-group", "sg-0web")))
    name = f"{team}-{('api', 'worker', 'cache')[number % 3]}-{number // 12 + 1}"
    return Resource(_arn("instance", f"i-0f3a{number:02}"), "compute", "ec2_instance", name, attributes, _tags(team), links)


def network(ports: tuple[int, ...]) -> dict[str, list[Resource]]:
    """A VPC, its subnets, and a security group that lets these ports in, by type."""
    vpc = _arn("vpc", "vpc-0main")
    inside = (Link("in_vpc", vpc),)
    rules = [{"FromPort": port, "IpProtocol": "tcp", "IpRanges": [{"CidrIp": "10.0.0.0/8"}], "ToPort": port} for port in ports]
    subnets = [
        Resource(_arn("subnet", f"subnet-0{n}a1"), "network", "subnet", f"private-{'abc'[n]}", {"CidrBlock": f"10.0.{n}.0/24"}, {}, inside)
        for n in range(3)
    ]
    group = {"Description": "Instances behind the load balancer", "IpPermissions": rules}
    return {
        "vpc": [Resource(vpc, "vpc", "vpc", "main", {"CidrBlock": "10.0.0.0/16"}, _tags("platform"))],
        "subnet": subnets,
        "security_group": [
            Resource(_arn("security-group", "sg-0web"), "network", "security_group", "web", group, _tags("platform"), inside)
        ],
    }


def buckets(count: int) -> list[Resource]:
    """Buckets, of which the last reading lacks most."""
    return [
        Resource(
            f"arn:aws:s3:::example-logs-{n:02}", "storage", "s3_bucket", f"example-logs-{n:02}", {"Versioning": "Enabled"}, _tags("data")
        )
        for n in range(count)
    ]


def _tags(team: str) -> dict[str, str]:
    return {"env": "production", "team": team}


def build(database: str, sql: Any) -> Shown:
    """Stores it by runs of three jobs, spread over `DAYS` days that end now."""
    sql.execute("insert into organizations (id, name) values (1, 'Example Ltd')")
    hourly = {"schedule_interval": 3600}
    job = add_job(sql, name="AWS production", **hourly)
    for _ in range(DAYS - 1):
        _read(database, job, (22, 443), 30)
        _earlier(sql)
    _read(database, job, (22, 443, 8443), 4, denied=True)
    cluster = add_job(sql, name="Cluster staging", provider="kubernetes", **hourly)
    pods = [Resource(f"pod-{n}", "compute", "k8s_pod", f"checkout-{n}", {"phase": "Running"}) for n in range(9)]
    run_once(database, cluster, pods, scope=Scope("kubernetes", "staging", "", "k8s_pod"))
    hung = add_job(sql, name="Azure research", provider="azure", config=Jsonb({}))
    words = "the run showed no progress for too long: the source does not answer, or DISCOVERY_IDLE_TIMEOUT is too short"
    Run(database, hung).finish(Verdict(Status.ERROR, "idle", words))
    took = "make_interval(secs => 180 + id * 37 % 150 + 400 * (id % 9 = 4)::integer)"
    sql.execute(f"update discovery_history set worker = 'worker-1', started_at = completed_at - {took}")
    worker = "insert into elder_worker.workers (owner, name, providers, queues) values (gen_random_uuid(), 'worker-1', %s, '{default}')"
    sql.execute(worker, [["aws", "azure", "kubernetes"]])
    run = sql.execute("select max(id) from discovery_history where job_id = %s", [job]).fetchone()[0]
    group = sql.execute("select id from entities where sub_type = 'security_group'").fetchone()[0]
    return Shown(job, run, group)


def _read(database: str, job: int, ports: tuple[int, ...], kept: int, denied: bool = False) -> None:
    """One run; with `denied`, one API is not allowed in three regions."""
    run = Run(database, job)
    for kind, found in {"ec2_instance": instances(), **network(ports), "s3_bucket": buckets(kept)}.items():
        run.scope(found, Scope("aws", ACCOUNT, REGION, kind))
    for action, kinds in CLOSED.items() if denied else ():
        for region, kind in itertools.product((REGION, "us-east-1", "us-west-2"), kinds):
            permission = f"elasticfilesystem:{action}"
            words = f"the permission {permission} is missing in {region} of account {ACCOUNT}: allow it to this user or role"
            run.scope([], Scope("aws", ACCOUNT, region, kind), Outcome.DENIED, message=words, permission=permission)
    run.finish(Verdict(Status.PARTIAL, "", "6 scopes were denied") if denied else None)


def _earlier(sql: Any) -> None:
    """Moves everything that has happened so far a day back."""
    moments = {
        "discovery_history": ("started_at", "completed_at"),
        "entities": ("first_seen_at", "changed_at"),
        "entity_changes": ("changed_at",),
        "elder_worker.created": ("created_at",),
    }
    for table, columns in moments.items():
        sql.execute(f"update {table} set " + ", ".join(f"{column} = {column} - interval '1 day'" for column in columns))
