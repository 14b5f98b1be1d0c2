"""The Authentik connector against a stateful fake whose every request and answer Authentik's own OpenAPI document has approved."""

from __future__ import annotations

import contextlib

import pytest
import volatile
from peers.authentik import FORBIDDEN, NOT_SIGNED_IN, TOKEN
from recorder import Recorder
from stored_suite import StoredSuite

from providers import registry
from providers.errors import ConfigError, CredentialsError, Outcome, ProviderError
from providers.http import retry
from providers.http.credential import TRIES
from providers.runner import run
from providers.schema import parse
from providers.testing import Fault, connector_of
from providers.variables import NoSettings

VIEWS = ["authentik_core.view_user", "authentik_core.view_group", "authentik_rbac.view_role"]


def fill(fake):
    """More than one page of everything."""
    fake.roles = [fake.role(f"Role {n}") for n in range(4)]
    top = fake.group("All", roles=(fake.roles[0],))
    fake.teams = [top, *(fake.group(f"Team {n}", parents=(top,)) for n in range(4))]
    fake.teams.append(fake.group("Both", parents=(fake.teams[1], fake.teams[2])))
    fake.people = [fake.user(f"user{n}", groups=(top, fake.teams[1]), roles=tuple(fake.roles[1:3])) for n in range(7)]
    fake.user("bot", type="service_account", path="goauthentik.io/service-accounts")
    fake.user("left", is_active=False)
    for n in range(5):
        fake.application(f"app-{n}")
    return fake


@pytest.fixture
def installation(authentik):
    return fill(authentik)


@pytest.fixture(autouse=True)
def waits(monkeypatch):
    """The seconds that were waited, without waiting."""
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    return waits


def config(fake, **changes):
    return {"domain": fake.url, "api_token": TOKEN, **changes}


def read(fake, **changes):
    provider = registry.get("authentik")
    sink = Recorder()
    with contextlib.closing(provider.open(parse(provider.config, config(fake, **changes)), NoSettings())) as source:
        sink.tally = run(source, sink)
    return sink


def links(resource, kind):
    return [link.target for link in resource.links if link.type == kind]


def test_everything_is_read_to_the_last_page(installation):
    sink = read(installation)
    counts = {scope.resource_type: report.resources for scope, report in sink.reports.items()}
    assert counts == {"authentik_user": 9, "authentik_group": 6, "authentik_role": 4, "authentik_application": 5}
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}


def test_one_list_each_and_no_more(installation):
    """Memberships and roles come with the users, whom groups need not name again."""
    installation.page = 100
    read(installation)
    asked = [path.removeprefix("/api/v3") for path, _ in installation.requests]
    assert sorted(asked) == sorted(["/core/users/me/", "/core/users/", "/core/groups/", "/rbac/roles/", "/core/applications/"])
    queries = dict(installation.requests)
    assert queries["/api/v3/core/groups/"]["include_users"] == "false"
    assert queries["/api/v3/core/users/"]["include_groups"] == "false"


def test_a_user_has_its_groups_roles_and_kind_and_nothing_private(installation):
    sink = read(installation)
    user, bot = sink.one("User3"), sink.one("Bot")
    assert user.external_id == installation.people[3]
    assert links(user, "member_of") == sorted(installation.teams[:2])
    assert links(user, "has_role") == sorted(installation.roles[1:3])
    assert (user.attributes["username"], user.attributes["is_active"], user.attributes["path"]) == ("user3", True, "users")
    assert bot.attributes["type"] == "service_account"
    assert sink.one("Left").attributes["is_active"] is False
    assert "canary" not in str([resource for _, resource in sink.all()])
    assert "last_login" not in user.attributes


@pytest.mark.parametrize("old", [False, True], ids=["parents", "parent"])
def test_groups_have_several_parents_or_the_one_of_older_versions(installation, old):
    installation.old_parents = old
    sink = read(installation)
    both = sorted(installation.teams[1:3])
    assert links(sink.one("Team 0"), "member_of") == [installation.teams[0]]
    assert links(sink.one("Both"), "member_of") == (installation.teams[1:2] if old else both)
    assert links(sink.one("All"), "has_role") == [installation.roles[0]]


class TestAuthentik(StoredSuite):
    """What holds for every provider."""

    provider, secrets = "authentik", (TOKEN,)
    expected = frozenset({"authentik_user", "authentik_group", "authentik_role", "authentik_application"})

    @pytest.fixture(autouse=True)
    def peer(self, installation):
        self.authentik, self.config = installation, config(installation)

    def move(self, time):
        volatile.move("authentik", self.authentik.objects, time)

    @contextlib.contextmanager
    def inject(self, fault):
        none = {"next": 0, "previous": 0, "count": 0, "current": 1, "total_pages": 1, "start_index": 0, "end_index": 0}
        reply = {
            Fault.DENIED: FORBIDDEN,
            Fault.CUT: (0, {}, {}),
            Fault.THROTTLED: (429, {"Retry-After": "1"}, {"detail": "Request was throttled."}),
            Fault.EMPTY: (200, {}, {"pagination": none, "results": [], "autocomplete": {}}),
            Fault.EXPIRED: NOT_SIGNED_IN,
            Fault.WRONG_CREDENTIALS: NOT_SIGNED_IN,
        }[fault]
        where = "/core/users/me/" if fault is Fault.WRONG_CREDENTIALS else "/rbac/roles/"
        self.authentik.fault = lambda path, _query: reply if path.endswith(where) else None
        yield lambda scope: scope.resource_type == "authentik_role"
        self.authentik.fault = lambda _path, _query: None


def test_a_role_with_the_view_permissions_is_believed_but_not_on_applications(installation):
    installation.superuser, installation.permissions, installation.visible = False, VIEWS, {"App-0"}
    sink = read(installation)
    outcomes = {scope.resource_type: report.outcome for scope, report in sink.reports.items()}
    assert outcomes.pop("authentik_application") is Outcome.DENIED
    assert set(outcomes.values()) == {Outcome.COMPLETE}
    assert sink.report("authentik_application").resources == 1
    assert "is_superuser" in sink.report("authentik_application").message


def test_users_that_authentik_leaves_out_silently_are_denied_not_absent(installation):
    """Permission on two single users: the list is a success with two in it."""
    installation.superuser, installation.permissions, installation.visible = False, VIEWS[1:], {"User1", "User2"}
    sink = read(installation)
    report = sink.report("authentik_user")
    assert (report.outcome, report.resources, report.permission) == (Outcome.DENIED, 2, "authentik_core.view_user")
    assert report.permission in report.message
    assert sink.report("authentik_group").outcome is Outcome.COMPLETE


def test_a_version_that_does_not_tell_the_tokens_roles_is_not_believed(installation):
    installation.superuser, installation.permissions, installation.visible = False, VIEWS, {"User1", "Team 1", "Role 1", "App-1"}
    me = {"user": {"pk": 1, "username": "elder", "is_superuser": False}}
    installation.fault = lambda path, _query: (200, {}, me) if path.endswith("/users/me/") else None
    assert {report.outcome for report in read(installation).reports.values()} == {Outcome.DENIED}


def test_403_of_one_list_denies_that_one_and_nothing_else(installation):
    installation.fault = lambda path, _query: FORBIDDEN if path.endswith("/core/groups/") else None
    sink = read(installation)
    assert sink.report("authentik_group").outcome is Outcome.DENIED
    assert sink.report("authentik_user").outcome is Outcome.COMPLETE


def test_a_user_deleted_while_pages_are_read_hides_nobody(installation):
    """Page 2 would begin one further on: whoever moved up to page 1 was on no page that was read."""
    deleted = []

    def delete(path, query):
        if path.endswith("/core/users/") and query.get("page") == "2" and not deleted:
            deleted.append("User0")
            installation.delete("users", "User0")

    installation.before = delete
    sink = read(installation)
    assert deleted
    assert set(installation.people) <= set(sink.ids("authentik_user"))
    assert sink.report("authentik_user").outcome is Outcome.COMPLETE


def test_a_list_that_changes_each_time_is_not_complete(installation):
    def grow(path, query):
        if path.endswith("/core/users/") and query.get("page") == "2":
            installation.user(f"new{len(installation.requests)}")

    installation.before = grow
    report = read(installation).report("authentik_user")
    assert report.outcome is Outcome.ERROR
    assert "changed each time" in report.message


@pytest.mark.parametrize("following", [1, 2], ids=["A A", "A B A B"])
def test_page_numbers_in_a_circle_end(installation, following):
    def circle(path, query):
        if not path.endswith("/rbac/roles/"):
            return None
        number = 2 if query.get("page", "1") == "1" else following
        pagination = {"next": number, "previous": 0, "count": 9, "current": 1, "total_pages": 3, "start_index": 1, "end_index": 3}
        return 200, {}, {"pagination": pagination, "results": [], "autocomplete": {}}

    installation.fault = circle
    report = read(installation).report("authentik_role")
    assert report.outcome is Outcome.ERROR
    assert "circle" in report.message


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"pagination": None, "results": []},
        {"pagination": {"next": "x", "count": 1}, "results": []},
        {"results": {}, "pagination": {"next": 0}},
    ],
    ids=str,
)
def test_what_is_no_page_is_no_answer(installation, body):
    installation.fault = lambda path, _query: (200, {}, body) if path.endswith("/rbac/roles/") else None
    report = read(installation).report("authentik_role")
    assert report.outcome is Outcome.ERROR
    assert "unexpected" not in report.message


def test_users_without_groups_in_the_answer_are_no_users_without_groups(installation):
    for user in installation.objects["users"]:
        del user["groups"]
    sink = read(installation)
    report = sink.report("authentik_user")
    assert (report.outcome, report.resources) == (Outcome.ERROR, 9)
    assert "without groups" in report.message
    assert all(r.links_partial for scope, r in sink.all() if scope.resource_type == "authentik_user")


def test_tls_is_verified_unless_the_operator_says_otherwise(authentik_tls):
    fill(authentik_tls)
    with pytest.raises(CredentialsError, match="cannot be verified"):
        read(authentik_tls)
    assert not authentik_tls.requests, "the token was sent before the certificate was checked"
    assert {report.outcome for report in read(authentik_tls, verify_ssl=False).reports.values()} == {Outcome.COMPLETE}


def test_check_says_who_we_are(installation):
    provider = registry.get("authentik")
    with contextlib.closing(provider.open(parse(provider.config, config(installation)), NoSettings())) as source:
        identity = source.check()
    assert (identity.name, identity.details) == ("elder", {"superuser": "yes"})


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (NOT_SIGNED_IN, "Directory > Tokens.*AUTHENTIK_API_TOKEN"),
        ((404, {}, {"detail": "Not found."}), "no Authentik at .*AUTHENTIK_DOMAIN"),
        ((302, {"Location": "https://login.example.com/"}, {}), "no Authentik at"),
        ((200, {}, []), "no Authentik at"),
        ((200, {}, {}), "does not say who"),
    ],
    ids=["token", "not found", "redirect", "another service", "nobody"],
)
def test_who_is_refused_is_told_what_to_do(installation, reply, words):
    installation.fault = lambda path, _query: reply if path.endswith("/users/me/") else None
    with pytest.raises(ProviderError, match=words):
        read(installation)


@pytest.mark.parametrize(
    ("domain", "url"),
    [
        ("auth.example.com", "https://auth.example.com"),
        ("auth.example.com:9443", "https://auth.example.com:9443"),
        ("https://auth.example.com:443/", "https://auth.example.com"),
        ("https://example.com/auth/", "https://example.com/auth"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("[::1]:9443", "https://[::1]:9443"),
    ],
)
def test_a_domain_in_every_spelling(domain, url):
    provider = registry.get("authentik")
    source = provider.open(parse(provider.config, {"domain": domain, "api_token": TOKEN}), NoSettings())
    assert source._client.http.base_url == url + "/api/v3"
    source.close()


@pytest.mark.parametrize("domain", ["http://auth.example.com", "http://10.0.0.1:9000", "auth.example.com?x=1", "ldap://auth", ""])
def test_domains_that_are_refused(domain):
    with pytest.raises(ConfigError, match="`domain`"):
        parse(registry.get("authentik").config, {"domain": domain, "api_token": TOKEN})


@pytest.mark.parametrize(("text", "verified"), [("false", False), ("true", True), ("", True)])
def test_the_connector_is_configured_by_its_variables(text, verified):
    provider = registry.get("authentik")
    given = {"AUTHENTIK_DOMAIN": "auth.example.com", "AUTHENTIK_API_TOKEN": TOKEN, "AUTHENTIK_VERIFY_SSL": text}
    assert parse(provider.config, connector_of(provider, given)).verify_ssl is verified


@pytest.mark.parametrize("item", [{"pk": None, "uuid": None, "name": "Lost"}, {}, 1, None], ids=str)
def test_an_item_without_an_id_is_left_out_counted_and_named(installation, item):
    installation.page = 100

    def add(path, query):
        if not path.endswith("/rbac/roles/"):
            return None
        status, headers, body = installation.reply(path, query)
        return status, headers, {**body, "results": [item, *body["results"]]}

    installation.fault = add
    report = read(installation).report("authentik_role")
    assert (report.rejected, report.resources) == (1, 4)
    assert "without pk" in report.rejection


def test_a_list_that_shrinks_below_its_next_page_is_begun_anew(installation):
    """The fake, as Authentik, answers a page that is not there any more with 404."""
    shrunk = []

    def shrink(path, query):
        if path.endswith("/core/applications/") and query.get("page") == "2" and not shrunk:
            shrunk.append(path)
            installation.objects["applications"] = installation.objects["applications"][:3]

    installation.before = shrink
    sink = read(installation)
    assert shrunk
    assert sink.report("authentik_application").outcome is Outcome.COMPLETE
    assert {one["pk"] for one in installation.objects["applications"]} <= set(sink.ids("authentik_application"))


def test_a_list_that_ends_before_its_last_item_is_not_complete(installation):
    pagination = {"next": 0, "previous": 0, "count": 9, "current": 1, "total_pages": 3, "start_index": 1, "end_index": 3}
    body = {"pagination": pagination, "results": [], "autocomplete": {}}
    installation.fault = lambda path, _query: (200, {}, body) if path.endswith("/rbac/roles/") else None
    assert read(installation).report("authentik_role").outcome is Outcome.ERROR


@pytest.mark.parametrize("missing", ["count", "end_index"])
def test_a_page_that_does_not_say_how_many_there_are_is_not_the_last(installation, missing):
    pagination = {"next": 0, "previous": 0, "count": 0, "current": 1, "total_pages": 1, "start_index": 0, "end_index": 0}
    del pagination[missing]
    body = {"pagination": pagination, "results": [], "autocomplete": {}}
    installation.fault = lambda path, _query: (200, {}, body) if path.endswith("/rbac/roles/") else None
    report = read(installation).report("authentik_role")
    assert report.outcome is Outcome.ERROR
    assert f"has no `{missing}`" in report.message


def test_a_token_that_is_revoked_within_a_run_is_not_used_again(installation):
    revoked = []

    def revoke(path, _query):
        if path.endswith("/core/users/"):
            revoked.append(path)
        return NOT_SIGNED_IN if revoked else None

    installation.fault = revoke
    with pytest.raises(CredentialsError, match="AUTHENTIK_API_TOKEN"):
        read(installation)
    at = [path for path, _ in installation.requests].index("/api/v3/core/users/")
    assert len(installation.requests) - at <= 4 + TRIES, "what was on its way, and whether it is the token"


def test_what_changes_by_itself_changes_nothing_that_is_stored(installation):
    before = read(installation)
    for user in installation.objects["users"]:
        user["last_login"] = user["last_updated"] = "2026-06-01T00:00:00Z"
    after = read(installation)
    assert {scope: before.differences(after, scope) for scope in before.reports} == {scope: [] for scope in before.reports}


@pytest.mark.parametrize("missing", VIEWS)
def test_each_permission_that_is_told_is_needed(installation, missing):
    installation.superuser, installation.permissions = False, [one for one in VIEWS if one != missing]
    installation.visible = {"User1", "Team 1", "Role 1"}
    sink = read(installation)
    denied = {scope.resource_type for scope, report in sink.reports.items() if report.outcome is Outcome.DENIED}
    waits = {kind.sub_type for kind in registry.get("authentik").resource_types() if missing in kind.permissions}
    assert denied == {*waits, "authentik_application"}
