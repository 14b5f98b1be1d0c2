"""The redactor, and logs written through it."""

from __future__ import annotations

import base64
import json
import logging
import os
from urllib.parse import quote

import pytest
import structlog

from supervisor.output import Outlet
from worker.logs import structured as logs
from worker.logs.redact import Redactor

SECRET = 'p@ss "w/ord"+1'


@pytest.mark.parametrize(
    "form",
    [
        SECRET,
        quote(SECRET, safe=""),
        json.dumps({"k": SECRET}),
        repr({"k": SECRET}),
        base64.b64encode(f"user:{SECRET}".encode()).decode(),
        base64.b64encode(SECRET.encode()).decode(),
        json.dumps({"event": "headers " + repr({"k": SECRET.encode()})}),
        json.dumps({"event": repr({"k": SECRET})}),
    ],
)
def test_g02_every_form_of_a_secret_goes(form):
    shown = Redactor([SECRET]).text(f"before {form} after")
    assert "before" in shown
    assert "after" in shown
    assert SECRET not in shown
    assert "w/ord" not in shown
    assert base64.b64encode(SECRET.encode()).decode()[4:12] not in shown


def test_g02_a_short_secret_inside_a_long_one_leaves_no_remainder():
    redactor = Redactor(["canary", "canary-and-more"])
    assert redactor.text("x canary-and-more y canary z") == "x *** y *** z"


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://elder:canary@host/db",
        "Authorization: Bearer canary.canary.canary",
        "Authorization: SSWS canarycanary",
        "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----",
        "password=canary1",
        '{"client_secret": "canary"}',
    ],
)
def test_well_known_shapes(text):
    assert "canary" not in Redactor().text(text)


def test_ordinary_words_stay():
    text = "the token has expired; the password of the bind DN is wrong; 3 secrets were read"
    assert Redactor(["abc"]).text(text) == text


@pytest.fixture
def lines():
    read, write = os.pipe()

    def taken():
        os.set_blocking(read, False)
        return os.read(read, 1 << 20).decode().splitlines()

    yield write, taken
    logs.configure("ERROR", "json", outlet=Outlet(2))
    os.close(read)
    os.close(write)


@pytest.mark.parametrize("shape", ["json", "text"])
def test_c09_one_line_an_event_and_no_forged_one(lines, shape):
    write, taken = lines
    logs.configure("INFO", shape, redactor=Redactor(["canary-secret"]), outlet=Outlet(write))
    structlog.get_logger("a").info("job_id: 42 done", name="x\n2026 forged\x1b[31m", key="canary-secret")
    logging.getLogger("supervisor").info("ended: %s", "job_id: 42", extra={"run": "7"})
    logging.getLogger("botocore").debug("canary-secret")
    found = taken()
    assert len(found) == 2
    assert all("job_id: 42" in line and "canary" not in line and "\x1b" not in line for line in found)
    if shape == "json":
        assert json.loads(found[1])["run"] == "7"
