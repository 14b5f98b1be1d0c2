"""What a job's config may not reach: the metadata service, files, programs, other hosts' passwords, SQL, modules. Group G."""

from __future__ import annotations

import json
import pathlib
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet
from psycopg.types.json import Jsonb
from store_runs import Run, add_job

from providers import registry
from providers.address import is_forbidden
from providers.errors import ConfigError
from providers.records import Link, Resource, Scope
from worker.config.secretbox import SecretBox
from worker.writer.launch import Launcher

ROOT = pathlib.Path(__file__).resolve().parents[2]

METADATA = """
import fcntl, json, socket, struct, sys, threading

def up(name, address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        of = lambda data: struct.pack("16s16s", name.encode(), data)
        if address:
            fcntl.ioctl(control, 0x8916, of(struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))))
        fcntl.ioctl(control, 0x8914, struct.pack("16sH14x", name.encode(), 0x41))

up("lo", "")
up("lo:1", "169.254.169.254")
received = []
listener = socket.create_server(("169.254.169.254", 443))
def listen():
    while True:
        connection, _ = listener.accept()
        received.append(connection.getsockname()[0])
        connection.close()
threading.Thread(target=listen, daemon=True).start()
with socket.create_connection(("169.254.169.254", 443)) as control:
    control.recv(1)
before = len(received)

real = socket.getaddrinfo
def rebound(host, *rest, **more):
    return real("169.254.169.254" if host == "innocent.example" else host, *rest, **more)
socket.getaddrinfo = rebound

from providers import registry
from providers.http import retry
from providers.http.client import Http
from providers.kubernetes.config import KubernetesOperator
from providers.schema import parse
from providers.variables import NoSettings
from worker.job.egress import forbid_metadata
retry.wait = lambda seconds: None
forbid_metadata()
results = {}
for server in json.loads(sys.argv[1]):
    provider = registry.get("kubernetes")
    try:
        provider.open(parse(provider.config, {"server": server, "token": "t"}), KubernetesOperator()).check()
    except Exception as error:
        results[server] = f"{type(error).__name__}: {error}"
directory = registry.get("ldap")
for host in ("169.254.169.254", "innocent.example", "2852039166"):
    try:
        config = {"server": host, "port": 443, "base_dn": "dc=x", "bind_dn": "cn=x", "bind_password": "x"}
        directory.open(parse(directory.config, config), NoSettings()).check()
    except Exception as error:
        results["ldap " + host] = f"{type(error).__name__}: {error}"
with Http("http://innocent.example:443", "Weather") as http:
    try:
        http.get("/latest/meta-data/")
    except Exception as error:
        results["http"] = f"{type(error).__name__}: {error}"
print(json.dumps([before, len(received) - before, results]))
"""
"""Run in a network of its own, in which the metadata service is a listener of ours."""

SERVERS = (
    "https://169.254.169.254",
    "https://[::ffff:169.254.169.254]",
    "https://2852039166",
    "https://0xA9FEA9FE",
    "https://0251.0376.0251.0376",
    "https://innocent.example",
)


def test_g07_nothing_in_a_config_leads_to_the_metadata_service(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(METADATA)
    alone = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "true"], capture_output=True, check=False)
    if alone.returncode:
        from peers.absent import missing

        missing("a network namespace of our own is not to be had here")
    command = ["unshare", "--user", "--map-root-user", "--net", sys.executable, str(script), json.dumps(SERVERS)]
    done = subprocess.run(command, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]
    before, received, output = json.loads(done.stdout.splitlines()[-1])

    assert before == 1, "the listener hears whoever comes"
    assert received == 0, output
    assert set(output) == {*SERVERS, "ldap 169.254.169.254", "ldap innocent.example", "ldap 2852039166", "http"}


@pytest.mark.parametrize("url", ["gopher://x", "file:///etc/passwd", "http://x", "ftp://x", "//x"])
def test_g07_a_server_is_reached_by_https_alone(url):
    with pytest.raises(ConfigError, match="must begin with https"):
        launcher().job("1", "kubernetes", {"server": url, "token": "t"})


@pytest.mark.parametrize(
    ("host", "is_so"),
    [
        ("169.254.169.254", True),
        ("::ffff:169.254.169.254", True),
        ("::ffff:a9fe:a9fe", True),
        ("64:ff9b::a9fe:a9fe", True),
        ("2002:a9fe:a9fe::1", True),
        ("fe80::1%eth0", True),
        ("fd00:ec2::254", True),
        ("100.100.100.200", True),
        ("0.0.0.0", True),
        ("::", True),
        ("224.0.0.1", True),
        ("10.0.0.1", False),
        ("fd12::1", False),
        ("8.8.8.8", False),
        ("127.0.0.1", False),
        ("ldap.example.com", False),
    ],
)
def test_g07_forbidden_addresses(host, is_so):
    assert is_forbidden(host) == is_so


def launcher(allowed=("/var/run/secrets",)):
    return Launcher({}, allowed, SecretBox([Fernet.generate_key().decode()]), ("INFO", "json"))


@pytest.mark.parametrize(
    ("provider", "config", "key"),
    [
        ("kubernetes", {"kubeconfig_path": "/etc/shadow"}, "kubeconfig_path"),
        ("kubernetes", {"kubeconfig_path": "/var/run/secrets/../../etc/shadow"}, "kubeconfig_path"),
        ("kubernetes", {"kubeconfig_path": "/var/run/secrets-of-others/x"}, "kubeconfig_path"),
        ("kubernetes", {"kubeconfig_path": "/proc/self/environ"}, "kubeconfig_path"),
        ("kubernetes", {"kubeconfig_path": "/var/run/secrets/x\0/etc/shadow"}, "kubeconfig_path"),
        ("kubernetes", {"tokenFile": "/etc/shadow"}, "tokenFile"),
        ("aws", {"credential_process": "touch {canary}"}, "credential_process"),
        ("aws", {"endpoint_url": "http://169.254.169.254"}, "endpoint_url"),
        ("azure", {"client_secret": "x", "authority": "https://evil.example"}, "authority"),
    ],
)
def test_g08_programs_and_files_in_a_config_are_refused_by_the_name_of_their_key(tmp_path, provider, config, key):
    canary = tmp_path / "canary"
    config = {name: value.replace("{canary}", str(canary)) for name, value in config.items()}
    with pytest.raises(ConfigError) as caught:
        launcher().job("1", provider, config)
    assert f"`{key}`" in str(caught.value)
    assert not canary.exists()


def test_g08_no_link_leads_out_of_an_allowed_folder(tmp_path):
    """Neither a file nor a folder that is one; what is inside is allowed, also by its real name."""
    allowed, outside = tmp_path / "allowed", tmp_path / "outside"
    allowed.mkdir()
    outside.mkdir()
    (outside / "secret").write_text("x")
    (allowed / "file").symlink_to(outside / "secret")
    (allowed / "folder").symlink_to(outside)
    (allowed / "token").write_text("x")
    for path in (allowed / "file", allowed / "folder" / "secret", allowed / ".." / "outside" / "secret"):
        with pytest.raises(ConfigError, match=r"`kubeconfig_path`: .* is not under a folder that jobs may read"):
            launcher((str(allowed),)).job("1", "kubernetes", {"kubeconfig_path": str(path)})
    assert (
        str(allowed / "token") in launcher((str(allowed),)).job("1", "kubernetes", {"kubeconfig_path": str(allowed / "token")}).read_paths
    )


HOSTILE_NAMES = (
    "'; drop table entities; --",
    '"; drop table entities; --',
    "$$; drop table entities; $$",
    "\\'; drop table entities; --",
    "%s %(run)s {0} ${x}",
    "a\tb\\nc\\.",
    "\\.",
    "名前 🜚 \u202e",
)


def test_g10_hostile_names_are_stored_as_they_are(database, sql):
    """As ids, names, attributes, tags, links, regions, accounts and types: by COPY the first time, by the merge the second."""
    job = add_job(sql)
    for version in (1, 2):
        run = Run(database, job)
        for name in HOSTILE_NAMES:
            resource = Resource(name, name, name, name, {name: [name, version]}, {name: name}, (Link(name, name),), parent=name)
            run.scope([resource], Scope("aws", name, name, name))
        run.finish()
    rows = sql.execute(
        "select external_id, entity_type, sub_type, name, provider, account, region, attributes, tags from entities order by id"
    ).fetchall()
    assert rows == [(name, name, name, name, "aws", name, name, {name: [name, 2]}, {name: name}) for name in HOSTILE_NAMES]
    assert {row[0] for row in sql.execute("select target_external_id from dependencies where target_id is not null")} == set(HOSTILE_NAMES)
    assert sql.execute("select count(*) from run_scopes").fetchone() == (2 * len(HOSTILE_NAMES),)


def test_g10_hostile_names_through_the_api(elder):
    for name in HOSTILE_NAMES:
        organization = elder.post("organizations", {"name": name})
        assert elder.get(f"organizations/{organization['id']}")["name"] == name
    for name in HOSTILE_NAMES:
        quoted = '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
        assert elder.call("GET", "entities", query_string={"q": quoted}).status_code == 200
        answer = elder.call("GET", "entities", query_string={"q": name})
        assert answer.status_code == 200 or (answer.status_code == 400 and "at character" in answer.json["error"]), answer.json
    assert elder.get("organizations")["total"] == len(HOSTILE_NAMES)


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "os:system", "os", "providers.hostile:Hostile", "__main__", "aws\0", "", "AWS", "a/../aws"]
)
def test_g11_a_name_is_never_turned_into_an_import(name, elder, sql):
    """Neither by the registry, nor by the API, nor by the worker."""
    watched = []

    def hook(event, arguments):
        if event == "import" and watched is not None:
            watched.append(arguments[0])

    sys.addaudithook(hook)
    try:
        with pytest.raises(ConfigError, match="unsupported provider"):
            registry.get(name)
        with pytest.raises(ConfigError, match="unsupported provider"):
            launcher().job("1", name, {})
    finally:
        imported, watched = watched, None
    assert not [module for module in imported if name and module.startswith(name.partition(":")[0])]
    if "\0" not in name:
        answer = elder.call("POST", "discovery/jobs", {"name": "x", "provider": name, "config": {}})
        assert answer.status_code == 400, answer.json


def test_g11_names_of_jobs_lead_nowhere(database, sql, tmp_path):
    job = add_job(sql, name="../../../" + str(tmp_path / "canary"), config=Jsonb({"../x": 1}))
    run = Run(database, job)
    run.scope([])
    run.finish()
    assert list(tmp_path.iterdir()) == []
