"""Searches that a directory refuses on a live connection: for the account, which ends the run, or for one entry, which does not."""

from __future__ import annotations

import pytest
from peers.slapd import BASE, CONFIGURABLE, MDB, PASSWORD
from reading import COMPLETE, PEOPLE, opened, outcomes, read
from recorder import Recorder
from test_ldap_client import CONFIG, DENIED, Scripted, entry

from providers.errors import CredentialsError, Outcome, ScopeError, TimedOut
from providers.ldap import connection as connections
from providers.ldap.client import Client
from providers.runner import run

pytestmark = pytest.mark.usefixtures("waits")

FORGOTTEN = (
    "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful bind must be completed on the connection."
)
"""Active Directory's words for a search before a bind, with operationsError."""
CODES = [1, 8, 13, 48, 49, 53]
MESSAGES = {1: FORGOTTEN}


def error_entry(code: int) -> str:
    """LDIF of an entry; a search that finds it ends with that code."""
    return f"dn: cn=refused,ou=People,{BASE}\nobjectClass: errObject\ncn: refused\nerrCode: {code}\nerrOp: search"


# --- on a real server


@pytest.mark.parametrize(
    ("setting", "value", "told", "most_binds"),
    [
        ("olcSecurity", "tls=1", "does not take a password over an unencrypted connection: set LDAP_START_TLS=true", 2),
        ("olcRequires", "SASL", "answered strongerAuthRequired.*allow a simple bind.*SASL authentication required", 4),
        ("olcRestrict", "search", "answered unwillingToPerform.*lift what restricts the account there.*operation restricted", 4),
    ],
)
def test_a_directory_that_begins_to_ask_for_more_ends_the_run_with_one_sentence(serve, relayed, setting, value, told, most_binds):
    """The connection lives on: nothing is read as the error of a type, and nothing as absent."""
    directory = serve(database=CONFIGURABLE)
    relay, binds, changed = relayed(directory.port), [], []

    def change(data: bytes) -> bytes:
        if PASSWORD.encode() in data:
            binds.append(data)
        if b"inetOrgPerson" in data and not changed:
            changed.append(setting)
            directory.configure(setting, value)
        return data

    relay.change = change
    sink, config = Recorder(), directory.config(port=relay.port, group_filter="(objectClass=groupOfNames)", **PEOPLE)
    with pytest.raises(CredentialsError, match=told), opened(config) as source:
        run(source, sink)
    assert changed
    assert len(binds) <= most_binds, "a bind that is refused is not repeated"
    assert outcomes(sink) == {"ldap_ou": Outcome.COMPLETE, "ldap_group": Outcome.COMPLETE}


@pytest.mark.parametrize("code", [8, 13, 48, 49, 53])
def test_an_entry_that_is_refused_alone_is_that_types_trouble(serve, relayed, code):
    directory = serve(error_entry(code))
    relay, binds = relayed(directory.port), []

    def change(data: bytes) -> bytes:
        binds.extend([data] if PASSWORD.encode() in data else ())
        return data

    relay.change = change
    sink = read(directory.config(port=relay.port, user_filter="(|(objectClass=inetOrgPerson)(objectClass=errObject))"))
    assert outcomes(sink) == {**COMPLETE, "ldap_user": Outcome.ERROR}
    assert "though it reads its base entry for the same account" in sink.report("ldap_user").message
    assert len(binds) == 1, "the connection is good"


def test_nobody_is_told_to_sign_in_by_openldap(serve):
    config = serve(database=f"{MDB}\nrequire authc\n").config(bind_dn=None, bind_password=None)
    with pytest.raises(CredentialsError, match="answers nobody who has not signed in"), opened(config) as source:
        source.check()


def test_a_bind_that_is_good_for_a_new_password_only_is_told_as_that(serve):
    """OpenLDAP lets the account in, and answers each of its searches with insufficientAccessRights."""
    policy = f"cn=policy,{BASE}"
    account = (
        f"dn: cn=fresh,{BASE}\nobjectClass: organizationalRole\nobjectClass: simpleSecurityObject\ncn: fresh\nuserPassword: {PASSWORD}"
    )
    directory = serve(
        f"dn: {policy}\nobjectClass: device\nobjectClass: pwdPolicy\ncn: policy\npwdAttribute: userPassword\npwdMustChange: TRUE",
        f"{account}\npwdPolicySubentry: {policy}\npwdReset: TRUE",
    )
    config = directory.config(bind_dn=f"cn=fresh,{BASE}")
    with pytest.raises(CredentialsError, match="must be changed at the next sign-in"), opened(config) as source:
        source.check()


# --- on written answers


class Server:
    """Answers by connection: the code and the words with which it refuses a search, by its base; `bind` is what a further bind raises."""

    def __init__(self, monkeypatch, *refusals: dict[str, int], bind: Exception | None = None) -> None:
        self.made: list[Scripted] = []
        self._refusals, self._bind = refusals, bind
        monkeypatch.setattr(connections, "connect", self._connect)

    def _connect(self, _config, _server) -> Scripted:
        number = len(self.made)
        self.made.append(Scripted(lambda base, *_: self._answer(number, base)))
        self.made[-1].unbind, self.made[-1].socket = lambda: None, None
        if number and self._bind:
            raise self._bind
        return self.made[-1]

    def _answer(self, number: int, base: str):
        code = self._refusals[min(number, len(self._refusals) - 1)].get(base, 0)
        return ([], code, None, MESSAGES.get(code, "")) if code else ([entry(base, entryUUID=[b"1"])], 0, None)


def client() -> Client:
    """A client whose account the directory has accepted."""
    found = Client(CONFIG)
    assert found.base("ou=first", ["entryUUID"])
    return found


@pytest.mark.parametrize("code", CODES)
def test_a_connection_that_has_lost_its_sign_in_is_made_anew(monkeypatch, code):
    """A load balancer in front of two servers does this: it goes on with the other one."""
    server = Server(monkeypatch, {"dc=a": code, "ou=x": code}, {})
    assert client().base("ou=x", ["entryUUID"]) == {"entryUUID": [b"1"]}
    assert len(server.made) == 2


@pytest.mark.parametrize("code", CODES)
def test_an_account_that_is_refused_is_bound_with_once_more_and_no_more(monkeypatch, code):
    dead = CredentialsError("the account is disabled")
    server, found = Server(monkeypatch, {"dc=a": code, "ou=x": code}, bind=dead), client()
    for _ in range(3):
        with pytest.raises(CredentialsError, match="the account is disabled"):
            found.base("ou=x", ["entryUUID"])
    assert found.connections.credential.is_refused
    assert len(server.made) == 2


@pytest.mark.parametrize("code", CODES)
def test_a_search_that_is_refused_alone_needs_no_new_bind(monkeypatch, code):
    server, found = Server(monkeypatch, {"ou=x": code}), client()
    with pytest.raises(ScopeError, match="though it reads its base entry"):
        found.base("ou=x", ["entryUUID"])
    assert not found.connections.credential.is_refused
    assert len(server.made) == 1


@pytest.mark.parametrize("other", [51, 52, 80, DENIED, 32])
def test_a_base_entry_that_gives_no_verdict_leaves_the_credential_alone(monkeypatch, other):
    """The type is an error, and the run goes on."""
    Server(monkeypatch, {"ou=x": 49, "dc=a": other})
    found = client()
    with pytest.raises(CredentialsError, match="answered code 49 to a search of 'ou=x'"):
        found.base("ou=x", ["entryUUID"])
    assert not found.connections.credential.is_refused


def test_a_bind_that_nobody_answers_gives_no_verdict(monkeypatch):
    Server(monkeypatch, {"ou=x": 49, "dc=a": 49}, bind=TimedOut("no answer"))
    found = client()
    with pytest.raises(CredentialsError, match="answered code 49"):
        found.base("ou=x", ["entryUUID"])
    assert not found.connections.credential.is_refused


def test_a_directory_that_is_unwilling_from_the_start_is_no_refused_account(monkeypatch):
    Server(monkeypatch, {"ou=x": 53})
    with pytest.raises(ScopeError, match="answered code 53"):
        Client(CONFIG).base("ou=x", ["entryUUID"])
