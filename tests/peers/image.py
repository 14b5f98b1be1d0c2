"""The image, built for real from the Dockerfile, and containers of it under podman: as root only."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import uuid

import pytest
from peers import mortal
from peers.absent import missing
from peers.kept import CACHE
from waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = CACHE / "image"
LOG = FOLDER / f"build-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}.log"
LIMITS = ("--runtime", "runc", "--ulimit", "nofile=20000:20000", "--ulimit", "nproc=30000:30000", "--no-healthcheck")
"""What podman needs where it may not raise limits, and where no systemd runs."""

SMALL = ("--read-only", "--user", "1000", "--cap-drop=all", "--memory=512m", "--security-opt=no-new-privileges")
"""As little as a container can be given."""


class Container:
    """One of the image, on the host's network if no other is given."""

    def __init__(
        self,
        image: str,
        *options: str,
        environ: dict[str, str] | None = None,
        command: tuple[str, ...] = (),
        network: tuple[str, ...] = ("--network", "host"),
    ) -> None:
        self.name = f"elder-test-{uuid.uuid4().hex[:12]}"
        variables = [part for name, value in (environ or {}).items() for part in ("-e", f"{name}={value}")]
        podman("run", "-d", "--name", self.name, *network, *LIMITS, *options, *variables, image, *command)

    def logs(self) -> str:
        """Both of its streams."""
        done = subprocess.run(["podman", "logs", self.name], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60)
        return done.stdout

    def run(self, *command: str, given: str = "") -> str:
        """As ``docker-compose exec``: what it wrote."""
        return podman("exec", "-i", self.name, *command, given=given)

    def state(self) -> dict:
        """``Running``, ``Pid``, ``ExitCode``, ``OOMKilled``."""
        return json.loads(podman("inspect", self.name))[0]["State"]

    def stop(self, seconds: int = 60) -> int:
        """SIGTERM, and after so many seconds SIGKILL; the exit code."""
        podman("stop", "-t", str(seconds), self.name)
        return self.state()["ExitCode"]

    def wait(self) -> int:
        """The exit code of what ends by itself."""
        until(lambda: not self.state()["Running"], self.name)
        return self.state()["ExitCode"]

    def remove(self) -> None:
        """Whatever it does."""
        pid = self.state()["Pid"]
        podman("rm", "-f", "-t", "0", self.name)
        assert not pid or not pathlib.Path(f"/proc/{pid}").exists()


def podman(*arguments: str, given: str = "") -> str:
    done = subprocess.run(["podman", *arguments], input=given, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, f"podman {' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def complaint() -> str:
    """Why no image can be built here; empty when one can."""
    if os.geteuid() != 0:
        return "containers are tested as root"
    absent = [tool for tool in ("podman", "buildah", "mmdebstrap", "runc") if not shutil.which(tool)]
    return f"not installed: {', '.join(absent)}" if absent else ""


BUILD: pytest.StashKey[subprocess.Popen[str]] = pytest.StashKey()


def pytest_collection_finish(session: pytest.Session) -> None:
    """The build takes minutes, and begins with the session, so that it is done when a container is wanted."""
    wanted = any("image" in getattr(item, "fixturenames", ()) for item in session.items)
    if wanted and not session.config.option.collectonly and not complaint() and not os.environ.get("ELDER_TEST_IMAGE"):
        FOLDER.mkdir(parents=True, exist_ok=True)
        command = ["nice", str(ROOT / "tests" / "container" / "build-image"), str(FOLDER), str(pathlib.Path(sys.executable).parent / "pip")]
        with LOG.open("wb") as log:
            session.config.stash[BUILD] = mortal.start(command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Nobody waits for it any more."""
    build = session.config.stash.get(BUILD, None)
    if build is not None and build.poll() is None:
        os.killpg(build.pid, signal.SIGKILL)
        build.wait()


@pytest.fixture(scope="session")
def image(pytestconfig) -> str:
    """Its id. Built once; what has not changed since the last time is kept in podman's own store."""
    if why := complaint():
        missing(why)
    if named := os.environ.get("ELDER_TEST_IMAGE"):
        return named
    name = pytestconfig.stash[BUILD].communicate()[0].strip()
    assert pytestconfig.stash[BUILD].returncode == 0, LOG.read_text()[-4000:]
    return name


@pytest.fixture
def container(image):
    """Starts containers, and removes them."""
    started: list[Container] = []

    def start(*options: str, **words) -> Container:
        started.append(Container(image, *options, **words))
        return started[-1]

    yield start
    for one in started:
        one.remove()
