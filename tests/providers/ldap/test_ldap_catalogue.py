"""What is asked of directories exists in the schemas of real servers: OpenLDAP, Samba's Active Directory, 389 Directory Server."""

from __future__ import annotations

import pathlib
import re
from typing import ClassVar

import ldap3
import msgspec
import pytest
from catalogue_suite import TYPO, CatalogueSuite, FieldType, OpenDescription, Unknown, misspellings
from peers.samba import BIND_DN, PASSWORD

from providers.ldap import catalogue, entries
from providers.ldap.catalogue import KINDS, RESOURCE_TYPES
from providers.ldap.memberships import required_members

pytestmark = pytest.mark.timeout(300)  # the servers are made within the first test


def words(pattern: str, definition: str) -> list[str]:
    """The words of a part of a schema's definition, in lower case."""
    found = re.search(pattern + r"\s+(?:\(([^)]*)\)|(\S+))", definition)
    return [one.lower() for one in re.findall(r"[\w.-]+", (found[1] or found[2]))] if found else []


class Schema:
    """The schema that one server publishes."""

    def __init__(self, connection: ldap3.Connection) -> None:
        connection.search("", "(objectClass=*)", "BASE", attributes=["subschemaSubentry"])
        [where] = connection.response[0]["raw_attributes"]["subschemaSubentry"]
        connection.search(where.decode(), "(objectClass=*)", "BASE", attributes=["objectClasses", "attributeTypes"])
        raw = connection.response[0]["raw_attributes"]
        connection.unbind()
        self.raw_classes = raw["objectClasses"]
        self._classes = {name: one for one in map(bytes.decode, self.raw_classes) for name in words("NAME", one)}
        types = [one.decode() for one in raw["attributeTypes"]]
        self.types = {name for one in types for name in words("NAME", one)}
        self.operational = {name for one in types if "USAGE" in one or "NO-USER-MODIFICATION" in one for name in words("NAME", one)}

    def has_class(self, name: str) -> bool:
        """True for an object class of the server."""
        return name.lower() in self._classes

    def allowed(self, name: str) -> set[str]:
        """The attributes of an object class, with those of its superiors."""
        definition = self._classes.get(name.lower())
        if definition is None:
            return set()
        inherited = (self.allowed(one) for one in words("SUP", definition) if one != name.lower())
        return {*words("MUST", definition), *words("MAY", definition)}.union(*inherited)


@pytest.fixture(scope="module")
def schemas(slapd, samba, directory_server) -> list[Schema]:
    active_directory = ldap3.Server("localhost", samba.plain_port, get_info=ldap3.NONE)
    signed_in = ldap3.Connection(active_directory, BIND_DN, PASSWORD, auto_bind=True, check_names=False)
    return [Schema(slapd.admin()), Schema(signed_in), Schema(directory_server.admin())]


AUXILIARY = "securityPrincipal"
"""Active Directory's auxiliary class of users and groups, which the schema that it publishes does not connect with them."""


class LdapDescription(OpenDescription):
    """The schemas of the servers together: what one of them allows an entry of the kind to have."""

    schemas: ClassVar[list[Schema]] = []

    def listing_faults(self, kind):
        """Object classes that no server has, and attributes that are read and that no server has."""
        yield from (f"no server has {name}" for name in kind.classes if not any(one.has_class(name) for one in self.schemas))
        yield from (f"no server has {name}" for name in kind.read if not any(name.lower() in one.types for one in self.schemas))

    def field(self, kind, path):
        """An attribute that an entry of one of the kind's classes may have, or one that every entry has by itself."""
        allowed = {name for one in self.schemas for name in one.operational.union(*map(one.allowed, (*kind.classes, AUXILIARY)))}
        if path in catalogue.COMPUTED or path.lower() in allowed:
            return FieldType.VALUE
        raise Unknown(f"no server allows a {kind.sub_type} to have {path}")

    def permissions(self, kind):
        """What the provider tells."""
        return ("read",)


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = KINDS
    description: ClassVar = LdapDescription(frozenset({"read"}))
    context = frozenset({"id", "unit"})
    resource_types = RESOURCE_TYPES

    @pytest.fixture(autouse=True)
    def servers(self, schemas, monkeypatch):
        monkeypatch.setattr(LdapDescription, "schemas", schemas)

    @pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.sub_type)
    def test_a_typo_in_an_object_class_or_an_attribute_that_is_only_read_is_named(self, kind):
        for field in ("classes", "read"):
            for name in getattr(kind, field):
                misspelt = msgspec.structs.replace(kind, **{field: (name + TYPO,)})
                assert any(TYPO in fault for fault in self.faults(misspelt))


def contributing() -> catalogue.LdapKind:
    """The example of CONTRIBUTING.md: one more type of directory entries."""
    text = (pathlib.Path(__file__).resolve().parents[3] / "CONTRIBUTING.md").read_text()
    block = re.search(r": ldap type -->\n```python\n(.*?)```", text, re.DOTALL)[1]
    assert len(block.strip().splitlines()) <= 5
    return eval(block, vars(catalogue).copy())


def test_the_example_of_contributing_is_checked_against_the_servers_schemas(schemas, monkeypatch):
    monkeypatch.setattr(LdapDescription, "schemas", schemas)
    suite, kind = TestCatalogue(), contributing()
    assert suite.faults(kind) == []
    for what, misspelt in misspellings(kind, ()):
        assert any(TYPO in fault for fault in suite.faults(misspelt)), what


def test_every_attribute_of_memberships_and_ids_exists(schemas):
    for name in (*catalogue.MEMBERSHIPS, *entries.IDENTITY):
        assert any(name.lower() in schema.types for schema in schemas), name


def test_case_dir_3_which_groups_must_have_members(schemas):
    """By the schemas of the servers themselves, which differ."""
    required = [required_members(schema.raw_classes) for schema in schemas]
    assert required[0]["groupofnames"] == {"member"}
    assert required[0]["groupofuniquenames"] == {"uniqueMember"}
    assert "group" not in required[1]
    assert "groupofnames" not in required[2]


def test_nothing_secret_is_asked_for():
    asked = {name.lower() for kind in KINDS for name in catalogue.asked(kind)} | {name.lower() for name in catalogue.MEMBERSHIPS}
    secret = {
        "userpassword", "unixuserpassword", "unicodepwd", "dbcspwd", "ntpwdhistory", "lmpwdhistory", "supplementalcredentials",
        "sambantpassword", "sambalmpassword", "krbprincipalkey", "krbmkey", "krbextradata", "krb5key", "sshpublickey", "usercertificate",
        "jpegphoto", "thumbnailphoto", "msds-managedpassword", "ms-mcs-admpwd", "mslaps-password", "ipanthash", "ipatokenotpkey", "*", "+",
    }  # fmt: skip
    assert not asked & secret


def test_what_moves_by_itself_is_not_stored():
    moves = {
        "lastlogon", "lastlogontimestamp", "logoncount", "badpwdcount", "badpasswordtime", "pwdlastset", "lockouttime", "usnchanged",
        "whenchanged", "modifytimestamp", "entrycsn", "contextcsn", "authtimestamp", "pwdfailuretime", "pwdaccountlockedtime",
        "useraccountcontrol", "msds-user-account-control-computed", "krblastsuccessfulauth", "krblastfailedauth", "krbloginfailedcount",
        "memberof", "entrydn", "dscorepropagationdata",
    }  # fmt: skip
    assert not {name.lower() for kind in KINDS for name in kind.kept or ()} & moves
