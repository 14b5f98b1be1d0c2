"""A real OpenLDAP: 10,000 users, a reader whose unpaged reads the server cuts, nested groups, DNs with escaped commas, TLS.

A search that finds the entry `cn=busy` or `cn=forbidden` ends with that result, and a HIDDEN entry is not shown.
"""

from __future__ import annotations

import contextlib
import pathlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator

import ldap3
import pytest
from peers import mortal
from peers.absent import missing
from peers.port import free_port

BASE = "dc=example,dc=com"
READER, ADMIN = f"cn=reader,{BASE}", f"cn=admin,{BASE}"
STALE, LOCKED = f"cn=stale,{BASE}", f"cn=locked,{BASE}"
"""Whose password has expired, and who has been wrong too often."""
PASSWORD = "canary-ldap-password"
HIDDEN = "hidden"
"""The description of an entry that the reader may not see."""
USERS = 10_000
CAP = 30.0


class Slapd:
    """A running server; `port` is plain with StartTLS, `tls_port` is LDAPS."""

    def __init__(self, port: int, tls_port: int, ca: pathlib.Path, pid: int) -> None:
        self.port, self.tls_port, self.ca, self.pid = port, tls_port, ca, pid

    def config(self, **more) -> dict:
        """For the provider."""
        access = {"server": "localhost", "port": self.port, "base_dn": BASE, "bind_dn": READER, "bind_password": PASSWORD}
        return {**access, "use_ssl": False, **more}

    @contextlib.contextmanager
    def changed(self, dn: str, **attributes: list[str]) -> Iterator[None]:
        """Adds values to an entry for as long as the block lasts."""
        for operation in ("MODIFY_ADD", "MODIFY_DELETE"):
            connection = self.admin()
            try:
                changes = {name: [(operation, values)] for name, values in attributes.items()}
                assert connection.modify(dn, changes), connection.result
            finally:
                connection.unbind()
            if operation == "MODIFY_ADD":
                yield

    def configure(self, name: str, value: str) -> None:
        """Adds a value to a setting of the database, of a server that was started with `CONFIGURABLE`. Connections stay as they are."""
        server = ldap3.Server("localhost", self.port, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, "cn=config", PASSWORD, auto_bind=True, check_names=False)
        assert connection.modify("olcDatabase={1}mdb,cn=config", {name: [("MODIFY_ADD", [value])]}), connection.result
        connection.unbind()

    def admin(self) -> ldap3.Connection:
        """A connection that may change things."""
        return ldap3.Connection(
            ldap3.Server("localhost", self.port, get_info=ldap3.NONE), ADMIN, PASSWORD, auto_bind=True, check_names=False
        )


def entries() -> Iterator[str]:
    """LDIF of the whole directory."""
    yield f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example"
    for name in ("admin", "reader"):
        yield f"dn: cn={name},{BASE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: {name}\nuserPassword: {PASSWORD}"
    account = f"objectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {PASSWORD}"
    policy = f"pwdPolicySubentry: cn=policy,{BASE}\npwdChangedTime: 20200101000000Z"
    yield f"dn: cn=policy,{BASE}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\npwdAttribute: userPassword\npwdMaxAge: 60\npwdLockout: TRUE"
    yield f"dn: {STALE}\n{account}\ncn: stale\n{policy}"
    yield f"dn: {LOCKED}\n{account}\ncn: locked\n{policy}\npwdAccountLockedTime: 000001010000Z"
    for name, code in (("busy", 51), ("forbidden", 50)):
        yield f"dn: cn={name},{BASE}\nobjectClass: errObject\ncn: {name}\nerrCode: {code}\nerrOp: search"
    for dn in ("ou=People", "ou=Engineering,ou=People", "ou=Ops\\, EMEA,ou=People", "ou=Groups"):
        value = dn.partition("=")[2].split(",ou=")[0].replace("\\,", ",")
        yield f"dn: {dn},{BASE}\nobjectClass: organizationalUnit\nou: {value}"
    for number in range(USERS):
        home = ("ou=People", "ou=Engineering,ou=People", "ou=Ops\\, EMEA,ou=People")[number % 3]
        mail = f"\nmail: user{number}@example.com" if number % 10 else ""
        yield (
            f"dn: {user(number, home)}\nobjectClass: inetOrgPerson\nuid: user{number}\ncn: User {number}\nsn: Number {number}"
            f"\nuserPassword: canary-user-password{mail}"
        )
    yield f"dn: uid=Comma\\, Joe,ou=People,{BASE}\nobjectClass: inetOrgPerson\nuid: Comma, Joe\ncn: Comma, Joe\nsn: Comma"
    members = "".join(f"\nmember: {dn_of(number)}" for number in range(5000))
    yield f"dn: cn=big,ou=Groups,{BASE}\nobjectClass: groupOfNames\ncn: big{members}\nmember: uid=Comma\\2C Joe,ou=People,{BASE}"
    yield f"dn: cn=outer,ou=Groups,{BASE}\nobjectClass: groupOfNames\ncn: outer\nmember: CN=Big,OU=Groups,{BASE}\nmember: cn=gone,{BASE}"
    yield f"dn: cn=posix,ou=Groups,{BASE}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 7\nmemberUid: user1\nmemberUid: user2"


def dn_of(number: int) -> str:
    return user(number, ("ou=People", "ou=Engineering,ou=People", "ou=Ops\\, EMEA,ou=People")[number % 3])


def user(number: int, home: str) -> str:
    return f"uid=user{number},{home},{BASE}"


LIMITS = "size.soft=500 size.hard=500 size.pr=1000 size.prtotal=unlimited"
"""Of the reader: an unpaged search is cut, a paged one is not."""

MDB = f"""
database mdb
maxsize 1073741824
suffix "{BASE}"
dbnosync
index objectClass,uid eq
"""

CONFIGURABLE = f"""
database config
rootdn cn=config
rootpw {PASSWORD}
{MDB}"""
"""The same, whose settings may be changed while it runs."""

UNPAGED = f"""
database ldif
suffix "{BASE}"
"""
"""A database that has no control for pages."""


def few(*more: str, users: int = 20) -> str:
    """LDIF of a small directory: some users and a group of them, and whatever else."""
    account = f"objectClass: organizationalRole\nobjectClass: simpleSecurityObject\nuserPassword: {PASSWORD}"
    parts = [f"dn: {BASE}\nobjectClass: dcObject\nobjectClass: organization\no: Example\ndc: example"]
    parts += [f"dn: cn={name},{BASE}\n{account}\ncn: {name}" for name in ("admin", "reader")]
    parts += [f"dn: ou={name},{BASE}\nobjectClass: organizationalUnit\nou: {name}" for name in ("People", "Groups")]
    for number in range(users):
        parts.append(f"dn: {plain_user(number)}\nobjectClass: inetOrgPerson\nuid: user{number}\ncn: User {number}\nsn: {number}")
    members = "".join(f"\nmember: {plain_user(number)}" for number in range(users))
    parts.append(f"dn: cn=all,ou=Groups,{BASE}\nobjectClass: groupOfNames\ncn: all{members}")
    return "\n\n".join((*parts, *more)) + "\n"


def plain_user(number: int) -> str:
    """The DN of a user of the small directory."""
    return user(number, "ou=People")


@contextlib.contextmanager
def running(
    folder: pathlib.Path, authority, *, ldif: str = "", limits: str = LIMITS, access: str = "", database: str = MDB, encrypted: bool = True
) -> Iterator[Slapd]:
    """Loads and serves; `access` are rules that go before the usual ones."""
    slapd, slapadd = shutil.which("slapd", path="/usr/sbin:/usr/bin"), shutil.which("slapadd", path="/usr/sbin:/usr/bin")
    if not slapd or not slapadd:
        missing("slapd is not installed: apt-get install slapd")
    certificate, key = authority.issue("localhost")
    tls = f"TLSCertificateFile {certificate}\nTLSCertificateKeyFile {key}\nTLSCACertificateFile {authority.ca}"
    (folder / "db").mkdir()
    (folder / "slapd.conf").write_text(f"""
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
moduleload back_mdb.la
moduleload ppolicy.la
moduleload retcode.la
pidfile {folder}/pid
{tls if encrypted else ""}
sizelimit 500
{database}
directory {folder}/db
limits dn.exact="{READER}" {limits}
{access}
access to filter=(description={HIDDEN}) by dn.exact="{ADMIN}" write by * none
access to attrs=userPassword by anonymous auth by dn.exact="{ADMIN}" write by * none
access to attrs=entry,objectClass by dn.exact="{ADMIN}" write by dn.exact="{READER}" read by anonymous read by * none
access to * by dn.exact="{ADMIN}" write by dn.exact="{READER}" read by anonymous auth by * none
overlay ppolicy
ppolicy_use_lockout
overlay retcode
retcode-parent "cn=errors,{BASE}"
retcode-indir on
""")
    (folder / "all.ldif").write_text(ldif or "\n\n".join(entries()) + "\n")
    load = [slapadd, "-q", "-f", folder / "slapd.conf", "-l", folder / "all.ldif"]
    done = subprocess.run(load, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]
    port, tls_port = free_port(), free_port()
    urls = f"ldap://127.0.0.1:{port}" + (f" ldaps://127.0.0.1:{tls_port}" if encrypted else "")
    with (folder / "log").open("wb") as log:
        process = mortal.start([slapd, "-d", "0", "-f", folder / "slapd.conf", "-h", urls], stdout=log, stderr=log)
    try:
        deadline = time.monotonic() + CAP
        while not _answers(port):
            assert process.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
            time.sleep(0.02)
        yield Slapd(port, tls_port, authority.ca, process.pid)
    finally:
        process.terminate()
        process.wait(20)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


@pytest.fixture(scope="session")
def slapd(tmp_path_factory, authority):
    """The directory, gone at the end."""
    with running(tmp_path_factory.mktemp("slapd"), authority) as server:
        yield server
    assert not pathlib.Path(f"/proc/{server.pid}").exists()
