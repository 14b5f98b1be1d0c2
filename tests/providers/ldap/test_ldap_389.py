"""The LDAP provider against a real 389 Directory Server, and its catalogue against the schemas of three real servers."""

from __future__ import annotations

import contextlib

import pytest
from peers.ds389 import PASSWORD, USERS, user
from reading import groups_of, opened, read

from providers.collected import check_resource
from providers.errors import CredentialsError, Outcome

pytestmark = pytest.mark.timeout(300)  # the server is made within the first test


@pytest.fixture(scope="module")
def whole(directory_server):
    return read(directory_server.config(page_size=7))


def test_many_pages_with_a_cookie_that_repeats(whole):
    assert {scope.resource_type: (report.outcome, report.resources) for scope, report in whole.reports.items()} == {
        "ldap_ou": (Outcome.COMPLETE, 2),
        "ldap_group": (Outcome.COMPLETE, 3),
        "ldap_user": (Outcome.COMPLETE, USERS),
    }
    assert len(set(whole.ids("ldap_user"))) == USERS
    for scope, resource in whole.all():
        check_resource(scope, resource)


def test_memberships_of_both_kinds_of_groups_in_whatever_case(whole):
    assert groups_of(whole, "User 1") == groups_of(whole, "User 2") == {"all", "unique"}
    assert groups_of(whole, "User 9") == {"all"}


def test_case_dir_3_an_empty_group_of_a_schema_that_allows_it_is_no_trouble(whole):
    """389 Directory Server requires no member of groupOfNames, and its schema says so."""
    assert whole.report("ldap_group").outcome is Outcome.COMPLETE
    assert not [r for _, r in whole.all() if r.links_partial]


def test_an_account_that_is_locked_out(whole):
    assert whole.one("User 3").attributes["enabled"] is False
    assert whole.one("User 4").attributes["enabled"] is True


def test_case_dir_5_the_identity_is_the_base_entrys(directory_server):
    with opened(directory_server.config()) as source:
        identity = source.check()
    admin = directory_server.admin()
    admin.search(directory_server.config()["base_dn"], "(objectClass=*)", "BASE", attributes=["nsUniqueId"])
    assert identity.account == admin.response[0]["raw_attributes"]["nsUniqueId"][0].decode().lower()
    admin.unbind()


@contextlib.contextmanager
def changed(admin, dn, **attributes):
    """Attributes of an entry, for as long as the block lasts."""
    for name, value in attributes.items():
        assert admin.modify(dn, {name: [("MODIFY_REPLACE", [value])]}), admin.result
    yield
    for name in attributes:
        assert admin.modify(dn, {name: [("MODIFY_REPLACE", [])]}), admin.result


def test_a_bind_that_is_refused_or_good_for_a_new_password_only(directory_server):
    """The first is unwillingToPerform, and after the second every search is. 389 writes lengths of controls in five bytes."""
    admin = directory_server.admin()
    with changed(admin, "cn=config", passwordMustChange="on"):
        for number, told in ((3, "the account is disabled"), (5, "must be changed at the next sign-in")):
            config = directory_server.config(bind_dn=user(number), bind_password=PASSWORD)
            with (
                changed(admin, user(number), userPassword=PASSWORD),
                pytest.raises(CredentialsError, match=told),
                opened(config) as source,
            ):
                source.check()
    admin.unbind()
