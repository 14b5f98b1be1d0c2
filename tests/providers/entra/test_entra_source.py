"""The Entra provider against a fake Microsoft Graph over TLS: pages, memberships, refusals, identity."""

from __future__ import annotations

import contextlib

import msgspec
import pytest
import volatile
from peers.graph import LEAST, SECRET, TENANT
from recorder import Recorder
from stored_suite import StoredSuite

from providers import registry
from providers.entra import catalogue
from providers.entra.client import GRAPHS, Client
from providers.entra.config import EntraConfig, EntraOperator
from providers.errors import ConfigError, CredentialsError, Denied, Outcome
from providers.http import retry
from providers.records import Link, Organization
from providers.runner import run
from providers.schema import parse
from providers.testing import Fault, operator_of

READ = catalogue.KINDS
"""The types that are read to the last of three pages."""

CREDENTIALS = {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET}


def read(graph, **config):
    provider = registry.get("entra")
    sink = Recorder()
    source = provider.open(parse(provider.config, {**CREDENTIALS, **config}), operator_of(provider, graph.operator))
    try:
        sink.tally = run(source, sink)
    finally:
        source.close()
    return sink


def refused(code: str, status: int = 403):
    return status, {}, {"error": {"code": code, "message": f"{code}: refused"}}


def test_every_type_is_read_to_the_last_of_three_pages(tenant):
    sink = read(tenant)
    counts = {scope.resource_type: report.resources for scope, report in sink.reports.items()}
    assert counts == {kind.sub_type: 1 if kind is catalogue.TENANT else 7 for kind in READ}
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert {scope.account for scope in sink.reports} == {TENANT}


def test_a_users_state_kind_and_memberships(tenant):
    sink = read(tenant)
    user = sink.one("User 3")
    assert (user.entity_type, user.external_id, user.organization) == ("user", tenant.users[3].lower(), TENANT)
    assert (user.attributes["status"], sink.one("User 5").attributes["userType"]) == ("disabled", "Guest")
    assert sink.one("User 5").attributes["status"] == "active"
    assert {link.target for link in user.links} == {group.lower() for group in tenant.groups}
    assert {link.type for link in user.links} == {"member_of"}


def test_groups_in_groups_even_in_a_circle_are_direct_memberships(graph):
    outer = graph.group("outer")
    inner = graph.group("inner", outer)
    graph.members[outer] = [inner]
    sink = read(graph)
    assert sink.one("inner").links == (Link("member_of", outer.lower()),)
    assert sink.one("outer").links == (Link("member_of", inner.lower()),)


def test_owners_are_links_of_the_group(tenant):
    assert Link("owned_by", tenant.users[0].lower()) in read(tenant).one("Group 2").links


def test_a_service_principal_is_linked_to_its_application_and_to_the_resource_whose_identity_it_is(tenant):
    arm = "/subscriptions/S/resourceGroups/G/providers/Microsoft.Compute/virtualMachines/VM"
    tenant.add(
        "/servicePrincipals",
        displayName="machine",
        appId="elsewhere",
        servicePrincipalType="ManagedIdentity",
        alternativeNames=["isExplicit=False", arm],
    )
    sink = read(tenant)
    assert sink.one("machine").links == (Link("identity_of", arm.lower()),)
    assert sink.one("Principal 1").links == (Link("instance_of", tenant.apps[1].lower()),)


def test_role_assignments_link_role_and_principal_and_a_scope_that_is_not_the_whole_directory(tenant):
    role = tenant.objects["/roleManagement/directory/roleDefinitions"][0]["id"]
    limited = tenant.add(
        "/roleManagement/directory/roleAssignments", principalId="P-1", roleDefinitionId=role, directoryScopeId="/administrativeUnits/AU-1"
    )
    sink = read(tenant)
    assert set(sink.one(limited).links) == {Link("has_role", role.lower()), Link("granted_to", "p-1"), Link("limited_to", "au-1")}
    whole = next(found for _, found in sink.all() if found.sub_type == "entra_role_assignment" and found.name != limited)
    assert {link.type for link in whole.links} == {"has_role", "granted_to"}


def test_of_credentials_only_kind_and_dates_are_stored(tenant):
    sink = read(tenant)
    app = sink.one("App 0")
    assert [(one["type"], one["endDateTime"]) for one in app.attributes["credentials"]] == [
        ("certificate", "2027-01-01T00:00:00Z"), ("secret", "2026-06-01T00:00:00Z"),
    ]  # fmt: skip
    stored = msgspec.json.encode([resource for _, resource in sink.all()]).decode()
    assert "canary-password" not in stored
    assert '"hint"' not in stored
    assert '"keyId"' not in stored


def test_what_the_shape_adds_can_be_left_out_and_masked(tenant):
    sink = read(tenant, ignore_fields=["status"], mask_names=["endDateTim"])
    assert not [found for _, found in sink.all() if "status" in found.attributes]
    assert [one["type"] for one in sink.one("App 0").attributes["credentials"]] == ["certificate", "secret"]


def test_a_second_run_is_the_same(tenant):
    first, second = read(tenant), read(tenant)
    for scope in first.found:
        assert first.canonical(scope) == second.canonical(scope)


# Refusals


@pytest.mark.parametrize("kind", catalogue.KINDS, ids=lambda kind: kind.sub_type)
def test_a_missing_permission_denies_what_it_covers_by_its_name(tenant, kind):
    tenant.permissions = LEAST - {kind.permission}
    sink = read(tenant)
    denied = {scope.resource_type: report for scope, report in sink.reports.items() if report.outcome is not Outcome.COMPLETE}
    assert set(denied) == {one.sub_type for one in catalogue.KINDS if one.permission == kind.permission}
    assert {(report.outcome, report.permission) for report in denied.values()} == {(Outcome.DENIED, kind.permission)}
    assert all(kind.permission in report.message for report in denied.values())


def test_without_the_groups_nobody_loses_a_membership(tenant):
    tenant.permissions = LEAST - {"Group.Read.All"}
    user = read(tenant).one("User 1")
    assert (user.links, user.links_partial) == ((), True)


def test_one_group_that_cannot_be_read_is_that_groups_trouble(tenant):
    tenant.fault = lambda path: refused("Authorization_RequestDenied") if path.endswith(f"{tenant.groups[2]}/members") else None
    sink = read(tenant)
    report = sink.report("entra_group")
    assert (report.outcome, report.resources, "1 of 7 groups" in report.message) == (Outcome.COMPLETE, 7, True)
    user = sink.one("User 1")
    assert (len(user.links), user.links_partial) == (6, True)


def test_groups_one_after_the_other_that_cannot_be_read_end_the_asking(graph):
    for number in range(40):
        graph.group(f"g{number}")
    graph.fault = lambda path: refused("Authorization_RequestDenied") if path.endswith("/members") else None
    sink = read(graph)
    assert sink.report("entra_group").outcome is Outcome.DENIED
    assert sink.report("entra_user").outcome is Outcome.COMPLETE


def test_hidden_members_that_are_not_shown_are_not_taken_for_none(graph):
    user = graph.add("/users", displayName="somebody")
    graph.group("secret club", user, visibility="HiddenMembership")
    assert len(read(graph).one("somebody").links) == 1
    graph.permissions = LEAST
    sink = read(graph)
    assert sink.one("somebody").links_partial
    report = sink.report("entra_group")
    assert (report.outcome, "Member.Read.Hidden" in report.message) == (Outcome.DENIED, True)


def test_a_group_that_is_deleted_between_list_and_read_is_none(tenant):
    gone = tenant.groups[3]
    del tenant.members[gone]
    real = tenant.fault

    def fault(path):
        return refused("Request_ResourceNotFound", 404) if gone in path else real(path)

    tenant.fault = fault
    sink = read(tenant)
    assert (sink.report("entra_group").outcome, sink.report("entra_group").resources) == (Outcome.COMPLETE, 6)
    assert not sink.one("User 1").links_partial


def test_a_throttle_is_waited_out_as_long_as_graph_asks(tenant, monkeypatch):
    waits, left = [], [2]
    monkeypatch.setattr(retry, "wait", waits.append)

    def fault(path):
        if path == "/v1.0/devices" and left[0]:
            left[0] -= 1
            return 429, {"Retry-After": "7"}, {"error": {"code": "TooManyRequests", "message": "slow down"}}
        return None

    tenant.fault = fault
    assert read(tenant).report("entra_device").outcome is Outcome.COMPLETE
    assert [round(wait) for wait in waits].count(7) >= 2


def test_a_page_token_that_expires_begins_the_list_anew(tenant):
    left = [1]

    def fault(path):
        if path == "/v1.0/users" and tenant.requests.count(path) == 2 and left[0]:
            left[0] -= 1
            return refused("Directory_ExpiredPageToken", 400)
        return None

    tenant.fault = fault
    report = read(tenant).report("entra_user")
    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 7)


def test_a_next_page_on_another_host_is_refused(tenant):
    page = {"value": [], "@odata.nextLink": "https://evil.example/v1.0/users?$skiptoken=x"}
    tenant.fault = lambda path: (200, {}, page) if path == "/v1.0/users" else None
    report = read(tenant).report("entra_user")
    assert (report.outcome, "another host" in report.message) == (Outcome.ERROR, True)


def test_pages_in_a_circle_end(tenant):
    def fault(path):
        again = f"{tenant.operator['ENTRA_GRAPH_URL']}/v1.0/users?$skiptoken=x"
        return (200, {}, {"value": [], "@odata.nextLink": again}) if path == "/v1.0/users" else None

    tenant.fault = fault
    report = read(tenant).report("entra_user")
    assert (report.outcome, "circle" in report.message) == (Outcome.ERROR, True)


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {"id": "x"}}, {"value": [], "error": {"code": "UnknownError"}}])
def test_an_answer_that_is_no_list_is_no_empty_one(tenant, body):
    tenant.fault = lambda path: (200, {}, body) if path == "/v1.0/users" else None
    assert read(tenant).report("entra_user").outcome is Outcome.ERROR


def test_an_item_without_an_id_stops_no_other(tenant):
    page = {"value": [{"id": None, "displayName": "nobody"}, {"id": "1", "displayName": "somebody"}, "text"]}
    tenant.fault = lambda path: (200, {}, page) if path == "/v1.0/users" else None
    report = read(tenant).report("entra_user")
    assert (report.outcome, report.resources, report.rejected) == (Outcome.COMPLETE, 1, 2)


def test_a_tenant_without_the_licence_is_unsupported(tenant):
    tenant.fault = lambda path: (
        refused("Authentication_RequestFromNonPremiumTenantOrB2CTenant") if path.endswith("roleAssignments") else None
    )
    assert read(tenant).report("entra_role_assignment").outcome is Outcome.UNSUPPORTED


# Who we are


def test_check_says_who_we_are_and_which_tenant_it_is(tenant):
    provider = registry.get("entra")
    with contextlib.closing(provider.open(parse(provider.config, CREDENTIALS), operator_of(provider, tenant.operator))) as source:
        identity = source.check()
    assert (identity.name, identity.account) == ("app-1", TENANT)
    assert identity.details == {"tenant": "Contoso", "credential_expires_at": "2026-06-01T00:00:00Z"}


def details_of(tenant):
    provider = registry.get("entra")
    with contextlib.closing(provider.open(parse(provider.config, CREDENTIALS), operator_of(provider, tenant.operator))) as source:
        return source.check().details


def test_of_several_secrets_the_one_that_is_used_says_when_it_ends(tenant):
    app = next(one for one in tenant.objects["/applications"] if one["appId"] == "app-1")
    ends = {"zzz": "2026-01-01T00:00:00Z", "can": "2027-03-01T00:00:00.1234567Z", "yyy": "2026-02-01T00:00:00Z"}
    app["passwordCredentials"] = [{"hint": hint, "endDateTime": end} for hint, end in ends.items()]
    assert details_of(tenant)["credential_expires_at"] == "2027-03-01T00:00:00Z"
    app["passwordCredentials"] += [{"hint": "can", "endDateTime": "2026-12-01T00:00:00Z"}]
    assert details_of(tenant)["credential_expires_at"] == "2026-12-01T00:00:00Z", "of those that begin alike, the first to end"


def test_without_the_right_to_look_the_app_up_it_is_not_known_when_its_secret_ends(tenant):
    tenant.permissions = LEAST - {"Application.Read.All"}
    assert details_of(tenant) == {"tenant": "Contoso"}


def test_of_an_app_of_another_tenant_it_is_not_known_when_its_secret_ends(tenant):
    tenant.objects["/applications"] = []
    assert details_of(tenant) == {"tenant": "Contoso"}


@pytest.mark.parametrize("answer", [{}, {"passwordCredentials": "x"}, {"passwordCredentials": [3, {"hint": "can", "endDateTime": None}]}])
def test_an_app_that_is_none_is_no_end(tenant, answer):
    tenant.fault = lambda path: (200, {}, answer) if path.startswith("/v1.0/applications(") else None
    assert details_of(tenant) == {"tenant": "Contoso"}


def test_the_organization_is_the_tenant(tenant):
    assert list(read(tenant).tree.values()) == [Organization(TENANT, "Entra ID: Contoso")]


def test_a_tenant_that_is_named_by_a_domain_needs_its_description(tenant):
    tenant.permissions = LEAST - {"Organization.Read.All"}
    assert read(tenant).report("entra_user").outcome is Outcome.COMPLETE
    with pytest.raises(Denied) as raised:
        read(tenant, tenant_id="contoso.com")
    assert raised.value.permission == "Organization.Read.All"


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("AADSTS7000222", "the client secret has expired"),
        ("AADSTS53003", "Conditional Access"),
        ("AADSTS900382", "set ENTRA_CLOUD"),
        ("AADSTS500011", "the tenant does not know Microsoft Graph under this address: check ENTRA_CLOUD"),
        ("AADSTS99999", "refused"),
    ],
)
def test_a_refused_sign_in_says_what_it_is(tenant, code, sentence):
    tenant.sign_in_error = code
    with pytest.raises(CredentialsError, match=sentence) as raised:
        read(tenant)
    assert str(raised.value).startswith("cannot sign in to Microsoft Entra ID")
    assert "AZURE_" not in str(raised.value)
    assert "Resource Manager" not in str(raised.value)


@pytest.mark.parametrize("cloud", sorted(GRAPHS))
def test_each_cloud_has_its_own_graph(cloud):
    client = Client(EntraConfig(**CREDENTIALS), EntraOperator(cloud=cloud))
    assert client.http.base_url == GRAPHS[cloud]
    client.close()


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"tenant_id": "t", "client_secret": ""}, "go together; only tenant_id, client_id given"),
        ({"tenant_id": "my tenant"}, "`tenant_id` must be a GUID or a domain"),
        ({"tennant_id": "x"}, "did you mean `tenant_id`?"),
    ],
)
def test_bad_configs(config, complaint):
    with pytest.raises(ConfigError) as caught:
        parse(registry.get("entra").config, {**CREDENTIALS, **config})
    assert complaint in str(caught.value)


class TestEntra(StoredSuite):
    """What holds for every provider."""

    provider, config, secrets = "entra", CREDENTIALS, (SECRET,)
    expected = frozenset({"entra_user", "entra_group", "entra_application", "entra_role_assignment"})

    @pytest.fixture(autouse=True)
    def peer(self, tenant):
        self.graph, self.operator = tenant, tenant.operator

    def move(self, time):
        volatile.move("entra", self.graph.objects, time)
        for found in self.graph.objects.values():
            found.reverse()

    @contextlib.contextmanager
    def inject(self, fault):
        devices = lambda scope: scope.resource_type == "entra_device"  # noqa: E731
        answer = {
            Fault.DENIED: refused("Authorization_RequestDenied"),
            Fault.CUT: (0, {}, {}),
            Fault.THROTTLED: (429, {"Retry-After": "0"}, {"error": {"code": "TooManyRequests", "message": "x"}}),
            Fault.EMPTY: (200, {}, {"value": []}),
            Fault.EXPIRED: refused("InvalidAuthenticationToken", 401),
            Fault.WRONG_CREDENTIALS: None,
        }[fault]
        if answer is None:
            self.graph.sign_in_error = "AADSTS7000215"
        else:
            self.graph.fault = lambda path: answer if path == "/v1.0/devices" else None
        yield devices
        self.graph.fault, self.graph.sign_in_error = (lambda _path: None), ""
