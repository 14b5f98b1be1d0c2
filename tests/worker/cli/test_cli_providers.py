"""``elder-worker providers``: uses, memory, config keys and environment variables of each."""

from __future__ import annotations

import subprocess
import sys

import pytest
from peers.service import ROOT, environment

from providers import registry


def providers(*arguments: str) -> str:
    command = [sys.executable, "-m", "worker.cli", "providers", *arguments]
    return subprocess.run(command, env=environment({}), cwd=ROOT, capture_output=True, text=True, timeout=60, check=True).stdout


def test_all_in_the_order_of_the_quick_start():
    lines = providers().splitlines()

    assert [line.split()[0] for line in lines] == list(registry.names())
    assert lines[0].startswith("aws                  AWS ")
    assert lines[0].endswith("discovery jobs, connector")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "ldap",
            [
                "a job needs 64 MB of memory",
                "  LDAP_BIND_PASSWORD                         secret",
                "  LDAP_SERVER                                required",
            ],
        ),
        ("aws", ["a job needs 144 MB of memory", "  AWS_ENDPOINT_URL\n", "  AWS_SYNC_INTERVAL\n"]),
        ("kubernetes", ["Kubernetes (kubernetes): discovery jobs\n", "  KUBECONFIG\n", "  KUBERNETES_ENABLED\n"]),
    ],
)
def test_one_in_full(name, lines):
    shown = providers(name)
    assert not [line for line in lines if line not in shown], shown


def test_one_whose_sdk_is_missing_says_what_to_type(monkeypatch, capsys):
    from worker.cli.main import main

    monkeypatch.setattr(type(registry.get("ldap")), "sdk", ("nothing_of_that_name.at_all",))
    assert main(["providers", "ldap"]) == 0
    assert f"; not installed: {registry.install_command('ldap')}\n" in capsys.readouterr().out
