"""A real Active Directory domain controller (Samba), in namespaces of its own: 1,600 users, nested groups and units, every state of an account."""

from __future__ import annotations

import base64
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
from collections.abc import Iterable, Iterator

import ldap3
import pytest
from peers.absent import missing
from peers.namespace import Namespace
from peers.tcp_proxy import Proxy
from waiting import until

BASE = "dc=example,dc=com"
BIND_DN = f"cn=admin,cn=Users,{BASE}"
PASSWORD = "Canary-Ad-Password-1"
USERS = 1600
UNITS = ("OU=People", "OU=Engineering,OU=People", "OU=Ops\\, EMEA,OU=Engineering,OU=People")
USER_FILTER, GROUP_FILTER = "(&(objectClass=user)(objectCategory=person))", "(objectClass=group)"
LOCKOUT = 5
"""Wrong passwords that lock an account."""
MAX_RANGE = 700
"""Values of an attribute at once, where `Samba.limited` is in force."""

_FILL = """
import sys
from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB
settings = LoadParm(sys.argv[1])
database = SamDB(url=settings.private_path("sam.ldb"), session_info=system_session(), lp=settings)
database.transaction_start()
for part in sys.stdin.read().split("\\f"):
    (database.modify_ldif if "changetype: modify" in part else database.add_ldif)(part)
database.transaction_commit()
"""


class Samba:
    """A running domain controller; the ports are relayed to localhost: `port` wants StartTLS, `tls_port` is LDAPS, `plain_port` takes all."""

    def __init__(self, strict: Namespace, lenient: Namespace, ca: pathlib.Path) -> None:
        self.ca = ca
        self.relays = [Proxy(lambda: strict.connect(389)), Proxy(lambda: strict.connect(636)), Proxy(lambda: lenient.connect(389))]
        self.port, self.tls_port, self.plain_port = (relay.port for relay in self.relays)

    def config(self, **more) -> dict:
        """For the provider, with the filters of the quick start's example."""
        access = {"server": "localhost", "port": self.port, "base_dn": BASE, "bind_dn": BIND_DN, "bind_password": PASSWORD}
        access["use_ssl"] = False
        return {**access, "user_filter": USER_FILTER, "group_filter": GROUP_FILTER, **more}

    def bind(self, dn: str, password: str) -> dict:
        """The result of a bind."""
        connection = ldap3.Connection(ldap3.Server("localhost", self.plain_port, get_info=ldap3.NONE), dn, password)
        try:
            connection.bind()
            return connection.result
        finally:
            connection.unbind()
            if connection.socket is not None:  # ldap3 leaves it open when the bind was refused
                connection.socket.close()

    def lock(self, dn: str) -> None:
        """Locks an account, by wrong passwords."""
        for _ in range(LOCKOUT):
            self.bind(dn, "wrong")

    @contextlib.contextmanager
    def administrator(self) -> Iterator[ldap3.Connection]:
        """A connection of the domain's administrator."""
        server = ldap3.Server("localhost", self.plain_port, get_info=ldap3.NONE)
        connection = ldap3.Connection(server, f"cn=Administrator,cn=Users,{BASE}", PASSWORD, auto_bind=True)
        try:
            yield connection
        finally:
            connection.unbind()

    def attributes(self, dn: str, names: Iterable[str]) -> dict[str, list[bytes]]:
        """The values of an entry's attributes."""
        with self.administrator() as connection:
            assert connection.search(dn, "(objectClass=*)", "BASE", attributes=sorted(names)), connection.result
            return dict(connection.response[0]["raw_attributes"])

    def change(self, dn: str, **attributes: list[str]) -> None:
        """Replaces the values of an entry's attributes."""
        with self.administrator() as connection:
            assert connection.modify(dn, {name: [("MODIFY_REPLACE", values)] for name, values in attributes.items()}), connection.result

    def primary(self, member: str, group: str) -> None:
        """Makes a group, of which it is a member, the primary one of an account."""
        number = int.from_bytes(self.attributes(group, ["objectSid"])["objectSid"][0][-4:], "little")
        self.change(member, primaryGroupID=[str(number)])

    @contextlib.contextmanager
    def limited(self) -> Iterator[None]:
        """Gives at most `MAX_RANGE` values at once on `plain_port`, as Microsoft's MaxValRange: Samba ranges, but only when it is asked to."""
        relay = self.relays[2]
        usual, relay.change = relay.change, _ranged
        try:
            yield
        finally:
            relay.change = usual

    def answers(self) -> bool:
        """Whether both doors are open."""
        return all(_answers(relay.port) for relay in (self.relays[0], self.relays[2]))


def _ranged(data: bytes) -> bytes:
    """A search for members as one for their first `MAX_RANGE`; of the next range, no more than that. Anything else as it is."""
    number, operation, *controls = _parts(_body(data))
    if operation[0] != 0x63:  # searchRequest
        return data
    *search, attributes = _parts(_body(operation))
    names = b"".join(_tlv(0x04, _limited(_body(name))) for name in _parts(_body(attributes)))
    return _tlv(0x30, number + _tlv(0x63, b"".join(search) + _tlv(0x30, names)) + b"".join(controls))


def _limited(name: bytes) -> bytes:
    kind, _, wanted = name.partition(b";range=")
    if kind.lower() != b"member":
        return name
    start = int(wanted.partition(b"-")[0] or 0)
    return b"member;range=%d-%d" % (start, start + MAX_RANGE - 1)


def _body(element: bytes) -> bytes:
    """What is in a BER element."""
    return element[2 + (element[1] & 0x7F if element[1] & 0x80 else 0) :]


def _parts(data: bytes) -> list[bytes]:
    """The BER elements that stand one after another."""
    found = []
    while data:
        more = data[1] & 0x7F if data[1] & 0x80 else 0
        size = int.from_bytes(data[2 : 2 + more]) if more else data[1]
        found.append(data[: 2 + more + size])
        data = data[2 + more + size :]
    return found


def _tlv(tag: int, body: bytes) -> bytes:
    return bytes((tag, 0x82)) + len(body).to_bytes(2) + body


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as probe:
        probe.sendall(bytes.fromhex("300c020101600702010304008000"))  # an anonymous bind
        return bool(probe.recv(1))
    return False


def home(number: int) -> str:
    return UNITS[number % 3]


def dn_of(number: int) -> str:
    return f"CN=User {number},{home(number)},{BASE}"


def _secret(password: str) -> str:
    return base64.b64encode(password.encode("utf-16-le")).decode()


def directory() -> Iterator[str]:
    """LDIF, with a form feed between what is added and what is changed afterwards."""
    for unit in UNITS:
        yield f"dn: {unit},{BASE}\nobjectClass: organizationalUnit"
    admin = f"objectClass: user\nsAMAccountName: admin\nuserPrincipalName: admin@example.com\nclearTextPassword:: {_secret(PASSWORD)}"
    yield f"dn: {BIND_DN}\n{admin}\nuserAccountControl: 512"
    more = {1: "514", 2: "512", 3: "512\naccountExpires: 130000000000000000", 4: "512\npwdLastSet: 0"}
    for number in range(USERS):
        account = f"sAMAccountName: user{number}\nuserAccountControl: {more.get(number, '512')}"
        password = f"\nclearTextPassword:: {_secret(PASSWORD)}" if number in more else ""
        yield f"dn: {dn_of(number)}\nobjectClass: user\n{account}{password}"
    members = "".join(f"\nmember: {dn_of(number)}" for number in range(USERS))
    yield f"dn: CN=big,{UNITS[0]},{BASE}\nobjectClass: group\nsAMAccountName: big{members}"
    yield f"dn: CN=outer,{UNITS[1]},{BASE}\nobjectClass: group\nsAMAccountName: outer\nmember: CN=big,{UNITS[0]},{BASE}"
    yield f"dn: CN=staff,{UNITS[0]},{BASE}\nobjectClass: group\nsAMAccountName: staff\nmember: {dn_of(5)}"
    yield f"dn: CN=foreign,{UNITS[0]},{BASE}\nobjectClass: group\nsAMAccountName: foreign\nobjectSid: S-1-5-21-1-2-3-513"
    yield f"\f\ndn: {BASE}\nchangetype: modify\nreplace: lockoutThreshold\nlockoutThreshold: {LOCKOUT}"


def _provision(folder: pathlib.Path) -> None:
    command = ["samba-tool", "domain", "provision", f"--targetdir={folder}", "--realm=EXAMPLE.COM", "--domain=EXAMPLE", "--server-role=dc"]
    command += ["--host-name=dc", f"--adminpass={PASSWORD}", "--dns-backend=NONE", "--option=server services = ldap"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]


def _fill(folder: pathlib.Path) -> None:
    text = "\n\n".join(directory()) + "\n"
    command = ["/usr/bin/python3", "-c", _FILL, folder / "etc" / "smb.conf"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=90)
    assert done.returncode == 0, done.stderr[-2000:]


def _settings(domain: pathlib.Path, folder: pathlib.Path, authority, strong: str) -> pathlib.Path:
    """The configuration of one of the two servers of the domain; each has a folder for what is its own."""
    certificate, key = authority.issue("localhost")
    folder.mkdir()
    shutil.copy(certificate, folder / "cert.pem")
    shutil.copy(key, folder / "key.pem")
    (folder / "key.pem").chmod(0o600)
    own = ("cache directory", "lock directory", "pid directory", "ncalrpc dir", "ntp signd socket directory", "winbindd socket directory")
    for number, _ in enumerate(own):
        (folder / str(number)).mkdir(0o755)
    path = folder / "smb.conf"
    path.write_text(f"""[global]
workgroup = EXAMPLE
realm = EXAMPLE.COM
netbios name = DC
server role = active directory domain controller
server services = ldap
private dir = {domain}/private
state directory = {domain}/state
{"".join(f"{name} = {folder}/{number}{chr(10)}" for number, name in enumerate(own))}
log file = {folder}/log
interfaces = lo
bind interfaces only = yes
disable netbios = yes
tls keyfile = {folder}/key.pem
tls certfile = {folder}/cert.pem
tls cafile = {authority.ca}
ldap server require strong auth = {strong}
""")
    return path


@contextlib.contextmanager
def _serving(settings: pathlib.Path) -> Iterator[Namespace]:
    with (settings.parent / "out").open("wb") as log:
        command = f"samba --foreground --no-process-group --configfile={settings} --debug-stdout"
        namespace = Namespace(command, log)
    try:
        yield namespace
    finally:
        namespace.close()


@contextlib.contextmanager
def running(folder: pathlib.Path, authority) -> Iterator[Samba]:
    """Makes the domain and serves it."""
    if not shutil.which("samba-tool") or not shutil.which("samba", path="/usr/sbin"):
        missing("samba is not installed: apt-get install samba-ad-dc samba-ad-provision")
    if os.geteuid():
        missing("a domain controller of Samba needs root")
    domain = folder / "domain"
    _provision(domain)
    _fill(domain)
    settings = [_settings(domain, folder / name, authority, strong) for name, strong in (("strict", "yes"), ("lenient", "no"))]
    with _serving(settings[0]) as strict, _serving(settings[1]) as lenient:
        samba = Samba(strict, lenient, authority.ca)
        try:
            until(samba.answers, "Samba answers")
            samba.primary(dn_of(5), f"CN=staff,{UNITS[0]},{BASE}")
            samba.lock(dn_of(2))
            yield samba
        finally:
            for relay in samba.relays:
                relay.close()


@pytest.fixture(scope="session")
def samba(tmp_path_factory, authority):
    """The domain; its processes end with their namespaces."""
    with running(tmp_path_factory.mktemp("samba"), authority) as samba:
        yield samba
