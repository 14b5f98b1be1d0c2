"""The API behind real reverse proxies, Caddy and nginx, with the configurations of docs/operations.md."""

from __future__ import annotations

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys

import pytest
import urllib3
from peers.absent import missing
from peers.elder import KEY
from peers.port import free_port
from waiting import until

ROOT = pathlib.Path(__file__).resolve().parents[2]
ADMIN = "first-key-of-the-settings"
CAP = 60
NAME = "elder.example.com"


def documented(name: str) -> str:
    """The configuration of that proxy in the docs."""
    text = (ROOT / "docs" / "operations.md").read_text()
    return re.search(rf"<!-- executed by tests/api/test_api_proxied.py: {name} -->\n```\n(.*?)```", text, re.DOTALL)[1]


def changed(text: str, **changes: str) -> str:
    """The text with each of these replaced, of which it must hold every one."""
    for before, after in changes.values():
        assert before in text, before
        text = text.replace(before, after)
    return text


def caddy(folder: pathlib.Path, port: int, api: int, authority) -> list[str]:
    certificate, key = authority.issue(NAME)
    own = (f"{NAME} {{", f"{{\n admin off\n auto_https off\n}}\nhttps://{NAME}:{port} {{\n tls {certificate} {key}\n")
    (folder / "Caddyfile").write_text(changed(documented("caddy"), site=own, api=("127.0.0.1:5000", f"127.0.0.1:{api}")))
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def nginx(folder: pathlib.Path, port: int, api: int, authority) -> list[str]:
    certificate, key = authority.issue(NAME)
    server = changed(
        documented("nginx"),
        port=("listen 443", f"listen 127.0.0.1:{port}"),
        api=("127.0.0.1:5000", f"127.0.0.1:{api}"),
        certificate=("/etc/ssl/elder.pem", str(certificate)),
        key=("/etc/ssl/elder.key", str(key)),
    )
    paths = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; {user} pid {folder}/pid; error_log {folder}/error.log; events {{}}\n"
        f"http {{ access_log off; {paths}\n{server} }}"
    )
    return ["nginx", "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]


@contextlib.contextmanager
def running(command: list[str], log: pathlib.Path, port: int, **environ: str):
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={**os.environ, **environ})
    try:
        until(lambda: _listens(process, port, log), f"{command[0]} listens")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(CAP)


def _listens(process: subprocess.Popen, port: int, log: pathlib.Path) -> bool:
    assert process.poll() is None, log.read_text()
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False


@pytest.fixture(params=[caddy, nginx], ids=lambda proxy: proxy.__name__)
def call(request, tmp_path, database, authority):
    """Calls the API through a proxy."""
    if not shutil.which(request.param.__name__):
        missing(f"{request.param.__name__} is not installed (deploy/install-peers)")
    api, port = free_port(), free_port()
    environ = {"DATABASE_URL": database, "ELDER_SECRET_KEYS": KEY, "ELDER_API_KEY": ADMIN, "ELDER_API_PORT": str(api)}
    environ |= {"ELDER_API_TRUSTED_PROXIES": "127.0.0.1", "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path)}
    pool = urllib3.HTTPSConnectionPool(
        "127.0.0.1", port, ca_certs=str(authority.ca), server_hostname=NAME, assert_hostname=NAME, retries=False, timeout=30
    )

    def send(method: str, path: str, key: str = ADMIN, **more):
        headers = {"Host": NAME, "Authorization": f"Bearer {key}", **more.pop("headers", {})}
        return pool.request(method, path, headers=headers, **more)

    with (
        running([sys.executable, "-m", "worker.cli", "api"], tmp_path / "api.log", api, **environ),
        running(request.param(tmp_path, port, api, authority), tmp_path / "proxy.log", port, **environ),
    ):
        yield send
        pool.close()


def test_pages_and_changes_work_and_the_audit_log_has_the_callers_address(call):
    """Also from a page, whose Origin is the proxy's name. An address that the caller invents is not the one that is logged."""
    lie = {"X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6", "Forwarded": "for=6.6.6.6", "Origin": f"https://{NAME}"}

    page = call("GET", "/")
    made = call("POST", "/api/v1/organizations", json={"name": "through the proxy"}, headers=lie)
    large = call("POST", "/api/v1/sync/batch", body=b'{"x": "' + b"y" * 20_000_000 + b'"}', headers={"Content-Type": "application/json"})
    foreign = call("POST", "/api/v1/organizations", json={"name": "x"}, headers={"Origin": "https://evil.example"})
    [line] = call("GET", "/api/v1/audit").json()["audit"]

    assert (page.status, made.status, foreign.status) == (200, 201, 403)
    assert large.status == 400, "the API's own complaint, not the proxy's about the size"
    assert line["address"] == "127.0.0.1"
    assert call("GET", "/", key="wrong").status == 401
