"""A real 389 Directory Server: its paging cookie repeats, its groups may be empty, its entries have nsUniqueId."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator

import ldap3
import pytest
from peers import mortal
from peers.absent import missing
from peers.port import free_port
from waiting import until

BASE = "dc=example,dc=com"
MANAGER = "cn=Directory Manager"
PASSWORD = "canary-389-password"
USERS = 300


class DirectoryServer:
    """A running server on a plain port."""

    def __init__(self, port: int, pid: int) -> None:
        self.port, self.pid = port, pid

    def config(self, **more) -> dict:
        """For the provider."""
        access = {"server": "localhost", "port": self.port, "base_dn": BASE, "bind_dn": MANAGER, "bind_password": PASSWORD}
        return {**access, "use_ssl": False, **more}

    def admin(self) -> ldap3.Connection:
        """A connection that may change everything."""
        server = ldap3.Server("localhost", self.port, get_info=ldap3.NONE)
        return ldap3.Connection(server, MANAGER, PASSWORD, auto_bind=True, check_names=False)

    def fill(self) -> None:
        """The backend, users, two groups of them and an empty one."""
        admin = self.admin()
        backend = "cn=userRoot,cn=ldbm database,cn=plugins,cn=config"
        _add(admin, backend, ["top", "extensibleObject", "nsBackendInstance"], {"cn": "userRoot", "nsslapd-suffix": BASE})
        tree = {"cn": BASE, "nsslapd-state": "backend", "nsslapd-backend": "userRoot"}
        _add(admin, f'cn="{BASE}",cn=mapping tree,cn=config', ["top", "extensibleObject", "nsMappingTree"], tree)
        _add(admin, BASE, ["domain"], {"dc": "example"})
        for unit in ("People", "Groups"):
            _add(admin, f"ou={unit},{BASE}", ["organizationalUnit"], {"ou": unit})
        for number in range(USERS):
            person = {"uid": f"user{number}", "cn": f"User {number}", "sn": "x"}
            _add(admin, user(number), ["inetOrgPerson"], person)
        everybody = {"member": [user(number).upper() for number in range(USERS)]}
        _add(admin, f"cn=all,ou=Groups,{BASE}", ["groupOfNames"], {"cn": "all", **everybody})
        _add(admin, f"cn=unique,ou=Groups,{BASE}", ["groupOfUniqueNames"], {"cn": "unique", "uniqueMember": [user(1), user(2)]})
        _add(admin, f"cn=empty,ou=Groups,{BASE}", ["groupOfNames"], {"cn": "empty"})
        assert admin.modify(user(3), {"nsAccountLock": [("MODIFY_REPLACE", ["true"])]}), admin.result
        admin.unbind()


def _add(admin: ldap3.Connection, dn: str, classes: list[str], attributes: dict) -> None:
    assert admin.add(dn, classes, attributes), (dn, admin.result)


def user(number: int) -> str:
    """The DN of a user."""
    return f"uid=user{number},ou=People,{BASE}"


_INSTANCE = """
[general]
config_version = 2
full_machine_name = localhost
start = False
strict_host_checking = False
systemd = False
selinux = False
[slapd]
instance_name = {name}
port = {port}
secure_port = {secure_port}
self_sign_cert = False
root_password = {password}
user = {user}
group = {user}
db_lib = bdb
"""


@contextlib.contextmanager
def _instance(folder: pathlib.Path, port: int) -> Iterator[pathlib.Path]:
    """The folder of a new instance's settings; the instance is removed at the end."""
    name = f"t{uuid.uuid4().hex[:8]}"
    answers = folder / "answers.inf"
    answers.write_text(_INSTANCE.format(name=name, port=port, secure_port=free_port(), password=PASSWORD, user="dirsrv"))
    done = subprocess.run(["dscreate", "from-file", answers], capture_output=True, text=True, timeout=120, check=False)
    settings = pathlib.Path(f"/etc/dirsrv/slapd-{name}")
    try:
        # without systemd dscreate fails once the files are there, when it starts the server
        assert (settings / "dse.ldif").exists(), (done.stdout + done.stderr)[-3000:]
        for path in ("/var/run/dirsrv", f"/var/lock/dirsrv/slapd-{name}"):
            pathlib.Path(path).mkdir(parents=True, exist_ok=True)
            shutil.chown(path, "dirsrv", "dirsrv")
        _set_password(settings / "dse.ldif")
        yield settings
    finally:
        for pattern in ("/etc/dirsrv/slapd-{}", "/var/lib/dirsrv/slapd-{}", "/var/log/dirsrv/slapd-{}", "/var/lock/dirsrv/slapd-{}"):
            shutil.rmtree(pattern.format(name), ignore_errors=True)


def _set_password(dse: pathlib.Path) -> None:
    """The manager's password, which dscreate does not set where systemd is missing."""
    done = subprocess.run(["pwdhash", "-s", "SSHA512", PASSWORD], capture_output=True, text=True, timeout=30, check=True)
    wanted = {"nsslapd-rootpw": done.stdout.strip(), "nsslapd-rootpwstoragescheme": "SSHA512"}
    lines = dse.read_text().replace("\n ", "").splitlines()
    kept = [line for line in lines if line.partition(":")[0].lower() not in wanted]
    at = next(number for number, line in enumerate(kept) if line.lower() == "dn: cn=config") + 1
    dse.write_text("\n".join([*kept[:at], *(f"{name}: {value}" for name, value in wanted.items()), *kept[at:]]) + "\n")


@contextlib.contextmanager
def running(folder: pathlib.Path) -> Iterator[DirectoryServer]:
    """Makes, serves and fills a server."""
    if not shutil.which("ns-slapd", path="/usr/sbin:/usr/bin") or not shutil.which("dscreate", path="/usr/sbin:/usr/bin"):
        missing("389 Directory Server is not installed: apt-get install 389-ds-base")
    if os.geteuid():
        missing("389 Directory Server needs root to be installed in /etc and /var")
    port = free_port()
    with _instance(folder, port) as settings:
        command = ["/usr/sbin/ns-slapd", "-D", str(settings), "-i", str(folder / "pid"), "-d", "0"]
        folder.chmod(0o777)
        with (folder / "log").open("wb") as log:
            process = mortal.start(command, stdout=log, stderr=log)
        try:
            until(lambda: _answers(process, port, folder), "389 Directory Server answers", 60)
            server = DirectoryServer(port, process.pid)
            server.fill()
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _answers(process: subprocess.Popen, port: int, folder: pathlib.Path) -> bool:
    assert process.poll() is None, (folder / "log").read_text()[-2000:]
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture(scope="session")
def directory_server(tmp_path_factory):
    """The server, gone at the end."""
    with running(tmp_path_factory.mktemp("ds389")) as server:
        yield server
    assert not pathlib.Path(f"/proc/{server.pid}").exists()
