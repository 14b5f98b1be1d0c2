"""What the quick start says of connectors and their settings, each shown by a whole worker: AWS as moto simulates it, into the Elder API."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from peers.moto import KEYS
from peers.service import CAP, Part, get

pytestmark = pytest.mark.timeout(300)  # 86 s were seen on a machine with fifteen times its load


class Worker(Part):
    """``elder-worker run`` with the AWS connector."""

    def __init__(self, log, api, moto, **environ: str) -> None:
        aws = {"AWS_ENABLED": "true", "AWS_ENDPOINT_URL": moto.url, "AWS_REGIONS": "us-east-1"}
        keys = {"AWS_ACCESS_KEY_ID": KEYS["access_key_id"], "AWS_SECRET_ACCESS_KEY": KEYS["secret_access_key"]}
        super().__init__(log, "run", {"ELDER_API_URL": api.url, **aws, **keys, **environ}, "HEALTH_CHECK_PORT")

    def status(self) -> dict:
        """As ``/status`` has it, once the connectors are told."""
        return self.wait(lambda: (status := get(f"{self.url}/status"))["connectors"] and status, "the worker is there")

    def synced(self) -> dict:
        """The connector, once its sync has ended."""
        return self.wait(
            lambda: (one := self.connector("aws")).get("last_sync_at") and one["status"] != "running" and one, "a sync has ended"
        )


@pytest.fixture
def start(recorded, moto, tmp_path):
    """Starts a worker that delivers to the recorded API."""
    started = []

    def make(**environ: str) -> Worker:
        started.append(Worker(tmp_path / f"worker-{len(started)}.log", recorded, moto, **environ))
        return started[-1]

    yield make
    for worker in started:
        if worker.process.poll() is None:
            worker.stop()


@pytest.fixture
def account(moto):
    """People, what they may do, and a machine."""
    iam, ec2 = moto.client("iam"), moto.client("ec2")
    policy = iam.create_policy(PolicyName="readers", PolicyDocument=document("s3:Get*", Resource="*"))
    iam.create_group(GroupName="staff")
    iam.attach_group_policy(GroupName="staff", PolicyArn=policy["Policy"]["Arn"])
    for name in ("ann", "ben", "cat", "dan"):
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="staff", UserName=name)
    iam.attach_user_policy(UserName="ann", PolicyArn=policy["Policy"]["Arn"])
    iam.create_role(RoleName="deploy", AssumeRolePolicyDocument=document("sts:AssumeRole", Principal={"Service": "ec2.amazonaws.com"}))
    iam.attach_role_policy(RoleName="deploy", PolicyArn=policy["Policy"]["Arn"])
    ec2.create_vpc(CidrBlock="10.9.0.0/16")
    return moto


def document(action: str, **more) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, **more}]})


def seconds_until(moment: str) -> float:
    return (dt.datetime.fromisoformat(moment) - dt.datetime.now(dt.UTC)).total_seconds()


def test_the_aws_connector_without_a_database(account, recorded, start):
    """`AWS` > `AWS us-east-1`; users, groups, roles, policies and who has which; the regional infrastructure; in batches."""
    worker = start(SYNC_BATCH_SIZE="3", AWS_SYNC_INTERVAL="600")
    synced = worker.synced()

    assert (synced["status"] in ("completed", "partial"), synced["entities"]["created"] > 10) == (True, True), synced
    api = recorded.client
    organizations = {one["name"]: one for one in api.get("organizations")["organizations"]}
    assert set(organizations) == {"AWS", "AWS us-east-1"}
    assert organizations["AWS us-east-1"]["parent_id"] == organizations["AWS"]["id"]
    found = {(one["sub_type"], one["name"]): one for one in api.get("entities?per_page=1000")["entities"]}
    people = [("iam_user", "ann"), ("iam_user", "dan"), ("iam_group", "staff"), ("iam_role", "deploy"), ("iam_policy", "readers")]
    assert {found[one]["organization_id"] for one in people} == {organizations["AWS"]["id"]}
    assert {one["organization_id"] for (kind, _), one in found.items() if kind == "vpc"} == {organizations["AWS us-east-1"]["id"]}
    ids = {name: one["id"] for (_, name), one in found.items()}
    links = {(one["dependency_type"], one["target_id"]) for one in api.get(f"entities/{ids['ann']}")["dependencies"]}
    assert {target for _, target in links} >= {ids["staff"], ids["readers"]}
    for owner in ("staff", "deploy"):
        assert ids["readers"] in {one["target_id"] for one in api.get(f"entities/{ids[owner]}")["dependencies"]}, owner

    sizes = [len(body["resources"]) for body in recorded.bodies("/api/v1/sync/batch")]
    assert max(sizes) == 3
    assert "database" in worker.status()
    assert worker.status()["settings"]["sync_batch_size"] == 3
    assert 570 - CAP < seconds_until(synced["next_sync_at"]) <= 630
    assert "sync completed" in worker.log.read_text()


def test_everything_goes_to_the_default_organization_and_none_is_made(account, recorded, start, database):
    home = recorded.client.post("organizations", {"name": "Home"})["id"]
    worker = start(DEFAULT_ORGANIZATION_ID=str(home), CREATE_MISSING_ORGANIZATIONS="false", DATABASE_URL=database)
    assert (synced := worker.synced())["status"] in ("completed", "partial"), synced["error"]

    assert [one["name"] for one in recorded.client.get("organizations")["organizations"]] == ["Home"]
    entities = recorded.client.get(f"entities?organization_id={home}")["total"]
    assert entities == recorded.client.get("entities")["total"] > 10
    worker.wait(lambda: worker.status()["database"]["state"] == "up", "the database is there")


def test_a_default_organization_that_is_not_there_is_said(account, recorded, start):
    synced = start(DEFAULT_ORGANIZATION_ID="77").synced()

    assert (synced["status"], "DEFAULT_ORGANIZATION_ID is 77, and there is no such organization" in synced["error"]) == ("error", True)
    assert recorded.client.get("entities")["total"] == 0


INTERVALS = {"aws": 1800, "gcp": 21600, "google_workspace": 7200, "ldap": 900, "okta": 3600, "authentik": 5400, "entra": 10800}


def deliveries(recorded) -> list[str]:
    """Paths that the worker has called, but for the question, every few seconds, whether somebody wants a sync."""
    return [path for _, path, _ in recorded.requests if path != "/api/v1/sync/connectors"]


def test_without_a_sync_on_startup_each_connector_waits_its_own_interval(moto, recorded, start):
    enabled = {f"{name.upper()}_ENABLED": "true" for name in INTERVALS}
    intervals = {f"{name.upper()}_SYNC_INTERVAL": str(seconds) for name, seconds in INTERVALS.items()}
    needed = {"LDAP_SERVER": "x", "LDAP_BASE_DN": "dc=x", "OKTA_DOMAIN": "x.okta.com", "OKTA_API_TOKEN": "t", "AUTHENTIK_DOMAIN": "x"}
    needed |= {"AUTHENTIK_API_TOKEN": "t", "GOOGLE_WORKSPACE_CREDENTIALS_PATH": "/x", "GOOGLE_WORKSPACE_ADMIN_EMAIL": "a@example.com"}
    needed |= {"GCP_PROJECT_ID": "my-project-123", "GCP_CREDENTIALS_PATH": "/x"}
    worker = start(SYNC_ON_STARTUP="false", **enabled, **intervals, **needed)
    connectors = worker.status()["connectors"]

    assert {one["name"]: (one["enabled"], one["status"]) for one in connectors} == dict.fromkeys(INTERVALS, (True, "never"))
    for one in connectors:
        interval = INTERVALS[one["name"]]
        assert interval * 0.95 - CAP < seconds_until(one["next_sync_at"]) <= interval * 1.05, one
        assert worker.status()["settings"][f"{one['name']}_sync_interval"] == interval
    assert deliveries(recorded) == []


@pytest.mark.parametrize(("retries", "wait"), [(0, 3600), (2, 30)])
def test_a_request_is_retried_as_often_as_it_says_and_a_failed_sync_soon(account, recorded, start, retries, wait):
    recorded.fails = lambda path: path.startswith("/api/v1/sync/")
    worker = start(SYNC_MAX_RETRIES=str(retries), AWS_SYNC_INTERVAL="3600")
    synced = worker.synced()

    assert synced["status"] == "error"
    assert "503" in synced["error"]
    assert len(deliveries(recorded)) == retries + 1
    assert wait * 0.95 - CAP < seconds_until(synced["next_sync_at"]) <= wait * 1.05
    assert 'connector_sync_errors_total{connector="aws"} 1.0' in get(f"{worker.url}/metrics")


@pytest.mark.parametrize(("shape", "level"), [("json", "DEBUG"), ("text", "ERROR")])
def test_logs(moto, recorded, start, shape, level):
    worker = start(LOG_FORMAT=shape, LOG_LEVEL=level, SYNC_ON_STARTUP="false")
    worker.status()
    worker.stop()
    lines = [line for line in worker.log.read_text().splitlines() if line]

    assert bool(lines) == (level != "ERROR")
    if shape == "json":
        assert {"timestamp", "level", "logger", "event"} <= set.intersection(*(set(json.loads(line)) for line in lines))
    else:
        assert not [line for line in lines if line.startswith("{")]
