"""The API as it is started: ``elder-worker api`` in a process of its own, under gunicorn, called over TCP."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import uuid
from array import array

import msgspec
import pytest
import urllib3
from peers.elder import KEY
from peers.port import free_port
from waiting import until

from providers.records import Resource
from worker.run.fingerprints import key_of_id

CAP = 60
CANARY = "canary-s3cret-9f3"


def environment(database: str, **changes: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ELDER_", "PG"))}
    return kept | {"DATABASE_URL": database, "ELDER_SECRET_KEYS": KEY, "LOG_LEVEL": "DEBUG", "ELDER_API_PORT": str(free_port())} | changes


def processes(mark: str) -> list[str]:
    """Every living process that carries the mark, or came from one that does."""
    found = []
    for folder in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdecimal() and mark.encode() in (folder / "environ").read_bytes():
                found.append(folder.name)
    return found


class Served:
    """A running API."""

    def __init__(self, database: str, log: pathlib.Path, **changes: str) -> None:
        self.mark = uuid.uuid4().hex
        environ = environment(database, PYTHONTESTMARK=self.mark, **changes)
        self.url, self.log = f"http://127.0.0.1:{environ['ELDER_API_PORT']}", log
        self.http = urllib3.PoolManager(retries=False, timeout=30)
        with log.open("wb") as out:
            self.process = subprocess.Popen([sys.executable, "-m", "worker.cli", "api"], env=environ, stdout=out, stderr=out)
        until(self._ready, "the API is ready")

    def _ready(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            return self.http.request("GET", self.url + "/healthz").status == 200
        return False

    def call(self, method: str, path: str, body=None, **more):
        if body is not None:
            more |= {"body": json.dumps(body), "headers": {"Content-Type": "application/json"}}
        return self.http.request(method, f"{self.url}/api/v1/{path}", **more)

    def stop(self) -> None:
        self.http.clear()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(CAP)


@pytest.fixture
def served(database, tmp_path):
    api = Served(database, tmp_path / "log")
    yield api
    api.stop()
    until(lambda: not processes(api.mark), "no process is left")


def start_fails(database: str, **changes: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "worker.cli", "api"], env=environment(database, **changes), capture_output=True, text=True, timeout=CAP
    )
    assert done.returncode == 78
    assert "Traceback" not in done.stderr
    return done.stderr


def test_it_does_not_start_where_others_can_reach_it_without_a_key(database):
    assert "needs ELDER_API_KEY" in start_fails(database, ELDER_API_HOST="0.0.0.0")


def test_every_reason_not_to_start_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = start_fails("", ELDER_API_PORT=str(taken.getsockname()[1]), ELDER_SECRET_KEYS="not-a-key")

    assert "DATABASE_URL is not set" in words
    assert "is not a Fernet key" in words
    assert "Address already in use; choose another with ELDER_API_PORT" in words


def test_a_secret_is_nowhere_in_clear(served, sql):
    config = {"access_key_id": CANARY, "secret_access_key": CANARY, "regions": ["us-east-1"]}
    bodies = [
        {"name": "good", "provider": "aws", "config": config},
        {"name": "unknown", "provider": "awz", "config": config},
        {"name": "bad key", "provider": "aws", "config": {**config, "region": 1}},
        {"name": "wrong type", "provider": "aws", "config": {**config, "secret_access_key": [CANARY]}},
        {"name": "nul", "provider": "aws", "config": {**config, "secret_access_key": CANARY + "\0"}},
        {"name": "no such organization", "provider": "aws", "config": config, "organization_id": 77},
    ]

    answers = [served.call("POST", "discovery/jobs", body) for body in bodies]
    job = json.loads(answers[0].data)["id"]
    answers += [served.call("PATCH", f"discovery/jobs/{job}", {"config": {"session_token": CANARY, "x": 1}})]
    answers += [served.call("PUT", f"discovery/jobs/{job}", {"config": {"secret_access_key": CANARY}})]
    answers += [served.call("GET", f"discovery/jobs{path}") for path in ("", f"/{job}", f"/{job}/history")]
    answers += [served.call("POST", f"discovery/jobs/{job}/{call}") for call in ("test", "queue")]

    assert [answer.status for answer in answers] == [201, 400, 400, 400, 201, 400, 400, 200, 200, 200, 200, 503, 202]
    assert not [answer.data for answer in answers if CANARY.encode() in answer.data]
    rows = sql.execute("select j::text from discovery_jobs j union all select t::text from elder_worker.tests t").fetchall()
    assert rows
    assert CANARY not in str(rows)
    assert CANARY not in served.log.read_text()
    for pid in processes(served.mark):
        folder = pathlib.Path("/proc") / pid
        assert CANARY.encode() not in (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()


def test_a_body_without_a_length_is_bounded_too(served):
    chunks = (b" " * 65536 for _ in range(17))
    url, headers = f"{served.url}/api/v1/organizations", {"Content-Type": "application/json"}

    answer = served.http.request("POST", url, body=chunks, headers=headers, chunked=True)

    assert (answer.status, json.loads(answer.data)["error"]) == (413, "the body is too large")


def test_a_run_beside_the_api_is_a_run_like_any_other(served, sql):
    """Deprecated, under the same supervisor, and told in the history: here a job whose account does not exist."""
    body = {"name": "x", "provider": "kubernetes", "config": {"kubeconfig_path": "/var/run/secrets/nothing-here"}}
    job = json.loads(served.call("POST", "discovery/jobs", body).data)["id"]

    answer = served.call("POST", f"discovery/jobs/{job}/run?legacy=true", headers={"Content-Type": "application/json"})

    assert (answer.status, answer.headers["Deprecation"]) == (202, "@1767225600")
    assert '<queue>; rel="successor-version"' in answer.headers["Link"]
    assert json.loads(answer.data)["success"] is True
    [run] = until(
        lambda: [run for run in json.loads(served.call("GET", f"discovery/jobs/{job}/history").data)["results"] if run["completed_at"]],
        "the run has ended",
    )
    assert run["status"] == "error"
    assert run["error"]


def test_fifty_readers_at_once(served):
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(50) as threads:
        statuses = list(threads.map(lambda _: served.call("GET", "entities").status, range(200)))

    assert statuses == [200] * 200


def test_f02_what_the_guard_held_back_of_a_connector_is_let_go_by_a_person_and_not_before(served, sql):
    """The command releases through the API, as the connector's worker may have no database. An incomplete sync of an older worker, which
    does not name what it has shown, clears the list."""
    people = [Resource(f"user-{n}", "user", "ldap_user", f"User {n}", {}, organization="dc=x") for n in range(40)]
    scope = {"owner": "connector:ldap", "run": "1", "scope": ["ldap", "dc=x", "", "ldap_user"]}
    batch = {**scope, "organizations": [["dc=x", "LDAP: x"]], "resources": msgspec.to_builtins(people)}
    assert json.loads(served.call("POST", "sync/batch", batch).data)["created"] == 40
    unseen = base64.b64encode(array("q", [key_of_id(one.external_id) for one in people]).tobytes()).decode()

    def close(outcome: str) -> dict:
        answer = json.loads(served.call("POST", "sync/scopes", {**scope, "outcome": outcome, "resources": 0, "unseen": unseen}).data)
        return {name: answer[name] for name in ("deleted", "held_back")}

    def release(name: str = "ldap", *answers: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "worker.cli", "connectors", "release", name, *answers]
        return subprocess.run(command, env={**os.environ, "ELDER_API_URL": served.url}, capture_output=True, text=True, timeout=CAP)

    assert close("complete") == {"deleted": 0, "held_back": 40}
    close("denied")
    assert release("ldap", "--yes").stdout == "0 entities of connector ldap are now marked as deleted\n"
    close("complete")
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (40,)

    assert "nobody has said yes" in release().stderr
    assert release("ldap", "--yes").stdout == "40 entities of connector ldap are now marked as deleted\n"
    assert sql.execute("select count(*) from entities where is_active").fetchone() == (0,)
    assert "there is no connector 'ldab'" in release("ldab").stderr


def test_no_process_of_the_api_shows_its_secrets(database, tmp_path):
    """Not in the environment that root can read; and another process of the same user may not look at all."""
    api = Served(database, tmp_path / "log", ELDER_API_KEY=CANARY, AWS_SECRET_ACCESS_KEY=CANARY)
    try:
        pids = processes(api.mark)
        assert len(pids) >= 2, "the master and its worker"
        for pid in pids:
            held = (pathlib.Path("/proc") / pid / "environ").read_bytes()
            assert CANARY.encode() not in held
            assert b"DATABASE_URL" not in held
            look = ["unshare", "--user", "--map-current-user", "cat", f"/proc/{pid}/environ"]  # without capabilities over others
            assert "Permission denied" in subprocess.run(look, capture_output=True, text=True, check=False).stderr
    finally:
        api.stop()


def test_the_served_api_delivers_webhooks(database, tmp_path, receiver):
    """The deliverer is made before gunicorn forks, and its threads start in the process that answers requests."""
    api = Served(database, tmp_path / "log", ELDER_WEBHOOK_NETWORKS="127.0.0.1")
    try:
        body = {"name": "hook", "url": receiver.url, "events": ["run.ended"]}
        made = api.call("POST", "webhooks", body).json()
        asked = api.call("POST", f"webhooks/{made['id']}/test").json()

        until(lambda: receiver.received, api.log.read_text)
        until(lambda: api.call("GET", f"webhooks/{made['id']}").json()["last_delivered_at"], "the delivery is stored")
    finally:
        api.stop()
    until(lambda: not processes(api.mark), "no process is left")

    assert [got.headers["webhook-id"] for got in receiver.received] == [asked["event_id"]]
    assert made["secret"] not in api.log.read_text()
    assert "of=elder" not in api.log.read_text(), "URLs are often secrets of their receivers"


def test_a_delivery_that_is_under_way_when_the_api_ends_is_stored(database, tmp_path, receiver):
    """The worker process alone gets the signal, as its master would kill it after five seconds, however slow this machine is."""
    receiver.answering = lambda handler: receiver.ending.wait() and handler.send_error(404)
    api = Served(database, tmp_path / "log", ELDER_WEBHOOK_NETWORKS="127.0.0.1")
    try:
        made = api.call("POST", "webhooks", {"name": "hook", "url": receiver.url, "events": ["run.ended"]}).json()
        api.call("POST", f"webhooks/{made['id']}/test")
        until(lambda: receiver.received, api.log.read_text)
        master = api.process.pid
        for child in pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split():
            os.kill(int(child), signal.SIGTERM)

        until(lambda: "deliveries that are under way are waited for: 1" in api.log.read_text(), api.log.read_text)
        receiver.ending.set()

        path = f"webhooks/{made['id']}/deliveries"
        ended = until(lambda: [one for one in attempts(api, path) if one["status"]], api.log.read_text)
        assert [(one["status"], one["attempts"]) for one in ended] == [(404, 1)]
    finally:
        api.stop()
    until(lambda: not processes(api.mark), "no process is left")


def attempts(api: Served, path: str) -> list[dict]:
    """The deliveries of a webhook; none while the API starts anew."""
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        return api.call("GET", path).json()["deliveries"]
    return []
