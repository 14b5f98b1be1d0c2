"""Connectivity tests: asked for over HTTP, answered by a worker, and no waiting for one that is not there."""

from __future__ import annotations

import threading
import time
import uuid

import psycopg
import pytest
from peers.elder import ElderClient
from waiting import until

import api.probe
from worker.store.queue import PostgresQueue

IDENTITY = {"name": "arn:aws:iam::123456789012:user/reader", "details": {}}


def in_background(function):
    box: list = []
    thread = threading.Thread(target=lambda: box.append(function()))
    thread.start()
    return thread, box


def claimed(worker_queue: PostgresQueue, count: int = 1):
    deadline = time.monotonic() + 30
    found = []
    while len(found) < count and time.monotonic() < deadline:
        found += worker_queue.claim_tests(count)
        threading.Event().wait(0.02)
    assert len(found) == count
    return found


def test_without_a_worker_the_answer_comes_at_once_and_says_what_to_do(elder):
    job = elder.job()["id"]

    error = elder.post(f"discovery/jobs/{job}/test", status=503)["error"]

    assert "no worker is there" in error
    assert "docker-compose up -d worker" in error


@pytest.mark.parametrize("notified", [True, False])
def test_a_worker_answers(elder, elder_app, worker_queue, sql, monkeypatch, notified):
    """Whether or not the notification comes through: a connection pooler may swallow it."""
    job = elder.job()["id"]
    thread, box = in_background(lambda: ElderClient(elder_app).call("POST", f"discovery/jobs/{job}/test"))
    [asked] = claimed(worker_queue)
    assert asked.provider == "aws"
    assert set(asked.config["secret_access_key"]) == {"$fernet"}
    answer = {"success": True, "message": "connected to aws", "identity": IDENTITY, "error_kind": ""}
    if notified:
        worker_queue.answer(asked, answer)
    else:
        sql.execute("update elder_worker.tests set answer = %s", [psycopg.types.json.Jsonb(answer)])
    thread.join(30)

    [response] = box
    assert response.status_code == 200
    assert response.json == {"job_id": job, "provider": "aws", **answer, "warnings": []}
    assert sql.execute("select count(*) from elder_worker.tests").fetchone() == (0,)


def test_a_failure_is_an_answer_too(elder, elder_app, worker_queue):
    job = elder.job()["id"]
    thread, box = in_background(lambda: ElderClient(elder_app).call("POST", f"discovery/jobs/{job}/test"))
    [asked] = claimed(worker_queue)
    worker_queue.answer(asked, {"success": False, "message": "AWS refuses the keys", "identity": None, "error_kind": "credentials"})
    thread.join(30)

    assert box[0].json["success"] is False
    assert box[0].json["message"] == "AWS refuses the keys"


def test_a_worker_that_does_not_answer_is_not_waited_for_for_ever(elder, worker_queue, sql, monkeypatch):
    monkeypatch.setattr(api.probe, "TEST_SECONDS", 0.2)
    job = elder.job()["id"]

    assert "no worker has answered within 0.2 s" in elder.post(f"discovery/jobs/{job}/test", status=503)["error"]
    assert worker_queue.claim_tests(1) == []  # nobody starts a test that nobody waits for


def test_what_a_worker_has_not_answered_when_it_stops_is_anothers(elder, elder_app, worker_queue, database):
    job = elder.job()["id"]
    thread, box = in_background(lambda: ElderClient(elder_app).call("POST", f"discovery/jobs/{job}/test"))
    [asked] = claimed(worker_queue)
    another = PostgresQueue(database, str(uuid.uuid4()), "w2", 30.0)
    try:
        assert another.claim_tests(1) == []
        worker_queue.release_tests()
        until(another.notified, "it is told at once")
        assert another.claim_tests(1) == [asked]
        worker_queue.release_tests()  # what is not its own any more stays where it is
        another.answer(asked, {"success": True, "message": "connected", "identity": None, "error_kind": ""})
        thread.join(30)
    finally:
        another.close()

    assert box[0].json["message"] == "connected"


def test_only_a_few_may_wait_and_the_api_answers_others(elder, elder_app, worker_queue, monkeypatch):
    job = elder.job()["id"]
    waiting = [in_background(lambda: ElderClient(elder_app).call("POST", f"discovery/jobs/{job}/test")) for _ in range(api.probe.AT_ONCE)]
    asked = claimed(worker_queue, api.probe.AT_ONCE)

    assert "tests are running" in elder.post(f"discovery/jobs/{job}/test", status=503)["error"]
    elder.get("entities")

    for test in asked:
        worker_queue.answer(test, {"success": True, "message": "", "identity": None, "error_kind": ""})
    for thread, box in waiting:
        thread.join(30)
        assert box[0].status_code == 200
