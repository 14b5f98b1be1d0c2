"""The Azure provider against a fake Resource Manager over TLS: pages, faults, identity."""

from __future__ import annotations

import contextlib

import pytest
import volatile
from azure_account import CREDENTIALS, read, refusal
from azure_description import fields, inner, model_of
from peers.arm_account import OTHER, SECRET, SUBSCRIPTION, TENANT
from peers.port import free_port
from stored_suite import StoredSuite

from providers import registry
from providers.azure import catalogue
from providers.errors import CredentialsError, Denied, NoCredentialsYet, Outcome
from providers.schema import parse
from providers.testing import Fault, operator_of


def test_everything_is_read_to_the_last_page(account):
    sink = read(account)
    counts = {scope.resource_type: report.resources for scope, report in sink.reports.items() if report.resources}
    assert counts == {
        "azure_tenant": 1,
        "azure_management_group": 1,
        "azure_subscription": 1,
        "azure_resource_group": 1,
        "azure_vm": 7,
        "azure_storage_account": 7,
        "azure_storage_container": 28,
        "azure_role_assignment": 7,
        "azure_disk": 7,
        "azure_vnet": 1,
        "azure_subnet": 1,
        "azure_network_security_group": 1,
        "azure_network_interface": 7,
        "azure_public_ip_address": 1,
    }
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}


def test_a_machine_has_its_state_links_group_region_and_an_id_without_case(account):
    vm = read(account).one("vm0")
    prefix = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/prod"
    assert vm.external_id == f"{prefix}/providers/microsoft.compute/virtualmachines/vm0"
    assert (vm.entity_type, vm.sub_type, vm.region, vm.parent) == ("compute", "azure_vm", "westeurope", prefix)
    assert vm.attributes["powerState"] == "running"
    assert {link.type: link.target for link in vm.links} == {
        "has_interface": f"{prefix}/providers/microsoft.network/networkinterfaces/nic0",
        "uses_disk": f"{prefix}/providers/microsoft.compute/disks/disk0",
    }


def test_etags_do_not_make_a_resource_look_changed(account):
    vnet = read(account).one("vnet")
    assert "etag" not in str(vnet.attributes)
    assert vnet.tags == {"team": "net"}


def test_what_the_fake_holds_is_what_azures_own_models_describe(account):
    """Without this, the fake could answer with anything."""
    for kind, objects in account.objects[SUBSCRIPTION].items():
        for found in objects if kind in BY_KIND else ():
            conforms(found, BY_KIND[kind])
    assert set(BY_KIND) <= set(account.objects[SUBSCRIPTION])


BY_KIND = {
    "containers/store0" if kind.under else kind.arm_type.lower(): model_of(kind)
    for kind in catalogue.KINDS
    if kind.sub_type
    in {"azure_vm", "azure_storage_account", "azure_storage_container", "azure_disk", "azure_vnet", "azure_network_interface"}
    or kind.sub_type in {"azure_network_security_group", "azure_public_ip_address"}
}


def conforms(found: dict, model: type) -> None:
    known = fields(model)
    for key, value in found.items():
        assert key in known, f"{model.__name__} has no {key}"
        below = inner(known[key])
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict) and hasattr(below, "_attr_to_rest_field"):
                conforms(one, below)


class TestAzure(StoredSuite):
    """What holds for every provider."""

    provider, config, secrets = "azure", CREDENTIALS, (SECRET,)
    expected = frozenset({"azure_vm", "azure_disk", "azure_storage_container", "azure_subnet"})

    @pytest.fixture(autouse=True)
    def peer(self, account, monkeypatch):
        monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)
        self.azure, self.operator = account, account.operator

    def move(self, time):
        volatile.move("azure", {kind: found for held in self.azure.objects.values() for kind, found in held.items()}, time)

    @contextlib.contextmanager
    def inject(self, fault):
        machines = lambda scope: scope.resource_type == "azure_vm"  # noqa: E731
        answer, hit = {
            Fault.DENIED: (refusal("Microsoft.Compute/virtualMachines/read"), machines),
            Fault.CUT: ((0, {}, {}), machines),
            Fault.THROTTLED: ((429, {"Retry-After": "0"}, {"error": {"code": "TooManyRequests", "message": "slow down"}}), machines),
            Fault.EMPTY: ((200, {}, {"value": []}), machines),
            Fault.EXPIRED: (expired(), machines),
            Fault.WRONG_CREDENTIALS: (None, machines),
        }[fault]
        if answer is None:
            self.azure.sign_in_error = "AADSTS7000215"
        else:
            self.azure.fault = lambda _method, path: answer if "virtualMachines" in path else None
        yield hit
        self.azure.fault, self.azure.sign_in_error = (lambda _method, _path: None), ""


def expired():
    return 401, {}, {"error": {"code": "ExpiredAuthenticationToken", "message": "ExpiredAuthenticationToken: the access token has expired"}}


def test_check_says_who_we_are(account):
    provider = registry.get("azure")
    identity = provider.open(parse(provider.config, CREDENTIALS), operator_of(provider, account.operator)).check()
    assert (identity.name, identity.account, identity.details) == ("app-1", TENANT, {"subscriptions": "1"})


def test_rows_that_resource_graph_would_leave_out_are_denied_not_absent(account):
    account.permissions[SUBSCRIPTION] = [{"actions": ["*/read"], "notActions": ["Microsoft.Network/*/read"]}]
    sink = read(account)
    report = sink.report("azure_network_interface")
    assert (report.outcome, report.permission) == (Outcome.DENIED, "Microsoft.Network/networkInterfaces/read")
    assert sink.report("azure_subnet").outcome == Outcome.DENIED
    assert sink.report("azure_disk").outcome == Outcome.COMPLETE


def test_a_truncated_answer_of_resource_graph_is_read_on(account):
    account.truncate = True
    sink = read(account, page_size=3)
    assert (sink.report("azure_disk").outcome, sink.report("azure_disk").resources) == (Outcome.COMPLETE, 7)


def test_a_truncated_answer_that_brings_nothing_more_is_not_complete(account):
    cut = {"totalRecords": 0, "count": 0, "data": [], "resultTruncated": "true"}
    account.fault = lambda _method, path: (200, {}, cut) if "ResourceGraph" in path else None
    assert read(account).report("azure_disk").outcome == Outcome.ERROR


def test_a_subscription_that_is_not_visible_is_a_denied_scope(account):
    sink = read(account, subscription_ids=[SUBSCRIPTION, OTHER])
    assert sink.report("*").outcome == Outcome.DENIED
    assert OTHER in sink.report("*").message
    assert sink.report("azure_vm").outcome == Outcome.COMPLETE


def test_only_the_subscriptions_asked_for_are_read(account):
    account.subscription(OTHER)
    sink = read(account, subscription_ids=[OTHER])
    assert {report.scope.account for report in sink.reports.values()} == {OTHER, TENANT}


def test_403_on_one_storage_account_leaves_the_accounts_complete(account):
    answer = refusal("Microsoft.Storage/storageAccounts/blobServices/containers/read")
    account.fault = lambda _method, path: answer if "store3/blobServices" in path else None
    sink = read(account)
    assert sink.report("azure_storage_account").outcome == Outcome.COMPLETE
    assert sink.report("azure_storage_container").outcome == Outcome.DENIED
    assert sink.report("azure_storage_container").resources == 24
    assert "store3" in sink.report("azure_storage_container").message


def test_a_throttle_is_waited_out(account):
    left = [2]

    def throttle(_method, path):
        if "virtualMachines" in path and left[0]:
            left[0] -= 1
            return 429, {"Retry-After": "0"}, {"error": {"code": "TooManyRequests", "message": "slow down"}}
        return None

    account.fault = throttle
    assert read(account).report("azure_vm").outcome == Outcome.COMPLETE
    assert left == [0]


def test_a_provider_that_is_not_registered_is_unsupported(account):
    body = {"error": {"code": "MissingSubscriptionRegistration", "message": "not registered"}}
    account.fault = lambda _m, path: (409, {}, body) if "storageAccounts" in path else None
    assert read(account).report("azure_storage_account").outcome == Outcome.UNSUPPORTED


def test_no_visible_subscription_is_not_an_empty_success(azure):
    with pytest.raises(Denied, match="no subscription is visible"):
        read(azure)


def test_the_next_link_in_a_circle_ends(account):
    def circle(_method, path):
        again = f"{account.operator['AZURE_RESOURCE_MANAGER_URL']}{path}?api-version=2021-04-01"
        return (200, {}, {"value": [], "nextLink": again}) if path.endswith("resourcegroups") else None

    account.fault = circle
    report = read(account).report("azure_resource_group")
    assert report.outcome == Outcome.ERROR
    assert "circle" in report.message


def test_a_certificate_of_somebody_unknown_is_no_wrong_password(account):
    del account.operator["AZURE_CA_BUNDLE"]

    with pytest.raises(
        CredentialsError, match=r"the certificate of Azure's sign-in at localhost:.* cannot be verified: set AZURE_CA_BUNDLE"
    ):
        read(account)


def test_a_sign_in_that_nobody_answers_is_no_wrong_password(account, monkeypatch):
    """It is tried again, which a wrong password is not."""
    account.operator["AZURE_AUTHORITY_HOST"] = f"https://localhost:{free_port()}"

    with pytest.raises(NoCredentialsYet, match=r"Azure's sign-in cannot be reached at localhost:.*: the connection is refused"):
        read(account)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({"tenant_id": "t"}, "go together; only tenant_id given"),
        ({"subscription_ids": ["prod"]}, "'prod' is not a subscription id"),
        ({"subscription_ids": "x"}, "`subscription_ids` must be a list, and is a text"),
        ({"subscriptions": []}, "did you mean `subscription_ids`?"),
        ({"page_size": 0}, "from 1 to 1000"),
    ],
)
def test_bad_configs(config, complaint):
    from providers.errors import ConfigError

    with pytest.raises(ConfigError) as caught:
        parse(registry.get("azure").config, config)
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    "names", [("tenant_id", "client_id", "client_secret"), ("tenant", "appId", "password"), ("tenantId", "clientId", "clientSecret")]
)
def test_the_operators_credentials_file_in_every_spelling(account, tmp_path, names):
    import json

    path = tmp_path / "azure.json"
    path.write_text(json.dumps(dict(zip(names, (TENANT, "app-2", SECRET), strict=True))))
    provider = registry.get("azure")
    source = provider.open(provider.config(), operator_of(provider, {**account.operator, "AZURE_CREDENTIALS_FILE": str(path)}))
    assert source.check().name == "app-2"


def test_a_credentials_file_that_is_none_says_so_without_its_content(account, tmp_path):
    from providers.errors import ConfigError

    path = tmp_path / "azure.json"
    path.write_text('{"password": "canary"}')
    provider = registry.get("azure")
    with pytest.raises(ConfigError, match="needs tenant_id") as caught:
        provider.open(provider.config(), operator_of(provider, {**account.operator, "AZURE_CREDENTIALS_FILE": str(path)}))
    assert "canary" not in str(caught.value)
