"""The commands of the quick start: how each is run here, and whether it gives what the document promises."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys

from document import Block, Command, commands

from providers import variables
from worker.config import settings
from worker.config.environment import SettingsError

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAP = 100

ELSEWHERE = {
    r"^nano |^docker stats|^docker volume create|^docker run --rm": "the reader's own editor, engine or image",
    r"^aws sts|^ldapsearch": "another vendor's tool, against the reader's own account",
    r"^docker-compose (up|restart)|^docker-compose logs (-f|--tail=100) worker$": "the start itself: the worker under test was started so",
    r"exec worker (env|ls|cat) ": "looks into the reader's own container; tests/container does it in one",
    r"import psycopg2|exec api python3|exec worker curl": "in the image alone: tests/container runs it there",
}
"""Pattern of commands that are not run -> the reason."""

DIFFERENCES: dict[str, str] = {}
"""Command that does not hold -> the reason; there is none."""


class System:
    """The system that the commands of the document are typed at."""

    elsewhere = ELSEWHERE
    """Commands that are not run, and why."""
    read = ("aws", "kubernetes")
    """Providers whose sources are here, so that their jobs have to complete."""

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
    for pattern, why in system.elsewhere.items():
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
        if made["provider"] in system.read and "organization_id" in text:
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
