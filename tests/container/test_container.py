"""The image in the smallest container: it starts, discovers, ends what misbehaves before the kernel does, reaps, and stops.

Nothing here is installed in the image but what the Dockerfile puts there; the provider that misbehaves is a third party's package, mounted.
"""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import subprocess
import urllib.request

import pytest
from cryptography.fernet import Fernet
from peers.image import SMALL, Container, podman
from peers.moto import KEYS
from peers.port import free_port
from waiting import NO_ANSWER, until

pytestmark = pytest.mark.timeout(1800)  # the first one builds the image
ROOT = pathlib.Path(__file__).resolve().parents[2]
ORPHANS = 1000
MAKE_ORPHANS = f"import os\nfor _ in range({ORPHANS}):\n if not os.fork(): os._exit(0)"
ZOMBIES = """import os
found = [open(f"/proc/{p}/stat").read().rsplit(")", 1)[1].split() for p in os.listdir("/proc") if p.isdecimal() and os.path.exists(f"/proc/{p}/stat")]
print(sum(fields[0] == "Z" for fields in found))"""


def call(url: str, body: dict | None = None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def answers(url: str):
    try:
        return call(url)
    except NO_ANSWER:
        return None


@pytest.fixture(scope="module")
def third_party(tmp_path_factory) -> pathlib.Path:
    """The hostile provider as a package of its own: the image has none of it."""
    folder = tmp_path_factory.mktemp("third-party")
    shutil.copytree(ROOT / "providers" / "hostile", folder / "elder_hostile", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "elder_hostile").glob("*.py"):
        path.write_text(path.read_text().replace("providers.hostile", "elder_hostile"))
    about = folder / "elder_hostile-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: elder-hostile\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[elder_worker.providers]\nhostile = elder_hostile:Hostile\n")
    for path in (folder, *folder.parents[:2]):
        path.chmod(0o755)
    return folder


class System:
    """API and worker, each in a container."""

    def __init__(self, api: Container, worker: Container, api_url: str, health: str) -> None:
        self.api, self.worker, self.api_url, self.health = api, worker, api_url, health

    def discover(self, provider: str, config: dict) -> int:
        """The number of a new job, which is due at once."""
        job = {"name": provider, "provider": provider, "config": config, "organization_id": 1}
        return call(f"{self.api_url}/api/v1/discovery/jobs", job)["id"]

    def finished(self, job: int) -> dict:
        """Its run, when that has ended."""

        def look():
            runs = call(f"{self.api_url}/api/v1/discovery/jobs/{job}/history")["results"]
            return [run for run in runs if run["status"] != "running"]

        return until(look, self.worker.logs)[0]

    def isolation(self) -> dict:
        """Of /status, once a job has told it."""
        return until(lambda: [found for found in [call(f"{self.health}/status")["isolation"]] if found["landlock"] is not None])[0]


@pytest.fixture
def system(container, database, postgres_server, third_party, moto):
    """Both under `SMALL`; the database on the host."""
    pathlib.Path(postgres_server.socket).chmod(0o755)
    socket = f"{postgres_server.socket}:{postgres_server.socket}"
    api, health = free_port(), free_port()
    environ = {"DATABASE_URL": database, "ELDER_SECRET_KEYS": Fernet.generate_key().decode(), "PYTHONPATH": "/third-party"}
    environ |= {"ELDER_API_HOST": "127.0.0.1", "ELDER_API_PORT": str(api), "ELDER_API_URL": f"http://127.0.0.1:{api}"}
    environ |= {"HEALTH_CHECK_PORT": str(health), "AWS_ENDPOINT_URL": moto.url, "DISCOVERY_KILL_GRACE": "1"}
    environ |= {"DISCOVERY_MAX_CONCURRENT": "1", "CONNECTOR_MAX_CONCURRENT": "1"}  # 176 MB for a job instead of 88: room for a hog to grow
    mounts = ("-v", socket, "-v", f"{third_party}:/third-party:ro")
    first = container(*SMALL, *mounts, environ=environ, command=("elder-worker", "api"))
    second = container(*SMALL, *mounts, environ=environ)
    system = System(first, second, f"http://127.0.0.1:{api}", f"http://127.0.0.1:{health}")
    until(lambda: answers(f"{system.api_url}/healthz"), first.logs)
    until(lambda: answers(f"{system.health}/readyz"), second.logs)
    call(f"{system.api_url}/api/v1/organizations", {"name": "One"})
    return system


def test_g14_the_image_holds_no_compiler_no_pip_and_no_hostile_provider(image, capsys):
    script = "import importlib.util as u, shutil, sys; sys.exit(any(map(u.find_spec, ('pip', 'setuptools', 'providers.hostile'))) or any(map(shutil.which, ('gcc', 'cc', 'pip'))))"
    podman("run", "--rm", "--network", "none", *LIMITS_ONLY, image, "python3", "-c", script)
    packages = json.loads(podman("run", "--rm", "--network", "none", *LIMITS_ONLY, image, "cat", "/opt/elder/packages.json"))
    assert {"elder-worker", "psycopg", "boto3"} <= {each["metadata"]["name"] for each in packages["installed"]}
    [about] = json.loads(podman("image", "inspect", image))
    assert about["Config"]["User"] == "10001"
    labels = about["Config"]["Labels"]
    assert {f"org.opencontainers.image.{name}" for name in ("title", "description", "licenses", "version", "revision")} <= set(labels)
    with capsys.disabled():
        print(f"\nthe image has {about['Size'] / 1e6:.0f} MB, its base and {len(packages['installed'])} packages included")


def test_nothing_in_the_image_gives_rights_and_the_licence_of_each_package_is_there(image):
    run = ("run", "--rm", "--network", "none", *LIMITS_ONLY, image)
    assert podman(*run, "sh", "-c", "find / -xdev -type f -perm /6000 2>/dev/null || true").strip() == ""
    packages = json.loads(podman(*run, "cat", "/opt/elder/packages.json"))["installed"]
    lines = podman(*run, "cat", "/opt/elder/LICENSES.txt").splitlines()
    listed = dict(line.split(": ", 1) for line in lines[: lines.index("")])
    assert set(listed) == {f"{one['metadata']['name']} {one['metadata']['version']}" for one in packages}
    assert [name for name, licence in listed.items() if licence == "see its text"] == []
    assert "Apache License" in "\n".join(lines)


LIMITS_ONLY = ("--runtime", "runc", "--ulimit", "nofile=20000:20000", "--ulimit", "nproc=30000:30000", "--no-healthcheck", *SMALL)


def test_g13_a_day_in_the_smallest_container(system, moto):
    """Discovery, the quick start's own commands, hogs, a refugee, a thousand orphans, and the end; the container is never restarted."""
    moto.client("s3").create_bucket(Bucket="one")
    moto.client("organizations").create_organization(FeatureSet="ALL")  # else its types are unsupported, and the run is partial
    before = system.worker.state()["Pid"]
    run = system.finished(system.discover("aws", {**KEYS, "regions": ["us-east-1"]}))
    assert (run["status"], run["error"]) == ("completed", None), run
    assert run["entities_discovered"] > 5
    assert call(f"{system.health}/healthz")["status"] == "healthy"
    assert set(system.isolation()) >= {"subreaper", "pid_namespace", "landlock", "cgroup"}

    commands_of_the_quick_start(system)
    hogs_are_ended_by_us(system)
    a_refugee_dies(system)
    orphans_are_reaped(system)

    assert system.worker.state()["Pid"] == before
    assert system.worker.stop() == 0, system.worker.logs()
    assert system.api.stop() == 0, system.api.logs()


def commands_of_the_quick_start(system) -> None:
    """Those that it runs in a container, read out of it."""
    text = (ROOT / "docs" / "quickstart.md").read_text()
    assert "Elder API connection successful" in run_any(system.worker, "python3", "/app/apps/worker/test_connectivity.py")
    assert system.worker.run("ls", "-la", "/app/credentials/").startswith("total")
    assert "AWS_ENDPOINT_URL=" in system.worker.run("env")
    assert "status" in system.worker.run("curl", "-sf", f"{system.api_url}/healthz")
    [driver] = re.findall(r"python3 -c \"(import psycopg2.*?)\"", text)
    system.worker.run("sh", "-c", f'python3 -c "{driver}"')
    [here] = re.findall(r"docker-compose exec api python3 << 'EOF'\n(.*?)\nEOF", text, re.DOTALL)
    assert "Status: completed" in system.api.run("python3", given=here)
    for name in ("README.md", ".env.example", "test_connectivity.py"):
        system.worker.run("test", "-r", f"/app/apps/worker/{name}")
    system.worker.run("test", "-d", "/var/run/secrets/elder")


def run_any(container: Container, *command: str) -> str:
    """What it wrote, whatever its exit code: a source that is not configured is a failure of the check."""
    return subprocess.run(["podman", "exec", container.name, *command], capture_output=True, text=True, timeout=100).stdout


def ended_by_the_kernel(container: Container) -> dict[str, str]:
    """The counters of the container's control group, as it sees them itself."""
    script = "cat /sys/fs/cgroup/memory.events /sys/fs/cgroup/memory/memory.oom_control 2>/dev/null || true"
    return dict(re.findall(r"^(oom|oom_kill) (\d+)$", container.run("sh", "-c", script), re.MULTILINE))


def hogs_are_ended_by_us(system) -> None:
    before = ended_by_the_kernel(system.worker)
    assert before
    for behaviour in ("hog_memory", "hog_in_children"):
        run = system.finished(system.discover("hostile", {"behaviour": behaviour}))
        assert (run["status"], run["error_kind"]) == ("error", "memory"), run
    assert ended_by_the_kernel(system.worker) == before
    assert not system.worker.state()["OOMKilled"]


def a_refugee_dies(system) -> None:
    """A grandchild in a session of its own, which ignores what can be ignored, in a container that has no PID namespace to give."""
    sleepers = "import glob; print(sum(b'time.sleep(600)' in open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/cmdline')) - 1)"
    job = system.discover("hostile", {"behaviour": "grandchild"})
    until(lambda: int(system.worker.run("python3", "-c", sleepers)) == 1, "the grandchild is not there")
    call(f"{system.api_url}/api/v1/discovery/jobs/{job}/cancel", {})
    assert system.finished(job)["status"] == "cancelled"
    assert int(system.worker.run("python3", "-c", sleepers)) == 0


def orphans_are_reaped(system) -> None:
    """B8: a thousand at once fall to PID 1."""
    system.worker.run("python3", "-c", MAKE_ORPHANS)
    until(lambda: int(system.worker.run("python3", "-c", ZOMBIES)) == 0, "zombies are left")
    assert call(f"{system.health}/status")["jobs"] == []


ODD = {
    "a user that nobody knows, no /dev/shm": ("--user", "48211:0", "--ipc=none"),
    "no writable temporary folder": ("--user", "48211:0", "--read-only-tmpfs=false"),
}


@pytest.mark.parametrize("options", ODD.values(), ids=ODD)
def test_b12_it_starts_in_an_odd_container(container, options):
    port = free_port()
    worker = container(*SMALL, *options, environ={"HEALTH_CHECK_PORT": str(port)})
    until(lambda: answers(f"http://127.0.0.1:{port}/healthz") or not worker.state()["Running"], "neither starts nor refuses")
    if worker.state()["Running"]:
        assert worker.stop() == 0, worker.logs()
    else:
        assert worker.state()["ExitCode"] == os.EX_CONFIG
        assert len(worker.logs().splitlines()) <= 2, worker.logs()


def test_b12_where_nothing_can_be_written_it_starts_and_says_that_no_job_does(container):
    port = free_port()
    worker = container(*SMALL, "--read-only-tmpfs=false", "--ipc=none", environ={"HEALTH_CHECK_PORT": str(port)})
    assert until(lambda: answers(f"http://127.0.0.1:{port}/healthz"), worker.logs)["status"] == "healthy"
    lines = [json.loads(line) for line in worker.logs().splitlines()]
    [warning] = [line["event"] for line in lines if line["level"] == "warning" and "temporary files" in line["event"]]
    assert "/tmp" in warning
    assert worker.stop() == 0, worker.logs()
