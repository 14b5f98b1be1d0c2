"""Claims about a person: names of any kind, and roles by any claim."""

from __future__ import annotations

import pytest

from api.login.claims import LONGEST, person
from api.login.errors import SignInRefused
from worker.config.login import LoginSettings

ROLES = ("elder-admins=admin", " CN=Ops,OU=x = operate", "readers=read")


def found(claims: dict, claim: str = "groups", roles: tuple[str, ...] = ROLES):
    settings = LoginSettings(elder_oidc_role_claim=claim, elder_oidc_roles=roles)
    return person({"iss": "https://id.example.com", "sub": "7", **claims}, settings)


@pytest.mark.parametrize(
    ("claims", "claim", "role"),
    [
        ({"groups": ["readers"]}, "groups", "read"),
        ({"groups": ["readers", "elder-admins", "CN=Ops,OU=x"]}, "groups", "admin"),
        ({"groups": ["CN=Ops,OU=x"]}, "groups", "operate"),
        ({"groups": "readers"}, "groups", "read"),
        ({"groups": [7, None, {"a": 1}, "readers"]}, "groups", "read"),
        ({"realm_access": {"roles": ["elder-admins"]}}, "realm_access.roles", "admin"),
        ({"https://example.com/roles": ["readers"]}, "https://example.com/roles", "read"),
    ],
)
def test_roles(claims, claim, role):
    assert found(claims, claim).role == role


def test_everybody_may_have_a_role_and_a_group_one_that_may_do_more():
    roles = ("*=read", "ops=operate")

    assert [found(claims, roles=roles).role for claims in ({}, {"groups": ["x"]}, {"groups": ["ops"]})] == ["read", "read", "operate"]


@pytest.mark.parametrize(
    ("claims", "claim", "sentence"),
    [
        ({}, "groups", "there is no claim 'groups'"),
        ({"groups": []}, "groups", "there is no claim"),
        ({"groups": ["Elder-Admins", "readers "]}, "groups", "none of the 2 in the claim 'groups'"),
        ({"groups": {"elder-admins": True}}, "groups", "there is no claim"),
        ({"groups": ["*"]}, "groups", "none of the 1"),
        ({"realm_access": "elder-admins"}, "realm_access.roles", "there is no claim"),
        ({"groups": ["elder-admins,x", "elder-admins=admin"]}, "groups", "none of the 2"),
    ],
)
def test_no_role(claims, claim, sentence):
    with pytest.raises(SignInRefused, match=sentence.replace("*", r"\*")):
        found(claims, claim)


@pytest.mark.parametrize(
    ("claims", "name"),
    [
        ({"name": "Ada Lovelace", "email": "ada@example.com"}, "Ada Lovelace"),
        ({"name": "", "preferred_username": "ada"}, "ada"),
        ({"name": 7, "email": "ada@example.com"}, "ada@example.com"),
        ({}, "7"),
        ({"name": "A\x00d\na\u202e\x1b[31m"}, "Ada[31m"),
        ({"name": "a" * 5000}, "a" * LONGEST),
        ({"name": "Ada Łovelace 李"}, "Ada Łovelace 李"),
    ],
)
def test_names(claims, name):
    assert found({"groups": "readers", **claims}).name == name


@pytest.mark.parametrize("subject", ["", "a\nb", "a\x00", "a" * 256])
def test_a_subject_that_is_none(subject):
    with pytest.raises(SignInRefused, match="`sub`"):
        found({"groups": "readers", "sub": subject})


def test_the_audit_log_names_issuer_subject_and_name():
    assert found({"groups": "readers", "name": "Ada"}).actor == "oidc:Ada (7 at https://id.example.com)"
