"""docs/setup-identities.md: its commands are the vendors', its settings make connectors, its scopes and permissions are those that are asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from peers import google_documents
from peers.okta_service_app import key_of
from setup_page import SetupPage, raised, vendor_faults

from providers import registry
from providers.authentik import catalogue as authentik_catalogue
from providers.authentik import client as authentik_client
from providers.authentik import source as authentik_source
from providers.errors import ScopeError
from providers.google import failure as google_failure
from providers.google import signin_faults as google_signin_faults
from providers.google.causes import CAUSES
from providers.google_workspace import client as workspace_client
from providers.http.response import HttpResponse, refusal
from providers.ldap import connection as ldap_connection
from providers.ldap import failure as ldap_failure
from providers.ldap.config import LdapConfig
from providers.ldap.referrals import Referrals
from providers.okta import catalogue as okta_catalogue
from providers.okta import client as okta_client
from providers.okta import signin_faults as okta_signin
from providers.okta import source as okta_source
from providers.schema import parse
from providers.testing import connector_of
from worker.config import sources

PAGE = SetupPage("docs/setup-identities.md")
CONNECTORS = {"GOOGLE_WORKSPACE": "google_workspace", "OKTA": "okta", "LDAP": "ldap", "AUTHENTIK": "authentik"}


@pytest.mark.parametrize("words", PAGE.calls("gcloud", "ldapadd", "ldapsearch"), ids=" ".join)
def test_a_command_is_one_of_the_vendors(words):
    assert vendor_faults(words) == []


def test_the_client_id_is_printed_by_the_name_that_google_gives_it():
    [words] = [words for words in PAGE.calls("gcloud") if "describe" in words]
    field = re.fullmatch(r"value\((\w+)\)", words[-1])[1]
    assert field in google_documents.document("iam.v1")["schemas"]["ServiceAccount"]["properties"]


@pytest.mark.parametrize("environment", PAGE.environments(), ids=lambda one: next(iter(one)))
def test_the_settings_make_a_connector(environment):
    """The settings as the worker reads them, with a placeholder for each value that comes from a file."""
    prefix = next(iter(environment)).removesuffix("_ENABLED")
    provider = registry.get(CONNECTORS[prefix])
    secrets = {"OKTA_PRIVATE_KEY": key_of("of the page").as_pem(private=True).decode()}
    given = {
        name.removesuffix("_FILE"): secrets.get(name.removesuffix("_FILE"), "secret") if name.endswith("_FILE") else value
        for name, value in environment.items()
    }
    assert given.pop(f"{prefix}_ENABLED") == "true"
    assert set(given) <= {one.name for one in sources.variables(registry.description(provider.name))}
    assert set(connector_of(provider, given)) == {name.removeprefix(f"{prefix}_").lower() for name in given}
    parse(provider.config, connector_of(provider, given))


def test_the_scopes_and_permissions_are_those_that_are_asked_for():
    scopes = {permission for kind in registry.get("google_workspace").resource_types() for permission in kind.permissions}
    assert set(re.findall(r"https://www\.googleapis\.com/auth/[\w.]+", PAGE.text)) == scopes
    assert tuple(re.findall(r"^ +(okta\.\w+\.read)$", PAGE.text, re.MULTILINE)) == okta_catalogue.SCOPES
    kinds = (authentik_catalogue.USER, authentik_catalogue.GROUP, authentik_catalogue.ROLE)
    assert set(re.findall(r"`(authentik_\w+\.\w+)`", PAGE.text)) == {kind.permission for kind in kinds}


def _bind(code: str) -> tuple[str, str]:
    """The sentence of a bind that Active Directory refuses, by its own code."""
    message = f"80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {code}, v4563"
    config = LdapConfig(server="dc1.example.com", base_dn="DC=example,DC=com", bind_dn="elder", bind_password="p")
    error = ldap_failure.refused({"result": 49, "description": "invalidCredentials", "message": message}, config)
    return error.error_kind, str(error)


def _searches() -> Iterator[tuple[str, str]]:
    """The sentences of searches that a directory refuses, by those who asked: as what ends a sync, and as one type's."""
    for anonymous, code, encrypted in ((True, 8, False), (False, 8, True), (False, 53, False)):
        result = {"result": code, "description": "refused", "message": ""}
        with pytest.raises(ldap_failure.Refused) as found:
            ldap_failure.check(result, "dc=example", anonymous=anonymous, found=0, control=None, encrypted=encrypted)
        yield found.value.error_kind, str(found.value)
        yield ScopeError().outcome.value, found.value.alone


def _referrals() -> Iterator[tuple[str, str]]:
    found = Referrals("dc=example", ())
    found.note([{"type": "searchResRef", "uri": ["ldap://dc2/dc=emea,dc=example"]}])
    return ((report.outcome.value, report.message) for report in found.reports("ldap_user"))


def _google(code: str, text: str) -> tuple[str, str]:
    error = google_signin_faults.of_signin(ValueError(text, {"error": code, "error_description": text}), "the service account", ("scope",))
    return error.outcome.value if isinstance(error, ScopeError) else error.error_kind, str(error)


def test_every_denial_has_a_sentence_that_a_sync_tells():
    answer = HttpResponse(403, {}, json.dumps({"errorCode": "E0000006"}).encode(), "https://example.okta.com/api/v1/x")
    lacking = refusal("Okta", answer, "list roles", "okta.roles.read")
    doubts = [authentik_source._doubt(frozenset(), kind) for kind in (authentik_catalogue.USER, authentik_catalogue.APPLICATION)]
    outcomes = {"Denied": "denied", "Disabled": "unsupported"}
    told = [
        *raised(workspace_client, google_failure, okta_client, okta_signin, authentik_client, ldap_failure, ldap_connection),
        *(("credentials", sentence) for sentence in (*okta_signin.SENTENCES.values(), okta_signin._UNKNOWN)),
        *((outcomes.get(cause.error.__name__, ""), cause.sentence) for cause in CAUSES),
        _google("unauthorized_client", "Client is unauthorized"),
        _google("invalid_grant", "Invalid email or User ID"),
        _google("invalid_grant", "Invalid JWT Signature"),
        *map(_bind, ("52e", "532", "533", "773", "775")),
        *_searches(),
        *_referrals(),
        (lacking.outcome.value, str(lacking)),
        ("denied", okta_source._LIMITED),
        *((doubt.outcome.value, doubt.message) for doubt in doubts),
    ]
    assert len(PAGE.denials()) == 41
    assert PAGE.untold(told) == []
