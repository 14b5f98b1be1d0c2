"""Inputs on which the Azure provider was wrong, each with the right value. The names are those of the cases."""

from __future__ import annotations

import msgspec
import pytest
from azure_account import CREDENTIALS, read, refusal
from peers import serving
from peers.arm import OTHER, SECRET, SUBSCRIPTION, TENANT, Refused

from providers import registry
from providers.azure import catalogue, policy
from providers.azure.graph import CONFIRMED_EACH
from providers.azure.permissions import Permissions
from providers.errors import ConfigError, CredentialsError, Outcome, Throttled
from providers.http import retry
from providers.http.response import HttpResponse
from providers.microsoft.signin_faults import SENTENCES, sign_in_error
from providers.records import Scope
from providers.schema import parse

DISKS = "microsoft.compute/disks"


def outcome(sink, kind: str) -> tuple[Outcome, int]:
    report = sink.report(kind)
    return report.outcome, report.resources


# az-1: Resource Graph


@pytest.mark.parametrize("page", [1, 2, 3])
@pytest.mark.parametrize("place", [0, 3, 6])
def test_case_az_1_a_row_that_is_deleted_between_two_pages_hides_no_other(account, page, place):
    disks = account.objects[SUBSCRIPTION][DISKS]
    names = [disk["id"].lower() for disk in disks]

    def delete(_method, _path, _query):
        if len(account.queries) == page and len(disks) == 7:
            del disks[place]

    account.before = delete
    sink = read(account, page_size=3)

    assert sink.report("azure_disk").outcome is Outcome.COMPLETE
    living = [disk["id"].lower() for disk in disks]
    assert set(living) <= set(sink.ids("azure_disk")) <= set(names)


def test_case_az_1_a_list_that_changes_each_time_is_not_complete(account):
    nics = account.objects[SUBSCRIPTION]["microsoft.network/networkinterfaces"]
    for number in range(30):
        account.add("Microsoft.Network/networkInterfaces", f"more{number}", {})

    def delete(_method, _path, query):
        if query["options"]["$skip"]:
            del nics[0]

    account.before = delete
    report = read(account, page_size=3).report("azure_disk")
    assert (report.outcome, "changed" in report.message) == (Outcome.ERROR, True)


def test_case_az_1_what_the_graph_lacks_is_asked_of_resource_manager(account):
    """Resource Graph lags behind: its absence is no proof."""
    late = account.objects[SUBSCRIPTION][DISKS][2]["id"]
    account.lagging = {late}
    gone = account.objects[SUBSCRIPTION][DISKS][4]["id"]

    with_lag = read(account)
    account.lagging = set()
    without = read(account)

    assert late.lower() in with_lag.ids("azure_disk")
    assert outcome(with_lag, "azure_disk") == (Outcome.COMPLETE, 7)
    for scope in without.found:
        assert not with_lag.differences(without, scope), "a resource is the same, whoever told it"
    account.lagging = {gone}
    account.fault = lambda _method, path: (404, {}, NOT_FOUND) if path == gone else None
    deleted = read(account)
    assert outcome(deleted, "azure_disk") == (Outcome.COMPLETE, 6), "deleted between the two lists: it answers 404"


NOT_FOUND = {"error": {"code": "ResourceNotFound", "message": "The Resource was not found."}}


def test_case_az_1_a_graph_that_lags_far_behind_is_not_believed(account):
    account.lagging = {account.add("Microsoft.Compute/disks", f"late{n}", {}) for n in range(CONFIRMED_EACH + 1)}
    sink = read(account)
    assert sink.report("azure_disk").outcome is Outcome.ERROR
    assert "lags behind" in sink.report("azure_disk").message
    assert sink.report("azure_vnet").outcome is Outcome.COMPLETE


def test_case_az_1_where_the_other_list_may_not_be_read_two_readings_must_agree(account):
    late = account.objects[SUBSCRIPTION][DISKS][2]["id"]
    account.permissions[SUBSCRIPTION] = [{"actions": ["*/read"], "notActions": ["Microsoft.Resources/subscriptions/resources/read"]}]
    assert outcome(read(account), "azure_disk") == (Outcome.COMPLETE, 7)
    account.queries.clear()
    account.before = lambda *_: setattr(account, "lagging", {late} if len(account.queries) == 1 else set())
    sink = read(account)
    assert (sink.report("azure_disk").outcome, sink.report("azure_vnet").outcome) == (Outcome.ERROR, Outcome.COMPLETE)


def test_one_query_serves_many_subscriptions(account):
    account.subscription(OTHER)
    account.add("Microsoft.Compute/disks", "another", {}, subscription=OTHER)
    sink = read(account)
    assert len(account.queries) == 1
    assert len(sink.found[Scope("azure", OTHER, "", "azure_disk")]) == 1
    assert len(sink.found[Scope("azure", SUBSCRIPTION, "", "azure_disk")]) == 7


def test_a_subscription_that_the_graph_refuses_ends_no_other(account):
    account.subscription(OTHER)
    account.add("Microsoft.Compute/disks", "another", {}, subscription=OTHER)
    refused = {"error": {"code": "BadRequest", "message": "a subscription is invalid."}}
    bad = lambda: account.queries and OTHER in account.queries[-1]["subscriptions"]  # noqa: E731

    def before(*_):
        if bad():
            failure = Refused(400, "BadRequest", "a subscription is invalid.")
            failure.body = refused
            raise failure

    account.before = before
    sink = read(account)
    ends = {scope.account: report.outcome for scope, report in sink.reports.items() if scope.resource_type == "azure_disk"}
    assert ends == {SUBSCRIPTION: Outcome.COMPLETE, OTHER: Outcome.ERROR}


# az-2: owners


@pytest.mark.parametrize("above", ["/providers/Microsoft.Management/managementGroups/mg1", "/"])
def test_case_az_2_an_assignment_above_subscriptions_has_one_owner_and_is_the_same_from_each(account, above):
    account.subscription(OTHER)
    assignment = account.assign("ra-above", above, SUBSCRIPTION, OTHER).lower()
    owner = Scope("azure", TENANT, "", "azure_role_assignment", above.lower())

    both, one, other = read(account), read(account, subscription_ids=[SUBSCRIPTION]), read(account, subscription_ids=[OTHER])

    assert [found.external_id for found in both.found[owner]] == [assignment]
    assert both.canonical(owner) == one.canonical(owner) == other.canonical(owner)
    homes = [scope for scope, resource in both.all() if resource.external_id == assignment]
    assert homes == [owner]
    assert both.reports[owner].outcome is Outcome.COMPLETE


def test_case_az_2_an_id_that_names_the_subscription_that_was_asked_is_still_the_assignments_own(account):
    above = "/providers/Microsoft.Management/managementGroups/mg1"
    account.subscription(OTHER)
    for number in (SUBSCRIPTION, OTHER):
        account.assign("ra-above", above, number)
        account.inherited[number][-1]["id"] = f"/subscriptions/{number}/providers/Microsoft.Authorization/roleAssignments/ra-above"
    owner = Scope("azure", TENANT, "", "azure_role_assignment", above.lower())
    one, other = read(account, subscription_ids=[SUBSCRIPTION]), read(account, subscription_ids=[OTHER])
    assert one.canonical(owner) == other.canonical(owner)
    assert len(one.found[owner]) == 1


def test_case_az_2_a_subscription_that_sees_nothing_from_above_says_nothing_about_it(account):
    account.subscription(OTHER)
    account.assign("ra-above", "/providers/Microsoft.Management/managementGroups/mg1", SUBSCRIPTION)
    sink = read(account, subscription_ids=[OTHER])
    assert not [scope for scope in sink.reports if scope.coverage]


# az-3: the policy


def granted(account, actions) -> None:
    account.permissions[SUBSCRIPTION] = [{"actions": sorted(actions), "notActions": []}]


def test_case_az_3_the_policy_is_a_role_definition_that_suffices(account):
    role = registry.get("azure").policy()
    assert set(role) >= {"Name", "IsCustom", "Description", "Actions", "NotActions", "AssignableScopes"}
    assert role["IsCustom"] is True
    assert all(
        scope.startswith(("/subscriptions/", "/providers/Microsoft.Management/managementGroups/")) for scope in role["AssignableScopes"]
    )
    assert all(action.endswith("/read") and "*" not in action for action in role["Actions"])
    assert "Microsoft.Authorization/permissions/read" in role["Actions"]
    granted(account, role["Actions"])
    sink = read(account, optional_types=sorted(catalogue.OPTIONAL))
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}
    assert {scope.resource_type for scope in sink.reports} == {kind.sub_type for kind in catalogue.KINDS}


@pytest.mark.parametrize("left_out", sorted(set(policy.role_definition()["Actions"]) - {"Microsoft.Resources/subscriptions/read"}))
def test_case_az_3_one_permission_less_is_a_denied_scope_that_names_it(account, left_out):
    granted(account, set(policy.role_definition()["Actions"]) - {left_out})
    account.add("Microsoft.KeyVault/vaults", "vault")
    sink = read(account, optional_types=sorted(catalogue.OPTIONAL))
    denied = [report for report in sink.reports.values() if report.outcome is not Outcome.COMPLETE]
    assert denied
    assert {(report.outcome, report.permission) for report in denied} == {(Outcome.DENIED, left_out)}
    assert all(left_out in report.message for report in denied)


def test_case_az_3_without_the_subscription_itself_the_run_says_so(account):
    granted(account, set(policy.role_definition()["Actions"]) - {"Microsoft.Resources/subscriptions/read"})
    with pytest.raises(Exception, match="no subscription is visible") as raised:
        read(account)
    assert raised.value.permission == "Microsoft.Resources/subscriptions/read"


def test_the_policy_is_minimal():
    """Each action is one that a type declares."""
    above = {*catalogue.TENANT.actions, *catalogue.MANAGEMENT_GROUP.actions}
    declared = {action for kind in catalogue.KINDS for action in kind.actions} - above | {catalogue.PERMISSIONS_READ}
    assert set(policy.role_definition()["Actions"]) == declared
    assert Permissions([{"actions": policy.role_definition()["Actions"]}]).allow("Microsoft.Compute/disks/read")


# az-4, az-5, az-7: Resource Graph's and Resource Manager's limits


def limited(path: str, times: int, status: int, headers: dict | None = None, code: str = "RateLimiting"):
    left = [times]

    def fault(_method, asked):
        if path.lower() in asked.lower() and left[0]:
            left[0] -= 1
            return status, headers or {}, {"error": {"code": code, "message": "Please provide below info."}}
        return None

    return fault


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:05"}, 5.0), (502, {}, None), (503, {}, None)],
)
def test_case_az_4_resource_graph_is_waited_for_and_asked_again(account, monkeypatch, status, headers, seconds):
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    account.fault = limited("ResourceGraph", 2, status, headers)
    sink = read(account)
    assert outcome(sink, "azure_disk") == (Outcome.COMPLETE, 7)
    assert len(waits) >= 2
    assert seconds is None or [round(wait) for wait in waits].count(round(seconds)) >= 2


@pytest.mark.parametrize(("status", "kind"), [(429, Outcome.THROTTLED), (502, Outcome.TIMEOUT)])
def test_case_az_4_the_sentence_says_how_often_it_was_tried(account, status, kind):
    account.fault = limited("ResourceGraph", 1000, status)
    report = read(account).report("azure_disk")
    asked = [path for _, path in account.requests if "ResourceGraph" in path]
    assert report.outcome is kind
    assert f"(tried {retry.TRIES} times)" in report.message
    assert len(asked) == retry.TRIES * len(catalogue.tables())


@pytest.mark.parametrize("largest", [5, 2])
def test_case_az_5_an_answer_that_is_too_large_is_asked_for_in_halves(account, largest):
    account.largest = largest
    sink = read(account)
    assert outcome(sink, "azure_disk") == (Outcome.COMPLETE, 7)
    assert outcome(sink, "azure_network_interface") == (Outcome.COMPLETE, 7)
    assert [query["options"]["$top"] for query in account.queries][:3] == [1000, 500, 250]


def test_case_az_5_two_rows_that_are_too_large_are_an_error(account):
    account.largest = 1
    report = read(account).report("azure_disk")
    assert report.outcome is Outcome.ERROR
    assert "larger than Azure sends (BadRequest)" in report.message


def test_case_az_7_ten_minutes_are_not_waited_for(account, monkeypatch):
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    account.fault = limited("virtualMachines", 1000, 429, {"Retry-After": "600"}, "TooManyRequests")
    report = read(account).report("azure_vm")
    assert report.outcome is Outcome.THROTTLED
    assert max(waits) <= retry.LONGEST_WAIT
    assert "it asks for a wait of 600 s" in report.message


def test_a_typed_client_and_a_path_keep_the_same_quota(account, monkeypatch):
    """Little is left of the subscription's reads: what comes next waits, whoever sends it."""
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    account.headers = {"x-ms-ratelimit-remaining-subscription-reads": "3"}
    assert read(account).tally.complete
    assert waits
    assert max(waits) <= 1.0


# az-6: another host


@pytest.fixture
def elsewhere():
    """The address of a server that is not Azure, and the headers that it was sent."""
    sent = []

    class Handler(serving.Handler):
        def do_GET(self):
            sent.append(dict(self.headers))
            self.send_error(404)

    with serving.serving(Handler) as url:
        yield url, sent


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("Microsoft.Storage/storageAccounts", "azure_storage_account"),
        ("Microsoft.Compute/virtualMachines", "azure_vm"),
        ("/resourcegroups", "azure_resource_group"),
        ("/roleAssignments", "azure_role_assignment"),
        ("/permissions", "azure_disk"),
        ("/resources", "azure_disk"),
    ],
)
def test_case_az_6_a_link_to_another_host_is_refused_and_no_token_goes_there(account, elsewhere, path, kind):
    url, sent = elsewhere
    page = {"value": [], "nextLink": f"{url}/next?api-version=2021-04-01"}
    account.fault = lambda method, asked: (200, {}, page) if method == "GET" and asked.lower().endswith(path.lower()) else None
    report = read(account).report(kind)
    assert not sent
    assert "another host" in report.message
    assert report.outcome is Outcome.ERROR


# az-8: what is not there


@pytest.mark.parametrize(("status", "code"), [(404, "SubscriptionNotFound"), (409, "MissingSubscriptionRegistration")])
def test_case_az_8_a_provider_that_is_not_registered_is_unsupported(account, status, code):
    body = {"error": {"code": code, "message": "The subscription is not registered to use namespace 'Microsoft.Storage'."}}
    account.fault = lambda _method, path: (status, {}, body) if path.endswith("storageAccounts") else None
    sink = read(account)
    for kind in ("azure_storage_account", "azure_storage_container"):
        assert sink.report(kind).outcome is Outcome.UNSUPPORTED
        assert "Microsoft.Storage is not registered" in sink.report(kind).message
    assert sink.report("azure_vm").outcome is Outcome.COMPLETE


def test_case_az_8_an_account_that_is_deleted_between_list_and_read_is_that_accounts_trouble(account):
    account.fault = lambda _method, path: (404, {}, NOT_FOUND) if "store3" in path else None
    sink = read(account)
    assert outcome(sink, "azure_storage_account") == (Outcome.COMPLETE, 7)
    assert outcome(sink, "azure_storage_container") == (Outcome.COMPLETE, 24)


@pytest.mark.parametrize(
    ("of_itself", "said"),
    [
        (None, Outcome.ERROR),
        ((500, {}, {}), Outcome.TIMEOUT),
        (refusal("Microsoft.Storage/storageAccounts/read"), Outcome.DENIED),
    ],
)
def test_what_is_not_found_beneath_a_resource_that_exists_is_no_absence(account, of_itself, said):
    """Resource Manager answers 404 for what another of its regions has: the list is lost, and the containers are not."""
    account.fault = lambda _method, path: (
        (404, {}, NOT_FOUND) if "store3/blobServices" in path else of_itself if path.endswith("/store3") else None
    )
    sink = read(account)
    assert outcome(sink, "azure_storage_account") == (Outcome.COMPLETE, 7)
    assert outcome(sink, "azure_file_share")[0] is Outcome.COMPLETE
    containers = sink.report("azure_storage_container")
    assert (containers.outcome, containers.resources) == (said, 24)
    assert "store3" in containers.message


def test_case_az_8_a_deleted_subscription_is_one_line(account):
    account.subscription(OTHER, state="Deleted")
    sink = read(account)
    [report] = [report for scope, report in sink.reports.items() if scope.account == OTHER]
    assert (report.scope.resource_type, report.outcome) == ("*", Outcome.SKIPPED)
    assert "is deleted" in report.message
    assert not [path for _, path in account.requests if f"/subscriptions/{OTHER}/" in path]


@pytest.mark.parametrize("state", ["Enabled", "Warned", "PastDue", "Disabled"])
def test_a_subscription_that_can_be_read_is_read(account, state):
    account.subscriptions[SUBSCRIPTION]["state"] = state
    assert read(account).tally.complete


# az-9: sign-ins


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("AADSTS53003", "Conditional Access policy blocks"),
        ("AADSTS7000112", "the app registration is disabled"),
        ("AADSTS7000222", "the client secret has expired"),
        ("AADSTS7000215", "the client secret is wrong"),
        ("AADSTS700016", "client_id is not known in this tenant"),
        ("AADSTS90002", "tenant_id is not known"),
        ("AADSTS900382", "set AZURE_CLOUD"),
        ("AADSTS50020", "another tenant"),
    ],
)
def test_case_az_9_a_refused_sign_in_says_what_it_is(account, code, result):
    account.sign_in_error = code
    with pytest.raises(CredentialsError, match="cannot sign in to Azure") as raised:
        read(account)
    assert result in str(raised.value)
    assert code in str(raised.value)
    assert len(account.sign_ins) == 1, "asking again would lock the principal"
    assert SECRET not in str(raised.value) + raised.value.detail


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_case_az_9_each_code_has_its_sentence_and_no_other(code):
    error = sign_in_error(f"AADSTS{code}: whatever. Trace ID: 1 Correlation ID: 2")
    assert f"(AADSTS{code})" in str(error)
    assert SENTENCES[code] in str(error)
    assert isinstance(error, CredentialsError)


def test_case_az_9_a_code_that_nobody_foresaw_reaches_the_operator_in_microsofts_words():
    error = sign_in_error("AADSTS99999: The moon is in the wrong house.\r\nTrace ID: 1")
    assert str(error) == "cannot sign in to Azure (AADSTS99999): The moon is in the wrong house."


def test_case_az_9_a_busy_sign_in_is_no_wrong_password():
    assert isinstance(sign_in_error("AADSTS90055: Tenant throttled."), Throttled)


@pytest.mark.parametrize(
    ("change", "result"),
    [
        ({"tenant_id": TENANT + " "}, "`tenant_id` must be a GUID or a domain"),
        ({"tenant_id": "my tenant"}, "`tenant_id` must be a GUID or a domain"),
        ({"client_id": "app 1"}, "`client_id` must not contain blanks"),
        ({"client_secret": SECRET + "\n"}, "`client_secret` must not begin or end with blanks"),
    ],
)
def test_case_az_9_a_blank_is_refused_at_creation(change, result):
    with pytest.raises(ConfigError, match=result) as raised:
        parse(registry.get("azure").config, {**CREDENTIALS, **change})
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("tenant", [TENANT, "contoso.onmicrosoft.com", "contoso.com"])
def test_a_tenant_by_id_or_domain_is_accepted(tenant):
    assert parse(registry.get("azure").config, {**CREDENTIALS, "tenant_id": tenant}).tenant_id == tenant


# Items


@pytest.mark.parametrize("fault", [refusal("Microsoft.Compute/virtualMachines/read"), (500, {}, {}), (405, {}, {}), (404, {}, NOT_FOUND)])
def test_a_second_list_that_cannot_be_read_leaves_the_machines_in(account, monkeypatch, fault):
    """The list of states is asked first; the attribute keeps its last value."""
    asked = []

    def second(_method, path):
        if path.endswith("virtualMachines"):
            asked.append(path)
            return fault if len(asked) <= (retry.TRIES if fault[0] == 500 else 1) else None
        return None

    account.fault = second
    sink = read(account)
    assert outcome(sink, "azure_vm") == (Outcome.COMPLETE, 7)
    assert sink.one("vm0").attributes["Unreadable"] == ["powerState"]
    assert "powerState" not in sink.one("vm0").attributes


def test_an_item_without_an_id_stops_no_other(account):
    del account.objects[SUBSCRIPTION]["microsoft.compute/virtualmachines"][3]["id"]
    report = read(account).report("azure_vm")
    assert (report.outcome, report.resources, report.rejected) == (Outcome.COMPLETE, 6, 1)


# What moves, and what is secret


def test_a_second_run_is_the_same_although_everything_volatile_moved(account):
    first, second = read(account), read(account)
    assert first.found
    for scope in first.found:
        assert first.canonical(scope) == second.canonical(scope)


def test_a_field_that_nobody_foresaw_can_be_left_out(account):
    assert read(account).one("disk0").attributes["properties"]["diskSizeGB"] == 32
    assert "diskSizeGB" not in read(account, ignore_fields=["properties.diskSizeGB"]).one("disk0").attributes["properties"]


def test_secrets_in_documents_of_azure_are_masked(account):
    canaries = [f"canary-{number}-q7" for number in range(6)]
    account.add(
        "Microsoft.Compute/disks",
        "secretive",
        {
            "connectionString": f"AccountName=x;AccountKey={canaries[0]}",
            "settings": {"commandToExecute": f"run.sh --password {canaries[1]}"},
        },
        tags={"dbPassword": canaries[2], "ConnectionString": f"Server=x;Password={canaries[3]}", "team": "net"},
    )
    account.objects[SUBSCRIPTION]["microsoft.compute/virtualmachines"][0]["properties"]["userData"] = f"export API_TOKEN={canaries[4]}"
    account.objects[SUBSCRIPTION]["microsoft.compute/virtualmachines"][0]["tags"] = {"sas": f"https://x/?sv=1&sig={canaries[5]}"}
    sink = read(account)
    stored = msgspec.json.encode([resource for _, resource in sink.all()]).decode()
    assert not [canary for canary in canaries if canary in stored]
    assert sink.one("secretive").tags["team"] == "net"


# The transport


def test_a_challenge_for_claims_is_answered_with_a_new_token(account):
    """Continuous access evaluation: Azure wants another token, and says which."""
    import base64

    claims = base64.b64encode(b'{"access_token":{"nbf":{"essential":true,"value":"1700000000"}}}').decode()
    challenge = {"WWW-Authenticate": f'Bearer authorization_uri="https://login", error="insufficient_claims", claims="{claims}"'}
    left = [1]

    def once(_method, path):
        if path.endswith("/resourcegroups") and left[0]:
            left[0] -= 1
            return 401, challenge, {"error": {"code": "InvalidAuthenticationToken", "message": "claims"}}
        return None

    account.fault = once
    assert read(account).report("azure_resource_group").outcome is Outcome.COMPLETE
    assert "nbf" in account.sign_ins[-1].get("claims", "")


def test_typed_clients_change_nothing_and_retry_nothing_themselves(account):
    account.fault = limited("storageAccounts", 1, 409, code="MissingSubscriptionRegistration")
    read(account)
    assert not [path for method, path in account.requests if method == "POST" and "register" in path]


def test_the_requests_library_sends_nothing(account, monkeypatch):
    import requests

    monkeypatch.setattr(requests.Session, "send", lambda *_args, **_options: pytest.fail("requests was used"))
    assert read(account).tally.complete


def test_an_answer_is_what_both_generations_of_the_sdk_expect():
    from azure.core.rest import HttpRequest

    from providers.microsoft.transport import Answered

    answer = Answered(
        HttpRequest("GET", "https://x/y"), HttpResponse(200, {"content-type": "application/json"}, b'{"a": 1}', "https://x/y")
    )
    assert (answer.json(), answer.text(), answer.body(), answer.content, answer.read()) == ({"a": 1}, '{"a": 1}', *[b'{"a": 1}'] * 3)
    assert (answer.headers["Content-Type"], answer.status_code, answer.reason) == ("application/json", 200, "200")
    assert list(answer.iter_bytes()) == list(answer.iter_raw()) == [b'{"a": 1}']
