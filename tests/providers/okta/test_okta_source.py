"""The Okta connector against a stateful fake whose every request and answer Okta's own OpenAPI document has approved."""

from __future__ import annotations

import contextlib
import itertools
import re

import pytest
import volatile
from okta_organization import HELP, PLAIN_ITEMS, SUPER, config, links, read
from peers.okta import FORBIDDEN, INVALID_TOKEN, NOT_FOUND, TOKEN, TOO_MANY
from stored_suite import StoredSuite

from providers import registry
from providers.errors import ConfigError, CredentialsError, Denied, Outcome
from providers.okta import applications
from providers.okta.catalogue import KINDS, LISTINGS, PLAIN
from providers.schema import parse
from providers.testing import Fault, connector_of
from providers.variables import NoSettings


def test_everything_is_read_to_the_last_page_deprovisioned_users_too(organization):
    sink = read(organization)
    counts = {scope.resource_type: report.resources for scope, report in sink.reports.items()}
    plain = {kind.sub_type: PLAIN_ITEMS for kind in PLAIN}
    assert counts == {"okta_user": 14, "okta_group": 8, "okta_application": 5, "okta_admin_role": 4, "okta_role_assignment": 7, **plain}
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert sorted(sink.ids("okta_user")) == sorted(organization.users)


def test_a_user_has_its_status_groups_and_profile_and_nothing_private(organization):
    user = {r.external_id: r for _, r in read(organization).all()}[organization.people[3]]
    everyone, *teams = list(organization.groups)[:6]
    assert (user.entity_type, user.sub_type, user.name) == ("user", "okta_user", "Ada user3")
    assert user.attributes["status"] == "ACTIVE"
    assert user.attributes["profile"]["department"] == "R&D"
    assert user.attributes["credentials"] == {"provider": {"type": "OKTA", "name": "OKTA"}}
    assert links(user, "member_of") == [everyone, *teams[3:]]
    assert "lastLogin" not in user.attributes


def test_nothing_private_or_secret_leaves_the_source(organization):
    assert "canary" not in str([resource for _, resource in read(organization).all()])


def test_two_groups_of_one_name_are_two(organization):
    same = [r for scope, r in read(organization).all() if scope.resource_type == "okta_group" and r.name == "Same"]
    assert len({group.external_id for group in same}) == 2
    assert {group.attributes["type"] for group in same} == {"OKTA_GROUP", "APP_GROUP"}


def test_an_application_is_assigned_to_groups_and_to_users_one_by_one(organization):
    app = read(organization).one("App 2")
    assert (app.entity_type, app.attributes["signOnMode"]) == ("application", "OPENID_CONNECT")
    assert links(app, "assigned_to") == sorted([*organization.teams[:4], organization.people[0], *organization.people[2:6]])


def test_an_application_with_too_many_direct_users_says_so(organization, monkeypatch):
    monkeypatch.setattr(applications, "DIRECT_USERS", 4)
    app = read(organization).one("App 2")
    assert app.attributes["directUsers"] == "more than 4"
    assert links(app, "assigned_to") == organization.teams[:4]


def test_a_role_assignment_links_a_role_and_who_has_it_and_none_is_told_twice(organization):
    sink = read(organization)
    found = [r for scope, r in sink.all() if scope.resource_type == "okta_role_assignment"]
    pairs = {(links(r, "granted_to")[0], links(r, "has_role")[0].rpartition("/")[2]) for r in found}
    people, teams = organization.people, organization.teams
    assert len({r.external_id for r in found}) == 7
    assert pairs == {
        (next(iter(organization.users)), SUPER),
        *((person, HELP) for person in people[:4]),
        (people[0], "cr01"),
        (teams[0], "APP_ADMIN"),
    }
    [auditor] = [r for r in found if r.name == "Auditor"]
    assert auditor.attributes["resource-set"] == "iamset1"


def test_only_groups_with_privileges_are_asked_for_roles(organization):
    read(organization)
    asked = [path for path, _ in organization.requests if path.startswith("/api/v1/groups/") and path.endswith("/roles")]
    assert asked == [f"/api/v1/groups/{organization.teams[0]}/roles"]


def test_no_list_is_asked_for_more_often_than_it_has_pages(organization):
    """1 + pages of users (9 / 3 and 5 / 3 and what has changed), of groups twice, of applications; members, assignments and roles by object."""
    organization.page = 200
    read(organization)
    objects = len(organization.groups) + 2 * len(organization.apps) + 5 + 1 + len(PLAIN)
    assert len(organization.requests) == 1 + 3 + 2 + 1 + 1 + objects


class TestOkta(StoredSuite):
    """What holds for every provider."""

    provider, secrets = "okta", (TOKEN, "canary-phone", "canary-question")
    expected = frozenset(kind.sub_type for kind in KINDS)

    @pytest.fixture(autouse=True)
    def peer(self, organization, waits):
        self.okta, self.config = organization, config(organization)
        self.secrets = (TOKEN,)

    def move(self, time):
        okta = self.okta
        lists = {"users": okta.users, "groups": okta.groups, "apps": okta.apps}
        nested = {"roles": itertools.chain(*okta.roles.values()), "plain": itertools.chain(*okta.plain.values())}
        volatile.move("okta", {**{name: found.values() for name, found in lists.items()}, **nested}, time)

    @contextlib.contextmanager
    def inject(self, fault):
        reply = {
            Fault.DENIED: FORBIDDEN,
            Fault.CUT: (0, {}, []),
            Fault.THROTTLED: TOO_MANY,
            Fault.EMPTY: (200, {}, []),
            Fault.EXPIRED: INVALID_TOKEN,
            Fault.WRONG_CREDENTIALS: INVALID_TOKEN,
        }[fault]
        where = "/api/v1/users/me" if fault is Fault.WRONG_CREDENTIALS else "/api/v1/apps"
        self.okta.fault = lambda path, _query: reply if path == where else None
        yield lambda scope: scope.resource_type == "okta_application"
        self.okta.fault = lambda _path, _query: None


def test_check_says_who_we_are(organization):
    provider = registry.get("okta")
    with contextlib.closing(provider.open(parse(provider.config, config(organization)), NoSettings())) as source:
        identity = source.check()
    assert (identity.name, identity.account) == ("admin@example.com", organization.url.partition("://")[2])


@pytest.mark.parametrize(
    ("reply", "kind", "words"),
    [
        (INVALID_TOKEN, CredentialsError, "E0000011.*OKTA_API_TOKEN"),
        (FORBIDDEN, Denied, "okta.users.read.self"),
        (NOT_FOUND, CredentialsError, "no Okta organization at .*OKTA_DOMAIN"),
    ],
    ids=["invalid token", "forbidden", "no such organization"],
)
def test_who_is_refused_is_told_what_to_do(organization, reply, kind, words):
    organization.fault = lambda path, _query: reply if path == "/api/v1/users/me" else None
    with pytest.raises(kind, match=words):
        read(organization)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"domain": "http://example.okta.com"}, "use https"),
        ({"domain": "https://example-admin.okta.com"}, "the organization is example.okta.com"),
        ({"domain": "example.okta.com/api"}, "without a path"),
        ({"domain": "exa mple.okta.com"}, "must be a host"),
        ({"domain": "ftp://example.okta.com"}, "it must be https"),
        ({"domain": "example.okta.com:99999"}, "a port that is not a number"),
        ({"domain": "https://user:pw@example.okta.com"}, "must be a host"),
        ({"api_token": "a\nb"}, "characters that no token has"),
        ({"api_tokn": "x"}, "did you mean `api_token`?"),
    ],
)
def test_bad_configs(changes, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(registry.get("okta").config, {"domain": "example.okta.com", "api_token": "x", **changes})
    assert complaint in str(caught.value)
    assert "pw" not in str(caught.value)


def test_the_connector_is_configured_by_its_variables():
    provider = registry.get("okta")
    given = connector_of(provider, {"OKTA_DOMAIN": "example.okta.com", "OKTA_API_TOKEN": TOKEN})
    source = provider.open(parse(provider.config, given), NoSettings())
    assert source._organization.name == "Okta: example.okta.com"
    source.close()


def test_what_changes_by_itself_changes_nothing_that_is_stored(organization):
    before = read(organization)
    organization.move("2026-06-01T00:00:00.000Z")
    after = read(organization)
    assert {scope: before.differences(after, scope) for scope in before.reports} == {scope: [] for scope in before.reports}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.sub_type)
def test_the_permissions_that_are_told_suffice_and_each_is_needed(organization, kind):
    """A token without one of the permissions of a type denies that type, and the permission is named."""
    [waits] = [one for one in registry.get("okta").resource_types() if one.sub_type == kind.sub_type]
    for missing in waits.permissions:
        paths = {call.removeprefix("GET ") for call in waits.calls} & _paths_of(missing)
        organization.fault = lambda path, _query, paths=paths: FORBIDDEN if any(_fits(path, one) for one in paths) else None
        report = read(organization).report(kind.sub_type)
        assert (report.outcome, report.permission) == (Outcome.DENIED, missing)


def _paths_of(permission):
    return {listing.path for listing in (*LISTINGS, *(kind.listing for kind in KINDS)) if listing.permission == permission}


def _fits(path, template):
    return re.fullmatch(re.sub(r"{[^}]*}", "[^/]+", template), path) is not None
