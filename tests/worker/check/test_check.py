"""The connectivity test: the quick start's own lines, the reason and the cure, and nothing that a source does can hold it up."""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import uuid

import pytest
from peers.moto import KEYS
from peers.service import Part, get
from waiting import CAP, until

from worker.check.transcript import HEAD, LINE

ROOT = pathlib.Path(__file__).resolve().parents[3]
QUICK_START = re.search(
    r"^=+\nElder Worker Service - Connectivity Test\n.*?\n```", (ROOT / "docs" / "quickstart.md").read_text(), re.MULTILINE | re.DOTALL
)
assert QUICK_START
ALL_WELL = f"{LINE}\nAll enabled tests passed! Worker is ready to run.\n{LINE}\n"


class Check:
    """One run of the script, under a mark that all of its processes carry."""

    def __init__(self, *arguments: str, **environ: str) -> None:
        self.mark = uuid.uuid4().hex
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBE", "ELDER_", "DATABASE_"))}
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "deploy" / "test_connectivity.py"), *arguments],
            env=kept | {"PYTHONTESTMARK": self.mark} | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ended(self) -> tuple[int, str]:
        """(exit code, what it printed), once nothing is left of it."""
        out, err = self.process.communicate(timeout=CAP)
        assert not err
        until(lambda: not self.processes(), "no process is left")
        return self.process.returncode, out

    def processes(self) -> list[str]:
        return [folder.name for folder in pathlib.Path("/proc").iterdir() if folder.name.isdecimal() and self._is_ours(folder)]

    def _is_ours(self, folder: pathlib.Path) -> bool:
        try:
            return self.mark.encode() in (folder / "environ").read_bytes()
        except OSError:
            return False


@pytest.fixture
def api(database, tmp_path):
    part = Part(tmp_path / "api.log", "api", {"DATABASE_URL": database, "ELDER_API_KEY": "the-key-of-the-api"}, "ELDER_API_PORT")
    part.wait(lambda: get(f"{part.url}/healthz"), "the API answers")
    yield part
    part.stop()


@pytest.fixture
def deaf():
    """The port of somebody who takes every connection and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as listener:
        yield listener.getsockname()[1]


def test_it_prints_what_the_quick_start_promises(api, database, moto):
    aws = {"AWS_ENABLED": "true", "AWS_ENDPOINT_URL": moto.url, "AWS_ACCESS_KEY_ID": KEYS["access_key_id"]}
    aws["AWS_SECRET_ACCESS_KEY"] = KEYS["secret_access_key"]
    also = {"DATABASE_READ_URL": database, "DATABASE_LISTEN_URL": database}
    code, out = Check(ELDER_API_URL=api.url, ELDER_API_KEY="the-key-of-the-api", DATABASE_URL=database, **also, **aws).ended()

    assert (code, out.endswith(ALL_WELL), out.startswith(HEAD)) == (0, True, True), out
    promised = QUICK_START[0].replace("✓ GCP connection successful", "✗ GCP: disabled").splitlines()
    assert out.splitlines()[:8] == promised[:8], "the quick start's lines come first, word for word"
    assert out.splitlines()[8:-3] == [
        "✗ Okta: disabled",
        "✗ Authentik: disabled",
        "✗ Azure: disabled",
        "✗ Kubernetes: disabled",
        "✗ Microsoft Entra ID: disabled",
        "✓ Database connection successful",
        "✓ Database read replica connection successful",
        "✓ Database notifications connection successful",
    ]


def test_as_json_it_says_as_whom(api, database, moto):
    environ = {"ELDER_API_URL": api.url, "ELDER_API_KEY": "the-key-of-the-api", "DATABASE_URL": database, "AWS_ENABLED": "true"}
    keys = {"AWS_ACCESS_KEY_ID": KEYS["access_key_id"], "AWS_SECRET_ACCESS_KEY": KEYS["secret_access_key"]}
    code, out = Check("--json", AWS_ENDPOINT_URL=moto.url, **environ, **keys).ended()
    answers = {answer["name"]: answer for answer in json.loads(out)}

    assert code == 0
    assert answers["AWS"]["identity"]["account"] == "123456789012"
    assert (answers["Database"]["identity"]["name"], answers["Database"]["identity"]["details"]["role"]) == ("elder", "primary")
    assert (answers["LDAP"]["success"], answers["LDAP"]["message"]) == (None, "disabled")


def test_each_failure_has_its_reason_and_its_cure_and_no_secret(api):
    canary = "canary-s3cret-of-the-api"
    environ = {"ELDER_API_URL": api.url, "ELDER_API_KEY": canary, "DATABASE_URL": f"postgresql://u:{canary}@127.0.0.1:1/elder"}
    environ |= {"LDAP_ENABLED": "true", "LDAP_SERVER": "127.0.0.1", "LDAP_PORT": "1", "LDAP_BASE_DN": "dc=x", "LDAP_BIND_DN": "cn=x"}
    code, out = Check(LDAP_BIND_PASSWORD=canary, KUBERNETES_ENABLED="true", KUBECONFIG="/nothing/here", **environ).ended()
    failed = {line.partition(" connection failed: ")[0]: line for line in out.splitlines() if "connection failed: " in line}

    assert (code, list(failed)) == (1, ["✗ Elder API", "✗ LDAP", "✗ Kubernetes", "✗ Database"])
    assert "check ELDER_API_KEY" in failed["✗ Elder API"]
    assert "/nothing/here" in failed["✗ Kubernetes"]
    assert "is DATABASE_URL right?" in failed["✗ Database"]
    assert "4 of the enabled tests failed." in out
    assert canary not in out


def test_who_says_nothing_is_not_waited_for(deaf):
    """Each in its own process, all at the same time, and killed: the API, the database, its replica, its notifications, a source."""
    database = f"postgresql://elder@127.0.0.1:{deaf}/elder?connect_timeout=60"
    code, out = Check(
        "--timeout",
        "3",
        ELDER_API_URL=f"http://127.0.0.1:{deaf}",
        DATABASE_URL=database,
        DATABASE_READ_URL=database,
        DATABASE_LISTEN_URL=database,
        LDAP_ENABLED="true",
        LDAP_SERVER="127.0.0.1",
        LDAP_PORT=str(deaf),
        LDAP_BASE_DN="dc=x",
    ).ended()

    assert code == 1
    silent = [line.partition(" connection failed")[0] for line in out.splitlines() if "no answer within 3 s" in line]
    assert silent == ["✗ Elder API", "✗ LDAP", "✗ Database", "✗ Database read replica", "✗ Database notifications"], out


def test_a_source_that_hangs_forks_crashes_lies_or_floods_is_told_of_and_leaves_nothing(deaf, tmp_path):
    (tmp_path / "sitecustomize.py").write_text("import misbehaving\nmisbehaving.install()\n")
    path = os.pathsep.join([str(tmp_path), str(ROOT / "tests" / "harness"), str(ROOT)])
    enabled = {f"{name}_ENABLED": "true" for name in ("AWS", "GCP", "AZURE", "KUBERNETES")}
    code, out = Check("--timeout", "15", ELDER_API_URL="http://127.0.0.1:1", PYTHONPATH=path, PYTHONMISBEHAVE="1", **enabled).ended()
    lines = {line.split()[1]: line for line in out.splitlines() if line.startswith(("✓", "✗"))}

    assert code == 1
    assert "no answer within 15 s" in lines["AWS"]
    assert "SIGKILL" in lines["GCP"]
    assert "without having said that it was done" in lines["Azure"]
    assert lines["Kubernetes"] == "✓ Kubernetes connection successful", "a flood is not a failure, and is not passed on"
    assert len(out) < 4000


def test_what_works_and_may_not_be_meant_is_a_warning_on_stderr(deaf):
    """The transcript keeps the quick start's lines."""
    check = Check("--timeout", "1", ELDER_API_URL=f"http://127.0.0.1:{deaf}", OKTA_API_TOKEN="abc # of the test tenant")
    out, err = check.process.communicate(timeout=CAP)

    assert err.startswith("elder-worker: warning: OKTA_API_TOKEN holds a ' #': a secret is taken as it stands")
    assert "abc" not in err
    assert out.startswith(HEAD)
    assert "warning" not in out


def test_ctrl_c(deaf):
    check = Check(ELDER_API_URL=f"http://127.0.0.1:{deaf}")
    until(lambda: len(check.processes()) >= 3, "it tries")
    check.process.send_signal(signal.SIGINT)

    assert check.ended()[0] == 130
