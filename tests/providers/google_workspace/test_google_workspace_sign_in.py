"""Sign-ins to Google Workspace: scopes that suffice, who acts, refused sign-ins and wrong configs."""

from __future__ import annotations

import re

import pytest
from directory_reports import USERS_SCOPE
from peers import google_refusals as refusals
from peers.google_customer import CUSTOMER

from providers import registry
from providers.errors import ConfigError, CredentialsError, Denied, NoCredentialsYet, Outcome


def _scopes() -> set[str]:
    return {permission for kind in registry.get("google_workspace").resource_types() for permission in kind.permissions}


def test_the_scopes_of_the_policy_are_enough(google, customer, read):
    google.tokens.delegated = _scopes()

    assert {report.outcome for report in read().reports.values()} == {Outcome.COMPLETE}


@pytest.mark.parametrize("scope", sorted(_scopes()), ids=lambda scope: scope.split(".")[-2])
def test_a_scope_less_is_a_denied_scope_that_names_it(google, customer, read, scope):
    google.tokens.delegated = _scopes() - {scope}
    if scope == USERS_SCOPE:  # without it nobody can say who acts
        with pytest.raises(Denied, match=re.escape(USERS_SCOPE)):
            read()
        return
    denied = [report for report in read().reports.values() if report.outcome is Outcome.DENIED]

    assert denied
    assert {report.permission for report in denied} == {scope}
    assert all(scope in report.message for report in denied)


def test_who_acts_is_told_and_what_they_may(google, customer, read):
    who = read().who

    assert (who.name, who.account, who.details) == ("admin@example.com", CUSTOMER, {"rights": "super administrator"})


def test_the_customer_can_be_named(google, customer, read):
    assert {scope.account for scope in read(customer_id=CUSTOMER).found} == {CUSTOMER}


@pytest.mark.parametrize(
    ("refusal", "words"),
    [
        (refusals.INVALID_GRANT, "the key was deleted"),
        (refusals.ACCOUNT_GONE, "was deleted or disabled"),
        (refusals.Refusal(400, "invalid_grant", "Invalid email or User ID"), "name an active administrator"),
    ],
)
def test_a_refused_sign_in_says_what_to_do(google, customer, read, refusal, words):
    with google.failing(refusal, "token"), pytest.raises(CredentialsError, match=words):
        read()


def test_a_subject_that_is_not_of_the_domain_is_refused(google, customer, read):
    with pytest.raises(CredentialsError, match="name an active administrator"):
        read(admin_email="nobody@example.com")


def test_a_token_endpoint_that_is_down_is_no_wrong_key(google, customer, read):
    with google.failing(refusals.CUT, "token"), pytest.raises(NoCredentialsYet, match="token endpoint") as caught:
        read()
    assert caught.value.error_kind == "source"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"credentials": None}, "one of `credentials` and `credentials_path`"),
        ({"admin_email": "admin"}, "not an e-mail address"),
        ({"credentials": {"type": "authorized_user"}}, "`credentials.type` is 'authorized_user'; taken here: service_account"),
        ({"credentials": None, "credentials_path": "/does/not/exist.json"}, "cannot be read"),
    ],
)
def test_a_wrong_config_is_refused_by_its_key(read, config, words):
    with pytest.raises(ConfigError, match=words):
        read(**config)
