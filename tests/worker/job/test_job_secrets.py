"""Secrets of stores in a job's process: in its config, known to its redactor, in no log line; and the process shut in afterwards."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys

import pytest

from providers import registry
from providers.errors import ConfigError
from providers.stores.access import StoreAccess
from providers.stores.reading import SecretReader
from supervisor import landlock
from worker.job import secrets
from worker.job.secrets import with_secrets
from worker.logs.redact import Redactor
from worker.run import wire

SECRET = "s3cret-of-the-store-42"
ACCESS = StoreAccess({}, timeout=1, secrets=("t0ken-of-the-worker",), files=("/run/token",), read_paths=("/run/ca.pem",))


@pytest.fixture
def confined(monkeypatch):
    """What `landlock.confine` was called with; this process itself stays free."""
    calls = []
    monkeypatch.setattr(secrets.landlock, "confine", lambda *paths, **rules: calls.append((paths, rules)))
    return calls


@pytest.fixture
def answers(monkeypatch):
    """What the store holds, and a library that logs all of it."""
    found = {"jobs/token": SECRET}

    def read(_, reference):
        logging.getLogger("library").critical("body: %s", found[reference["$aws"]])
        return found[reference["$aws"]]

    monkeypatch.setattr(SecretReader, "read", read)
    return found


def start(config, provider="kubernetes", stores: StoreAccess | None = ACCESS, ports=(53, 443)):
    return wire.JobStart("discovery", "7", provider, config, ports=ports, stores=stores)


def test_the_secret_is_in_the_config_and_known_to_the_redactor(answers, confined, caplog):
    redactor = Redactor()
    job = with_secrets(start({"server": "https://x:6443", "token": {"$aws": "jobs/token"}}), redactor)

    assert job.config == {"server": "https://x:6443", "token": SECRET}
    assert job.stores is None
    assert SECRET not in caplog.text
    assert redactor.text(f"{SECRET} and t0ken-of-the-worker") == "*** and ***"
    logging.getLogger("library").critical("logs again")
    assert "logs again" in caplog.text


def test_the_process_keeps_to_the_files_of_its_job_and_to_the_ports_that_its_secret_names(answers, confined):
    answers["jobs/kube"] = json.dumps({"clusters": [{"cluster": {"server": "https://10.0.0.1:6443"}}]})
    job = with_secrets(start({"kubeconfig": {"$aws": "jobs/kube"}}), Redactor())

    assert job.ports == (53, 443, 6443)
    assert confined == [((("/run/ca.pem",), (os.getcwd(),)), {"files": True, "ports": (53, 443, 6443)})]


def test_every_port_where_the_operator_allows_every_port(answers, confined):
    assert with_secrets(start({"token": {"$aws": "jobs/token"}}, ports=None), Redactor()).ports is None
    [(_, rules)] = confined
    assert rules["ports"] is None


def test_a_job_without_secrets_in_stores_is_as_it_was(confined):
    job = start({"token": "plain"}, stores=None)
    assert with_secrets(job, Redactor()) is job
    assert confined == []


def test_no_package_of_a_third_party_shares_a_process_with_the_sign_in(answers, monkeypatch):
    monkeypatch.setattr(registry, "get", lambda name: pytest.fail("the package is looked for"))
    with pytest.raises(ConfigError, match="for built-in providers"):
        with_secrets(start({"token": {"$aws": "jobs/token"}}, provider="acme"), Redactor())


SHUT_IN = """
import json, socket, sys
from pathlib import Path
from providers.stores.access import StoreAccess
from providers.stores.reading import SecretReader
from supervisor import kernel
from worker.job.secrets import with_secrets
from worker.logs.redact import Redactor
from worker.run import wire

token, mine, port = sys.argv[1:]

def attempt(what):
    try:
        what()
    except PermissionError:
        return "refused"
    return "done"

def tries():
    calls = (Path(token).read_text, Path(mine).read_text, lambda: socket.create_connection(("127.0.0.1", int(port))).close())
    return [attempt(call) for call in calls]

SecretReader.read = lambda self, reference: "s3cret"
kernel.forbid_new_privileges()
access = StoreAccess({}, timeout=1, files=(token,), read_paths=(mine,))
before = tries()
with_secrets(wire.JobStart("discovery", "7", "kubernetes", {"token": {"$aws": "x"}}, ports=(443,), stores=access), Redactor())
print(json.dumps([before, tries()]))
"""


def test_afterwards_the_kernel_refuses_the_sign_in_of_the_store_and_its_port(tmp_path):
    if landlock.abi() < landlock.PORTS:
        pytest.skip("this kernel has no Landlock with ports")
    (tmp_path / "token").write_text("t0ken")
    (tmp_path / "mine").write_text("x")
    (tmp_path / "folder").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as store:
        arguments = [str(tmp_path / "token"), str(tmp_path / "mine"), str(store.getsockname()[1])]
        environ = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        ended = subprocess.run(
            [sys.executable, "-c", SHUT_IN, *arguments], capture_output=True, text=True, cwd=tmp_path / "folder", env=environ, timeout=100
        )
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) == [["done", "done", "done"], ["refused", "done", "refused"]]
