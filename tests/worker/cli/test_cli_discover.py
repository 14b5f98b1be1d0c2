"""``elder-worker discover`` as somebody types it: what is found on stdout, progress and errors on stderr, and an exit code."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import socket
import subprocess
import sys

import pytest
from gcp_assets import METHOD, Inventory
from gcp_population import populate
from peers.google_cloud import PROJECTS
from peers.moto import KEYS
from waiting import CAP

from providers.registry import install_command

KEPT = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KUBE", "LDAP_"))}


def discover(*arguments: str, **environ: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "worker.cli", "discover", *arguments]
    return subprocess.run(command, env=KEPT | environ, capture_output=True, text=True, timeout=CAP * 2)


@pytest.fixture
def aws(moto, tmp_path):
    """Arguments and environment for an account with two users in it."""
    for name in ("ann", "ben"):
        moto.client("iam").create_user(UserName=name)
    secret = tmp_path / "secret"
    secret.write_text(KEYS["secret_access_key"] + "\n")
    config = {"access_key_id": KEYS["access_key_id"], "secret_access_key": f"@{secret}", "regions": "us-east-1, us-west-2"}
    return ["aws", *(part for key, value in config.items() for part in ("--config", f"{key}={value}"))], {"AWS_ENDPOINT_URL": moto.url}


@pytest.mark.parametrize("shape", ["table", "csv", "jsonl"])
def test_what_is_found_is_on_stdout_alone(aws, shape):
    arguments, environ = aws
    done = discover(*arguments, "--format", shape, **environ)

    assert done.returncode in (0, 1), done.stderr
    if shape == "jsonl":
        rows = [json.loads(line) for line in done.stdout.splitlines()]
    elif shape == "csv":
        rows = list(csv.DictReader(io.StringIO(done.stdout)))
    else:
        head, *lines = done.stdout.splitlines()
        assert head.split() == ["sub_type", "name", "region", "external_id"]
        rows = [dict(zip(("sub_type", "name"), line.split()[:2], strict=True)) for line in lines]
    assert {row["name"] for row in rows if row["sub_type"] == "iam_user"} == {"ann", "ben"}
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"{len(rows)} resources in ")
    assert done.returncode == int(len(done.stderr.splitlines()) > 1), "each scope that was not read in full has its line"


def test_connectors_are_read_with_what_the_environment_says(moto):
    environ = {"AWS_ENDPOINT_URL": moto.url, "AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "secret"}
    done = discover("aws", "--config", "regions=eu-nowhere-1", **environ)

    assert done.returncode == 78
    assert "there is no region `eu-nowhere-1`" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["awz"], 78, "did you mean 'aws'?"),
        (["aws", "--config", "region=us-east-1"], 78, "did you mean `regions`?"),
        (["aws", "--config", "regions"], 78, "--config takes KEY=VALUE"),
        (["aws", "--config", "secret_access_key=@/nothing/here"], 78, "/nothing/here cannot be read"),
        (["aws", "--config-file", "/dev/null"], 78, "/dev/null cannot be read"),
        (["ldap", "--config", "server=127.0.0.1", "--config", "port=1", "--config", "base_dn=dc=x"], 1, "no answer from the directory"),
        (["kubernetes", "--config", "kubeconfig_path=/nothing/here"], 78, "/nothing/here"),
    ],
)
def test_what_is_wrong_is_one_sentence(arguments, code, sentence):
    done = discover(*arguments)

    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("feed", "lines"), [("assets", 1), ("lists", 0)])
def test_the_time_of_a_snapshot_is_told_once_for_what_was_read_from_it(company, google, tmp_path, feed, lines):
    populate(company)
    company.enabled = ["serviceusage", "pubsub"]
    Inventory(company)
    google.each_page[METHOD] = lambda _call: {"readTime": "2024-01-01T01:30:00.123456789+01:30"}
    (tmp_path / "job.json").write_text(json.dumps(company.config(project_ids=[PROJECTS[0]], feed=feed)))
    done = discover("gcp", "--config-file", str(tmp_path / "job.json"), **company.operator)
    sentence = f"2024-01-01T00:00:00Z: 2 of the scopes of {PROJECTS[0]}, from a snapshot of the source's own"

    assert [line.split(maxsplit=2)[2] for line in done.stderr.splitlines() if line.startswith("as of ")] == [sentence] * lines, done.stderr
    assert "gcp_pubsub_topic" in done.stdout


def test_an_sdk_that_is_not_installed_is_named():
    program = "import sys\nsys.modules['ldap3'] = None\nfrom worker.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", program, "discover", "ldap", "--config", "server=x", "--config", "base_dn=dc=x"]
    done = subprocess.run(command, env=KEPT, capture_output=True, text=True, timeout=CAP)

    assert (done.returncode, install_command("ldap") in done.stderr) == (78, True), done.stderr


def test_a_reader_that_leaves_and_ctrl_c(aws):
    arguments, environ = aws
    command = [sys.executable, "-m", "worker.cli", "discover"]
    with subprocess.Popen([*command, *arguments, "--format", "jsonl"], env=KEPT | environ, stdout=-1, stderr=-1, text=True) as early:
        assert early.stdout.readline()
        early.stdout.close()
        assert early.wait(CAP) == 141
        assert "Traceback" not in early.stderr.read()

    with socket.create_server(("127.0.0.1", 0)) as deaf:
        environ = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{deaf.getsockname()[1]}"}
        with subprocess.Popen([*command, *arguments], env=KEPT | environ, stdout=-1, stderr=-1, text=True) as hung:
            deaf.settimeout(CAP)
            with deaf.accept()[0]:
                hung.send_signal(signal.SIGINT)
                assert hung.wait(CAP) == 130
            assert "interrupted: not everything was read" in hung.stderr.read()
