"""docs/webhooks.md: its receivers take what is delivered and nothing else, and what it says of events, waits and calls is so."""

from __future__ import annotations

import json
import os
import pathlib
import re
import sys
import time

import pytest
from peers import mortal
from peers.elder import ElderClient, settings
from peers.port import free_port
from store_runs import add_job, resources, run_once
from waiting import until

from api import webhooks as routes
from api.app import create_app
from api.delivery import signature
from api.delivery.deliverer import WAITS, Deliverer
from api.delivery.request import SHOWN
from worker.run.events import EVENTS
from worker.store import retention

TEXT = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "webhooks.md").read_text()
SERVER, CHECK = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def elder(database):
    app = create_app(settings(database, ELDER_WEBHOOK_NETWORKS="127.0.0.1"))
    yield ElderClient(app)
    app.extensions["elder"].pool.close()


def test_the_receiver_takes_what_is_delivered_and_refuses_what_others_sign(elder, database, sql, tmp_path):
    context, port = elder.app.extensions["elder"], free_port()
    body = {"name": "hook", "url": f"http://127.0.0.1:{port}/", "events": ["run.ended", "entities.new"]}
    hook = elder.post("webhooks", body)
    path, out = f"webhooks/{hook['id']}", tmp_path / "out"
    environ = {**os.environ, "WEBHOOK_SECRET": hook["secret"], "PORT": str(port)}
    deliverer = Deliverer(context.settings, context.pool, context.box, context.deliveries)
    with out.open("wb") as log:
        process = mortal.start([sys.executable, "-c", SERVER], env=environ, stdout=log, stderr=log)
    try:
        run_once(database, add_job(sql), resources(2))

        def delivered() -> bool:
            sql.execute("update elder_worker.webhook_deliveries set next_attempt_at = now() where next_attempt_at is not null")
            deliverer.deliver_due()
            return elder.get(path)["pending"] == 0

        until(delivered, out.read_text)
        elder.post(f"{path}/rotate", {}, 200)
        elder.post(f"{path}/test", status=202)
        deliverer.deliver_due()
        refused = elder.get(f"{path}/deliveries")["deliveries"][0]
    finally:
        process.kill()
        process.wait()

    printed = re.findall(r"^([0-9a-f-]{36}) (\S+)$", out.read_text(), re.MULTILINE)
    assert sorted(kind for _, kind in printed) == ["entities.new", "run.ended"]
    assert (refused["status"], refused["attempts"]) == (401, 1)


def test_the_check_without_a_library():
    names: dict = {}
    exec(CHECK, names)
    secret, body = signature.new_secret(), b'{"type": "run.ended"}'
    headers = signature.headers([signature.new_secret(), secret], "5d4f", int(time.time()), body)

    assert names["is_ours"](secret, headers, body)
    assert not names["is_ours"](secret, headers, body + b" ")
    assert not names["is_ours"](signature.new_secret(), headers, body)
    assert not names["is_ours"](secret, signature.headers([secret], "5d4f", int(time.time()) - 301, body), body)


def test_the_example_has_the_fields_of_an_event(elder, database, sql):
    job = add_job(sql)
    run_once(database, job, resources(30))
    elder.post("webhooks", {"name": "hook", "url": "https://example.com/", "events": ["entities.deleted"]})
    run_once(database, job, resources(29))

    [payload] = sql.execute("select payload from elder_worker.webhook_deliveries").fetchone()
    [example] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)

    assert _shape(payload) == _shape(json.loads(example))


def _shape(value):
    """The names of fields, and the types of values."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    return [_shape(inner) for inner in value] if isinstance(value, list) else type(value)


def test_events_calls_and_numbers_are_those_of_the_code():
    assert set(re.findall(r"`((?:run|job|entities)\.\w+)`", TEXT)) == set(EVENTS)
    calls = {f"{method} {re.sub('[A-Z]{2,}', '{}', path)}" for method, path in re.findall(r"`(GET|POST|PUT|DELETE) (/[^`]+)`", TEXT)}
    assert calls == {f"{one.method} {re.sub(r'{.*?}', '{}', one.path)}" for one in routes.ENDPOINTS}
    assert "5 s, 30 s, 2 min, 10 min, 30 min, 1 h, 3 h, 6 h and 12 h" in TEXT
    assert WAITS == (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)
    hours, minutes = divmod(int(sum(WAITS)) // 60, 60)
    assert f"ten attempts within {hours} hours and {minutes} minutes" in TEXT
    assert f"{SHOWN:,} bytes" in TEXT
    assert f"kept for {retention.DELIVERIES_KEPT} days" in TEXT
