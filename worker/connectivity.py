"""Can everything that is configured be reached, and as whom? Each source is tried in a process of its own, which may be killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator

import msgspec

from providers import registry
from providers.errors import ProviderError
from worker import wire
from worker.elder_api import ApiError, ElderApi
from worker.settings import Settings
from worker.source_settings import CONNECTORS
from worker.store.connection import connect
from worker.store.errors import StoreError

TITLES = ("aws", "gcp", "azure", "kubernetes", "google_workspace", "ldap", "okta", "authentik")
"""In the order in which they are told."""


class Answer(msgspec.Struct, frozen=True):
    """Of one try. `success` is None for what is disabled."""

    name: str
    success: bool | None
    message: str = ""
    """Why not, and what to do; or as whom."""


def check(settings: Settings, seconds: float) -> Iterator[Answer]:
    """One answer after the other: the API, the database, every source."""
    yield _api(settings)
    yield _database(settings)
    for name in TITLES:
        if name in registry.names():
            yield _source(settings, name, seconds)


def _api(settings: Settings) -> Answer:
    try:
        ElderApi(settings.elder_api_url, settings.elder_api_key, retries=0).check()
    except ApiError as error:
        return Answer("Elder API", False, str(error))
    return Answer("Elder API", True, settings.elder_api_url)


def _database(settings: Settings) -> Answer:
    if not settings.database_url:
        return Answer("Database", None, "DATABASE_URL is not set: connectors run, discovery jobs do not")
    try:
        connect(settings.database_url, "elder-worker check").close()
    except StoreError as error:
        return Answer("Database", False, str(error))
    return Answer("Database", True)


def _source(settings: Settings, name: str, seconds: float) -> Answer:
    provider = registry.get(name)
    if not getattr(settings, f"{name}_enabled", None):
        return Answer(provider.title, None, "disabled")
    given = settings.environment()
    try:
        config = provider.connector_config(given) if name in CONNECTORS else {}
    except ProviderError as error:
        return Answer(provider.title, False, str(error))
    operator = {variable: given[variable] for variable in provider.operator_variables if variable in given}
    start = wire.JobStart(kind="test", run=f"check-{name}", provider=name, config=config, operator=operator, log_level="ERROR")
    return _tried(provider.title, msgspec.json.encode(start), seconds)


def _tried(title: str, start: bytes, seconds: float) -> Answer:
    """Runs a job process that only signs in. It gets its secrets over a pipe, and a clean environment."""
    data_r, data_w = os.pipe()
    with tempfile.TemporaryFile() as noise, os.fdopen(data_r, "rb") as data:
        environ = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": os.pathsep.join(sys.path), "HOME": tempfile.gettempdir()}
        command = [sys.executable, "-m", "worker.connectivity", str(data_w)]
        child = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=noise, stderr=noise, pass_fds=(data_w,), env=environ, start_new_session=True
        )
        os.close(data_w)
        try:
            child.communicate(start, timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return Answer(title, False, f"no answer within {seconds:g} s: is the host reachable from here?")
        return _understood(title, data.read())


def _understood(title: str, frames_bytes: bytes) -> Answer:
    from supervisor.frames import FrameBuffer, Kind  # noqa: PLC0415 - the child needs it too, and less else

    identity = ""
    for kind, body in FrameBuffer().feed(frames_bytes):
        if kind is Kind.IDENTITY:
            identity = f"as {json.loads(body)['name']}"
        elif kind is Kind.COMPLETE:
            return Answer(title, True, identity)
        elif kind is Kind.FAILED:
            return Answer(title, False, str(json.loads(body)["message"]))
    return Answer(title, False, "the process that tried it crashed: run with LOG_LEVEL=DEBUG, and look at the log")


def _child(arguments: list[str]) -> int:
    from worker.job import main  # noqa: PLC0415 - only in the child

    control = os.open(os.devnull, os.O_WRONLY)
    return main(sys.stdin.buffer.read(), control, int(arguments[0]))


if __name__ == "__main__":
    sys.exit(_child(sys.argv[1:]))
