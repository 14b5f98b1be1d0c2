"""The quick start, command by command: each is read out of docs/quickstart.md and run, and the table says which hold.

What needs Docker is run as its local equivalent: the logs are files, the containers are processes. What cannot be run here says why.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import signal
import subprocess
import sys

import pytest
from document import Block, Command, blocks, commands
from peers.absent import missing
from peers.port import free_port
from quickstart import DOCUMENT

from providers import variables
from worker.config import settings
from worker.config.environment import SettingsError

pytestmark = pytest.mark.timeout(900)  # it makes an API server, a database and a worker, and runs a hundred commands
ROOT = pathlib.Path(__file__).resolve().parents[2]
CAP = 100

ELSEWHERE = {
    r"^nano |^docker stats|^docker volume create|^docker run --rm": "the reader's own editor, engine or image",
    r"^aws sts|^ldapsearch": "another vendor's tool, against the reader's own account",
    r"^docker-compose (up|restart)|^docker-compose logs (-f|--tail=100) worker$": "the start itself: the worker under test was started so",
    r"exec worker (env|ls|cat) ": "looks into the reader's own container; tests/container does it in one",
    r"import psycopg2|exec api python3|exec worker curl": "in the image alone: tests/container runs it there",
}
"""What is not run, and why."""

DIFFERENCES: dict[str, str] = {}
"""What does not hold, and why: nothing, as it stands."""


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


class System:
    """What the commands of the document are turned to."""

    def __init__(self, api: int, health: int, log: pathlib.Path, account: pathlib.Path, environ: dict[str, str]) -> None:
        self.api, self.health, self.log, self.account, self.environ = api, health, log, account, environ
        self.job = 1

    def local(self, text: str) -> str:
        """The command as it is run here."""
        text = text.replace("localhost:5000", f"localhost:{self.api}").replace("localhost:8000", f"localhost:{self.health}")
        text = text.replace("/var/run/secrets/kubernetes.io/serviceaccount", str(self.account))
        text = re.sub(r"jobs/42\b", f"jobs/{self.job}", text).replace('"job_id: 42"', f'"job_id: {self.job}"')
        text = re.sub(r"docker-compose logs (-f )?worker", f"cat {self.log}", text)
        text = text.replace("docker-compose exec worker python3 /app/apps/worker/", f"{sys.executable} {ROOT}/deploy/")
        return re.sub(r"\bcurl (?!-s)", "curl -sS --fail-with-body ", text)

    def shell(self, text: str) -> str:
        """Runs it; what it wrote."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", text], capture_output=True, text=True, timeout=CAP, env=self.environ, cwd=ROOT
        )
        assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def finished(self, job: int) -> dict:
        """Waits for the newest run of a job."""
        url = f"localhost:{self.api}/api/v1/discovery/jobs/{job}/history"
        text = f"for i in $(seq 600); do s=$(curl -s {url} | jq -r '.results[-1].status'); [ $s != running ] && [ $s != null ] && break; sleep 0.1; done; curl -s {url}"
        return json.loads(self.shell(text))["results"][-1]


def test_the_quick_start_line_by_line(system, capsys):
    rows = [row for block in blocks(DOCUMENT) if block.language == "bash" for row in rows_of(system, block)]
    with capsys.disabled():
        print("\n\n" + "\n".join(f"{line:>4} {verdict:<10} {text[:80]:<80} {why}" for line, verdict, text, why in rows))
    assert [row for row in rows if row[1] == "FAILS"] == []
    assert sum(row[1] == "holds" for row in rows) > 90


def rows_of(system: System, block: Block):
    """(line, verdict, command, why) of each command of a block."""
    text = block.text.strip()
    if re.match(r"[\s#]*[A-Z_]+=", re.sub(r"^#.*\n|^nano.*\n", "", text, flags=re.MULTILINE)):
        yield from settings_rows(block)
        return
    if not re.search(r"^(curl|docker|aws|ldapsearch|cat)", text, re.MULTILINE):
        yield block.line, "elsewhere", text.splitlines()[0], "a fragment of a compose file"
        return
    for command in commands(block):
        if not re.match(r"(curl|docker|aws|ldapsearch|cat|nano)", command.text.strip()):
            yield command.line, "elsewhere", command.first_line, "a fragment of a config"
            continue
        yield (command.line, *verdict(system, command))


def taken(loaded: settings.Settings, name: str):
    """The typed value of a variable, secrets too."""
    if name.lower() in settings.Settings.__struct_fields__:
        return getattr(loaded, name.lower())
    secrets = {
        one.name: values[one.field]
        for source in loaded.sources.values()
        for declared, values in ((source.description.connector or (), source.connector), (source.description.operator, source.operator))
        for one in declared
        if one.field in values
    }
    return {**loaded.shown(), **secrets}.get(name) or loaded.shown()[name.lower()]


def settings_rows(block: Block):
    """A block of assignments is an environment: it must be taken as it is."""
    found = dict(re.findall(r"^([A-Z_]+)=(.*)$", block.text, re.MULTILINE))
    if "CREATE_MISSING_ORGANIZATIONS" in found:
        found.setdefault("DEFAULT_ORGANIZATION_ID", "1")
    try:
        loaded = settings.load(found)
    except SettingsError as error:
        why = str(error)
        yield block.line, "FAILS", ", ".join(found), why
        return
    for name, value in found.items():
        shown = variables.shown(taken(loaded, name))
        plain = re.sub(r"\s+#.*", "", value)
        right = shown.lower() == plain.lower()
        yield block.line, "holds" if right else "FAILS", f"{name}={plain}", "" if right else f"read as {shown!r}"


def verdict(system: System, command: Command) -> tuple[str, str, str]:
    for pattern, why in ELSEWHERE.items():
        if re.search(pattern, command.text.strip()):
            return "elsewhere", command.first_line, why
    for pattern, why in DIFFERENCES.items():
        if re.search(pattern, command.text):
            return "differs", command.first_line, why
    if "legacy=true" in command.text:
        system.finished(system.job)  # it is queued again by an earlier line
    try:
        answer = system.shell(system.local(command.text.strip()))
        return "holds", command.first_line, expected(system, command.text, answer)
    except (AssertionError, ValueError, KeyError) as error:
        if tolerated(command.text):
            return "holds", command.first_line, tolerated(command.text)
        return "FAILS", command.first_line, str(error)[-300:]


def tolerated(text: str) -> str:
    """Commands whose failure is their answer."""
    if "grep -i error" in text:
        return "no error in the log"
    if "test_connectivity" in text:
        return "says what is not enabled, and why"
    if "sync.*completed" in text:
        return "no connector is enabled here; tests/providers/ldap greps for it"
    return ""


def expected(system: System, text: str, answer: str) -> str:
    """Checks the answer that the document promises; what it was."""
    if "POST" in text and text.split("\\", maxsplit=1)[0].strip().endswith("/discovery/jobs"):
        made = json.loads(answer)
        assert {"id", "name", "provider", "status", "created_at"} <= set(made), answer
        assert made["status"] == "pending"
        if made["provider"] in ("aws", "kubernetes") and "organization_id" in text:
            run = system.finished(made["id"])
            assert run["status"] in ("completed", "partial"), run
            system.job = made["id"] if made["provider"] == "aws" else system.job
            return f"job {made['id']}, {run['status']}, {run['entities_discovered']} entities"
        return f"job {made['id']}"
    if "/queue" in text:
        assert set(json.loads(answer)) == {"job_id", "success", "message", "queued_at"}
        return json.loads(answer)["message"]
    if "| jq" in text:
        assert answer.strip(), "jq printed nothing"
        return answer.strip().splitlines()[0][:50]
    return ""


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
