"""The quick start, command by command: each is read out of docs/quickstart.md and run, and the table says which hold.

What needs Docker is run as its local equivalent: the logs are files, the containers are processes. What cannot be run here says why.
"""

from __future__ import annotations

import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from document import blocks
from peers.absent import missing
from peers.port import free_port
from quickstart import DOCUMENT
from quickstart_commands import DIFFERENCES, System, rows_of

pytestmark = pytest.mark.timeout(900)  # it makes an API server, a database and a worker, and runs a hundred commands
ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def system(tmp_path_factory, moto_process, kube):
    """API and worker as `elder-worker up` starts them, AWS answered by moto and Kubernetes by a real API server."""
    for tool in ("curl", "jq"):
        if subprocess.run(["which", tool], capture_output=True).returncode:
            missing(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("up")
    account = folder / "serviceaccount"
    account.mkdir()
    (account / "token").write_text("admin-token")
    (account / "ca.crt").write_text(kube.ca)
    host, _, port = kube.server.removeprefix("https://").partition(":")
    api, health = free_port(), free_port()
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBE"))},
        "ELDER_API_PORT": str(api),
        "HEALTH_CHECK_PORT": str(health),
        "AWS_ENDPOINT_URL": moto_process.url,
        "KUBERNETES_SERVICE_HOST": host,
        "KUBERNETES_SERVICE_PORT": port,
        "DISCOVERY_ALLOWED_PATHS": str(folder),
        "DISCOVERY_KILL_GRACE": "1",
    }
    with (folder / "out").open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "worker.cli", "up", "--data", str(folder / "data")], env=environ, cwd=ROOT, stdout=out, stderr=out
        )
    system = System(api, health, folder / "data" / "logs" / "worker.log", account, environ)
    try:
        system.shell(
            f"for i in $(seq 600); do curl -sf localhost:{health}/readyz && break; sleep 0.1; done; curl -sf localhost:{health}/readyz"
        )
        system.shell(
            f"curl -sf -X POST localhost:{api}/api/v1/organizations -H 'Content-Type: application/json' -d '{{\"name\": \"One\"}}'"
        )
        yield system
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, (folder / "out").read_text()


def test_the_quick_start_line_by_line(system, capsys):
    rows = [row for block in blocks(DOCUMENT) if block.language == "bash" for row in rows_of(system, block)]
    with capsys.disabled():
        print("\n\n" + "\n".join(f"{line:>4} {verdict:<10} {text[:80]:<80} {why}" for line, verdict, text, why in rows))
    assert [row for row in rows if row[1] == "FAILS"] == []
    assert sum(row[1] == "holds" for row in rows) > 90


def test_the_sql_of_the_quick_start(database, sql):
    """The statement that its here-document runs."""
    text = DOCUMENT.read_text()
    statement = re.search(r'executesql\("(.*?)"\)', text)
    assert statement
    assert sql.execute(statement[1]).fetchall() == []


def test_every_difference_is_listed_in_the_document():
    text = DOCUMENT.read_text().partition("## Differences")[2]
    for why in (*DIFFERENCES.values(), "psycopg2", "apps.api.db", "curl"):
        assert why in text, why
