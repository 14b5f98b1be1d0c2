"""The units of systemd, run by systemd itself: installed with the commands of docs/operations.md, they do their work within their confinement."""

from __future__ import annotations

import json
import pathlib
import re
import subprocess
import sys
import sysconfig
import urllib.request

import pytest
from peers.moto import KEYS
from peers.port import free_port
from peers.systemd import CGROUPS, Machine, needed, tools_needed
from waiting import NO_ANSWER, until

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEMORY_CAN_BE_DELEGATED = (CGROUPS / "cgroup.controllers").exists()
"""True under version 2 of control groups, which alone lets systemd delegate the controller of memory."""

LOG = "/var/log/elder"
UNITS = ("elder-worker", "elder-api", "elder-migrate")
EXPOSURE = {"elder-worker": 2.0, "elder-api": 1.5, "elder-migrate": 1.5}
"""The highest exposure of each unit as `systemd-analyze security` weighs it: 0 is confined, 10 is not."""


def documented(name: str) -> str:
    """The commands of that name in the docs."""
    text = (ROOT / "docs" / "operations.md").read_text()
    return re.search(rf"<!-- executed by tests/deploy/test_deploy_systemd.py: {name} -->\n```bash\n(.*?)```", text, re.DOTALL)[1]


class Installed:
    """The machine with the services; `api` and `health` are their URLs."""

    def __init__(self, machine: Machine, api: str, health: str) -> None:
        self.machine, self.api, self.health = machine, api, health

    def execute(self, script: str, **variables: str) -> str:
        """Runs a script as root, which must succeed; returns its output."""
        assigned = [f"{name}={value}" for name, value in variables.items()]
        done = self.machine.run("env", "--chdir=/opt/elder/source", *assigned, "sh", "-ec", script)
        assert done.returncode == 0, f"{done.stdout}{done.stderr}{self.log()}"
        return done.stdout

    def log(self) -> str:
        """Returns the journal of the services."""
        return self.machine.run("tail", "-n", "80", LOG).stdout

    def state(self, unit: str) -> dict[str, str]:
        """Returns the properties of a unit."""
        shown = self.machine.run("systemctl", "show", unit).stdout.splitlines()
        return dict(line.split("=", 1) for line in shown if "=" in line)

    def user(self, unit: str) -> int:
        """The number of the user that a service's first process runs as."""
        return int(self.execute(f"stat -c %u /proc/$(systemctl show -P MainPID {unit})"))

    def call(self, path: str, body: dict | None = None):
        """An answer of the API, with the key that the installation has made."""
        data = None if body is None else json.dumps(body).encode()
        key = self.execute("cat /etc/elder/api-key").strip()
        request = urllib.request.Request(f"{self.api}{path}", data, {"Content-Type": "application/json", "Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())

    def status(self) -> dict:
        """The worker's /status."""
        with urllib.request.urlopen(f"{self.health}/status", timeout=30) as response:
            return json.loads(response.read())

    def ready(self) -> bool:
        """True when worker and API can work."""
        try:
            for url in (f"{self.health}/readyz", f"{self.api}/healthz"):
                urllib.request.urlopen(url, timeout=30).close()
        except NO_ANSWER:
            return False
        return True

    def stopped(self, unit: str) -> dict[str, str]:
        """The state of a unit that was told to stop."""
        self.execute(f"systemctl stop {unit}")
        return self.state(unit)


@pytest.fixture
def installed(tmp_path, postgres_server, empty_database, moto):
    """After the commands of the docs, with the program from this checkout in /opt/elder and its dependencies from this environment."""
    needed()
    api, health = free_port(), free_port()
    pathlib.Path(postgres_server.socket).chmod(0o755)
    mounts = {
        ROOT: "/opt/elder/source",
        pathlib.Path(sysconfig.get_path("purelib")): "/opt/elder/dependencies",
        pathlib.Path(sys.base_prefix): "/opt/python",  # a home, where it may be, is hidden from services
        pathlib.Path(postgres_server.socket): "/run/postgresql",
    }
    machine = Machine(tmp_path, mounts)
    try:
        found = Installed(machine, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{health}")
        python = pathlib.Path(sys.executable).resolve().name
        found.execute(f"""/opt/python/bin/{python} -m venv --without-pip /opt/elder
            printf '/opt/elder/source\\n/opt/elder/dependencies\\n' >"$(echo /opt/elder/lib/python3*/site-packages)/path.pth"
            printf '#!/opt/elder/bin/python\\nimport sys\\nfrom worker.cli.main import main\\nsys.exit(main())\\n' >/opt/elder/bin/elder-worker
            chmod 755 /opt/elder/bin/elder-worker
            mkdir /etc/elder /etc/systemd/system/elder-.service.d
            printf '[Service]\nStandardOutput=append:{LOG}\nStandardError=append:{LOG}\nEnvironment=LD_LIBRARY_PATH=/opt/python/lib\n' \
                >/etc/systemd/system/elder-.service.d/test.conf
            echo ELDER_API_PORT={api} >/etc/elder/api.env
            printf 'HEALTH_CHECK_PORT={health}\\nELDER_API_URL={found.api}\\nAWS_ENDPOINT_URL={moto.url}\\n' >/etc/elder/worker.env""")
        url = empty_database.replace(str(postgres_server.socket), "/run/postgresql")
        found.execute(documented("install"), OWNER_URL=url, APP_URL=url)
        yield found
    finally:
        machine.close()


def test_the_services_do_their_work_within_their_confinement(installed):
    until(installed.ready, installed.log)
    verified = installed.machine.run("systemd-analyze", "verify", "--man=no", *(f"/etc/systemd/system/{unit}.service" for unit in UNITS))
    assert (verified.returncode, verified.stderr) == (0, "")
    assert installed.state("elder-migrate")["Result"] == "success"
    assert {installed.state(unit)["ActiveState"] for unit in ("elder-worker", "elder-api")} == {"active"}
    home = installed.call("/api/v1/organizations", {"name": "One"})["id"]
    job = {"name": "one", "provider": "aws", "config": {**KEYS, "regions": ["us-east-1"]}, "organization_id": home}
    number = installed.call("/api/v1/discovery/jobs", job)["id"]

    def ended():
        return [run for run in installed.call(f"/api/v1/discovery/jobs/{number}/history")["results"] if run["status"] != "running"]

    [run] = until(ended, installed.log)
    assert run["status"] == "completed", run
    found = installed.status()
    isolation = found["isolation"]
    assert isolation["pid_namespace"] and isolation["seccomp"], isolation
    assert [warning for warning in found["warnings"] if "hidepid" in warning], "the docs say that it does"
    assert {"kill"} | ({"memory", "pids"} if MEMORY_CAN_BE_DELEGATED else set()) <= set(isolation["cgroup"]), isolation
    assert installed.user("elder-worker") != installed.user("elder-api") > 1000

    installed.execute("printf secret >/etc/elder/ldap-password")
    installed.execute(documented("credential"))
    until(installed.ready, installed.log)
    held = "/run/credentials/elder-worker.service/ldap-password"
    assert installed.execute(f"stat -c '%a %u' {held}; cat {held}").split() == ["400", str(installed.user("elder-worker")), "secret"]

    state = installed.stopped("elder-worker")
    assert (state["Result"], state["ExecMainStatus"], state["ActiveState"]) == ("success", "0", "inactive")
    assert not installed.machine.run("pgrep", "-f", "worker.supervised").stdout

    installed.execute("echo HEALTH_CHECK_PROT=1 >>/etc/elder/worker.env; systemctl start elder-worker || true")
    state = until(lambda: failed(installed.state("elder-worker")), installed.log)
    assert (state["ExecMainStatus"], state["NRestarts"]) == ("78", "0")
    assert "did you mean HEALTH_CHECK_PORT?" in installed.log()


def failed(state: dict[str, str]) -> dict[str, str]:
    """The state, when it is the one that a person has to end."""
    return state if state["ActiveState"] == "failed" else {}


def security(unit: str) -> float:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(ROOT / "deploy" / "systemd" / f"{unit}.service")],
        capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    return float(re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)[1])


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_confined_as_far_as_its_work_permits(unit):
    tools_needed()
    assert security(unit) <= EXPOSURE[unit]
