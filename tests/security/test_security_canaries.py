"""A canary in every secret there is, every way to fail, and then a look into everything that a person or a program can see. Group G."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import urllib.parse

import msgspec
import psycopg
import pytest
import urllib3
from cryptography.fernet import Fernet
from peers.elder import ElderClient
from peers.port import free_port
from waiting import until

from api.app import create_app
from providers import registry, schema
from worker.cli.settings import sections
from worker.config.settings import load

ROOT = pathlib.Path(__file__).resolve().parents[2]
CANARY = 'canary/7f3a+b9 "quoted" ünd'
"""What URL, JSON and base64 each spell in another way."""

DEBUG = """
import http.client, sys
import worker.logs.line
worker.logs.line.QUIET = ()
http.client.HTTPConnection.debuglevel = 1
if "spawn_main" in " ".join(sys.orig_argv):
    import ldap3.utils.log
    ldap3.utils.log.set_library_log_detail_level(ldap3.utils.log.EXTENDED)
    ldap3.utils.log.set_library_log_hide_sensitive_data(False)
"""
"""Every switch by which an SDK can be made to tell what it sends."""

FAILURES = ("blurt", "refuse_credentials", "refuse_config", "whisper", "crash", "sleep", "hog_memory", "write_garbage")


def spellings(secret: str) -> set[str]:
    """As grep would look for it."""
    encoded = base64.b64encode(secret.encode()).decode()
    found = {secret, urllib.parse.quote(secret), urllib.parse.quote_plus(secret), json.dumps(secret)[1:-1], encoded.rstrip("=")[:-1]}
    return found | {json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1], "7f3a+b9", "7f3a%2Bb9"}


def config_of(name: str) -> dict:
    """A config of that provider with the canary in every secret, and nobody at home anywhere else."""
    provider = registry.get(name)
    config = {}
    for field in msgspec.structs.fields(provider.config):
        if field.encode_name in schema.secret_names(provider.config):
            config[field.encode_name] = CANARY if "dict" not in str(field.type) else {"type": "service_account", "private_key": CANARY}
    known = {
        "kubernetes": {"server": "https://127.0.0.1:9", "token": CANARY},
        "ldap": {"server": "127.0.0.1", "port": 9, "base_dn": "dc=x", "bind_dn": "cn=x", "bind_password": CANARY},
        "aws": {"access_key_id": "AKIA" + "C" * 16, "secret_access_key": CANARY, "session_token": CANARY, "regions": ["us-east-1"]},
        "azure": {
            "tenant_id": "00000000-0000-0000-0000-000000000000",
            "client_id": "x",
            "client_secret": CANARY,
            "subscription_ids": ["s"],
        },
    }
    return known.get(name, config)


@pytest.fixture
def hostile_package(tmp_path):
    """The hostile provider, as a package beside Elder Worker."""
    site = tmp_path / "site"
    package = site / "elder_hostile-1.0.dist-info"
    package.mkdir(parents=True)
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: elder-hostile\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[elder_worker.providers]\nhostile = providers.hostile:Hostile\n")
    return site


@pytest.fixture
def everything(database, role, tmp_path, hostile_package, monkeypatch):
    """What is set, where it runs, and what can be seen of it."""
    registry.get.cache_clear()
    monkeypatch.setitem(registry.BUILT_IN, "hostile", "providers.hostile:Hostile")
    yield Everything(database, role, tmp_path, hostile_package)
    registry.get.cache_clear()


@pytest.fixture
def role(sql):
    """A role whose password is the canary."""
    name = f"canary_{os.getpid()}"
    sql.execute(f"create role {name} superuser login password {psycopg.sql.Literal(CANARY).as_string()}")
    yield name
    sql.execute(f"drop owned by {name}; drop role {name}")


class Everything:
    """A worker and an API, both with secrets in every setting that may hold one."""

    def __init__(self, database, role, folder, site):
        self.folder, self.database, self.port, self.seen = folder, database, free_port(), {}
        for name in ("tmp", "run"):
            (folder / name).mkdir()
        parts = psycopg.conninfo.conninfo_to_dict(database)
        secret = urllib.parse.quote(CANARY, safe="")
        url = f"postgresql://{role}:{secret}@/{parts['dbname']}?host={parts['host']}"
        keys = {one.name: CANARY for _, own in sections() for one in own if one.secret} | {
            "ELDER_SECRET_KEYS": Fernet.generate_key().decode()
        }
        self.environ = keys | {
            "DATABASE_URL": url,
            "DATABASE_READ_URL": url,
            "ELDER_API_URL": "http://127.0.0.1:9",
            "ELDER_OIDC_ISSUER": "http://127.0.0.1:9",
            "ELDER_OIDC_CLIENT_ID": "elder",
            "ELDER_OIDC_URL": "http://127.0.0.1:9",
            "ELDER_OIDC_ROLES": "*=read",
            "HEALTH_CHECK_HOST": "127.0.0.1",
            "HEALTH_CHECK_PORT": str(self.port),
            "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            "AWS_ACCESS_KEY_ID": "AKIA" + "C" * 16,
            "LDAP_ENABLED": "true",
            "LDAP_SERVER": "ldap://127.0.0.1:9",
            "LDAP_BASE_DN": "dc=x",
            "LDAP_BIND_DN": "cn=x",
            "AWS_ENABLED": "true",
            "DISCOVERY_JOB_TIMEOUT": "15",
            "DISCOVERY_MAX_CONCURRENT": "4",
            "DISCOVERY_KILL_GRACE": "1",
            "CONNECTOR_SYNC_TIMEOUT": "15",
            "DISCOVERY_JOB_MEMORY_MB": "300",
            "LOG_LEVEL": "DEBUG",
            "TMPDIR": str(folder / "tmp"),
            "XDG_RUNTIME_DIR": str(folder / "run"),
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{site}{os.pathsep}{ROOT}",
        }

    def run(self, seconds_of_look=None):
        """Makes the jobs through the API, runs them all to their end, and looks at everything meanwhile and afterwards."""
        nobody_signs_in = {name: value for name, value in self.environ.items() if not name.startswith(("ELDER_API_KEY", "ELDER_OIDC_"))}
        app = create_app(load(nobody_signs_in))
        client = ElderClient(app)
        jobs = [{"provider": "hostile", "config": {"behaviour": behaviour, "password": CANARY}} for behaviour in FAILURES]
        jobs += [{"provider": name, "config": config_of(name)} for name in registry.names() if name != "hostile"]
        made = []
        for number, job in enumerate(jobs):
            answer = client.call("POST", "discovery/jobs", {"name": f"job {number}", **job})
            self.seen[f"answer to making {job['provider']} {number}"] = answer.get_data(as_text=True)
            if answer.status_code == 201:
                made.append(answer.json["id"])
        with (self.folder / "log").open("wb") as log:
            command = [sys.executable, "-m", "worker.cli", "run"]
            process = subprocess.Popen(command, env=self.environ, cwd=self.folder, stdout=log, stderr=log, start_new_session=True)
        try:
            with psycopg.connect(self.database, autocommit=True) as sql:
                until(lambda: self._over(sql, process, made), "every job has ended", cap=110, pause=0.3)
                self._ask(client, made, sql)
        finally:
            process.terminate()
            assert process.wait(40) == 0
            app.extensions["elder"].pool.close()
        self.seen["log"] = (self.folder / "log").read_text(errors="replace")
        for path in self.folder.rglob("*"):
            if path.is_file() and path.stat().st_size < 1 << 24:
                self.seen[f"file {path.relative_to(self.folder)}"] = path.read_bytes().decode(errors="replace")

    def _over(self, sql, process, made):
        """Whether all have ended; what can be seen of the processes is taken down on the way."""
        for pid in [process.pid, *children(process.pid)]:
            for name in ("cmdline", "environ"):
                try:
                    text = pathlib.Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
                except OSError:
                    continue
                if pid != process.pid or "worker.supervised" in self.seen.get(f"cmdline {pid}", text):
                    self.seen[f"{name} {pid}"] = text
        for place, _, names in os.walk(self.folder / "tmp"):  # which minds no folder that goes meanwhile
            for path in (pathlib.Path(place, name) for name in names):
                with contextlib.suppress(OSError):
                    self.seen[f"temporary {path}"] = path.read_bytes().decode(errors="replace")
        [ended] = sql.execute("select count(distinct job_id) from discovery_history where status <> 'running'").fetchone()
        return ended >= len(made)

    def _ask(self, client, made, sql):
        http = urllib3.PoolManager(retries=False)
        for path in ("/status", "/metrics", "/", "/healthz", "/readyz", "/nothing"):
            self.seen[path] = http.request("GET", f"http://127.0.0.1:{self.port}{path}", timeout=20).data.decode()
        for job in made:
            for path in (f"discovery/jobs/{job}", f"discovery/jobs/{job}/history", f"/jobs/{job}"):
                self.seen[f"API {path}"] = client.call("GET", path).get_data(as_text=True)
        for schema_name, table in sql.execute(
            "select schemaname, relname from pg_stat_user_tables where schemaname in ('public', 'elder_worker')"
        ).fetchall():
            rows = sql.execute(f'select to_jsonb(t)::text from {schema_name}."{table}" t').fetchall()
            self.seen[f"table {table}"] = "\n".join(row[0] for row in rows)

    def leaks(self):
        """Where the canary is."""
        found = spellings(CANARY)
        return {where: next(one for one in found if one in text) for where, text in self.seen.items() if any(one in text for one in found)}


def children(pid):
    """Descendants of a process."""
    try:
        found = [int(one) for one in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [one for child in found for one in (child, *children(child))]


def sees(everything):
    """The look is worth something: it has seen failures of all kinds, from all places."""
    kinds = set(re.findall(r'"error_kind": "(\w+)"', everything.seen["table discovery_history"]))
    assert {"credentials", "config", "crashed", "timeout", "memory", "protocol"} <= kinds, kinds
    assert any(where.startswith("environ") for where in everything.seen)
    assert not [path for path in everything.folder.rglob("core*") if path.is_file()], "no core was dumped"


@pytest.mark.timeout(240)
def test_g01_a_secret_is_nowhere(everything):
    everything.run()
    sees(everything)
    assert everything.leaks() == {}


@pytest.mark.timeout(240)
def test_g03_a_secret_is_nowhere_though_every_sdk_tells_all_that_it_does(everything, hostile_package):
    (hostile_package / "sitecustomize.py").write_text(DEBUG)
    everything.run()
    sees(everything)
    assert "botocore" in everything.seen["log"], "the switches work"
    assert everything.leaks() == {}
