"""Every type of the catalogue over several pages, its links, its secrets, and what of it moves."""

from __future__ import annotations

import msgspec
import pytest
from azure_account import read
from peers.arm_account import OTHER, SUBSCRIPTION, TENANT

from providers.azure import catalogue
from providers.azure.references import LARGEST, References
from providers.errors import Outcome
from providers.records import Link, Scope

EACH = 7
"""Resources of each type: three pages of Resource Manager's lists."""

READ = catalogue.KINDS
"""The types that are read to the last of three pages."""

PREFIX = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/prod/providers"


@pytest.fixture
def everything(azure):
    """A subscription with so many resources of every type."""
    azure.subscription()
    azure.group(TENANT)
    azure.group("root", TENANT, SUBSCRIPTION)
    for number in range(2, EACH):
        azure.group(f"group{number}", "root")
    for kind in catalogue.KINDS:
        for number in range(EACH):
            _add(azure, kind, number)
    return azure


def _add(azure, kind, number) -> None:
    name, properties = f"{kind.sub_type.replace('_', '')}{number}", {"provisioningState": "Succeeded"}
    if kind.sub_type == "azure_role_assignment":
        azure.assign(name, f"/subscriptions/{SUBSCRIPTION}", SUBSCRIPTION)
    elif kind.path and "Microsoft.Authorization" in kind.arm_type:
        scope = f"/subscriptions/{SUBSCRIPTION}"
        made = {"id": f"{scope}/providers/{kind.arm_type}/{name}", "name": name, "type": kind.arm_type}
        properties = {"scope": scope, "roleName": name, "type": "BuiltInRole" if number % 2 else "CustomRole", "displayName": name}
        azure.objects[SUBSCRIPTION][kind.arm_type.lower()].append({**made, "properties": properties})
    elif kind.inside:
        for parent in azure.objects[SUBSCRIPTION][catalogue.above(kind).arm_type.lower()][number : number + 1]:
            key = kind.inside.removeprefix("properties.").removesuffix("[]")
            parent["properties"][key] = [{"id": f"{parent['id']}/subnets/{name}", "name": name, "properties": {}}]
    elif kind.under:
        parents = azure.objects[SUBSCRIPTION][catalogue.above(kind).arm_type.lower()]
        for parent in parents if number == 0 else ():
            made = [{"id": f"{parent['id']}/x/{kind.sub_type}", "name": kind.sub_type, "properties": {}}]
            azure.objects[SUBSCRIPTION][f"{kind.arm_type.rpartition('/')[2]}/{parent['name']}"] = made
    elif kind.rest:
        azure.add("Microsoft.Contoso/widgets", name, {"size": 1})
    elif (kind.table or kind.operation) and not kind.further:
        kinds = {"functionapp": "functionapp,linux"}.get(kind.variant, "app")
        azure.add(kind.arm_type, name, properties, kind=kinds)
    elif kind.further:
        arm_type = kind.arm_types[number % len(kind.arm_types)]
        zone, _, record = arm_type.rpartition("/")
        made = {
            "id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod/providers/{zone}/example.com/{record}/{name}",
            "name": name,
            "type": arm_type,
        }
        azure.objects[SUBSCRIPTION][arm_type.lower()].append({**made, "properties": {"ttl": 60}})


def of(sink, sub_type: str):
    return [resource for _, resource in sink.all() if resource.sub_type == sub_type]


def test_every_type_is_read_to_the_last_of_three_pages(everything):
    sink = read(everything, page_size=150, optional_types=sorted(catalogue.OPTIONAL))
    assert {report.outcome for report in sink.reports.values()} == {Outcome.COMPLETE}, {
        kind: (report.outcome, report.message) for kind, report in sink.reports.items() if report.outcome is not Outcome.COMPLETE
    }
    counts: dict[str, int] = {}
    for scope, report in sink.reports.items():
        counts[scope.resource_type] = counts.get(scope.resource_type, 0) + report.resources
    one = {"azure_tenant", "azure_subscription", "azure_resource_group"}
    assert counts == {kind.sub_type: 1 if kind.sub_type in one else EACH for kind in READ}
    assert len(everything.queries) >= 3


def test_a_second_run_of_every_type_is_the_same(everything):
    first, second = read(everything), read(everything)
    for scope in first.found:
        assert first.canonical(scope) == second.canonical(scope)


def test_a_secret_in_a_field_of_any_type_is_not_stored(everything):
    planted = {
        "administratorLoginPassword": "canary-1-q7Zx", "primaryKey": "canary-2-q7Zx", "connectionString": "Endpoint=x;SharedAccessKey=canary-3-q7Zx",
        "instrumentationKey": "canary-4-q7Zx", "serviceKey": "canary-5-q7Zx", "clientSecret": "canary-6-q7Zx", "authorizationKey": "canary-7-q7Zx",
        "settings": {"commandToExecute": "run.sh --password canary-8-q7Zx"}, "primaryAccessKey": "canary-9-q7Zx",
    }  # fmt: skip
    for objects in everything.objects[SUBSCRIPTION].values():
        for found in objects:
            found.setdefault("properties", {}).update(planted)
            found["tags"] = {"dbPassword": "canary-10-q7Zx"}
    environment = [{"name": "DATABASE", "value": "canary-11-q7Zx"}, {"name": "PORT", "value": "canary-12-q7Zx"}]
    group = everything.objects[SUBSCRIPTION]["microsoft.containerinstance/containergroups"][0]
    group["properties"]["containers"] = [{"name": "c", "properties": {"environmentVariables": environment}}]
    app = everything.objects[SUBSCRIPTION]["microsoft.app/containerapps"][0]
    app["properties"]["template"] = {"containers": [{"name": "c", "env": environment}]}
    sink = read(everything, optional_types=sorted(catalogue.OPTIONAL))
    stored = msgspec.json.encode([resource for _, resource in sink.all()]).decode()
    assert "q7Zx" not in stored
    assert sink.one(app["name"]).attributes["properties"]["template"]["containers"][0]["env"] == ["DATABASE", "PORT"]


def test_apps_and_functions_are_told_apart(everything):
    sink = read(everything)
    assert {found.name[:-1] for found in sink.found[Scope("azure", SUBSCRIPTION, "", "azure_function_app")]} == {"azurefunctionapp"}
    assert {found.name[:-1] for found in sink.found[Scope("azure", SUBSCRIPTION, "", "azure_web_app")]} == {"azurewebapp"}


def test_a_part_of_a_resource_has_it_as_its_parent(azure):
    azure.subscription()
    server = azure.add("Microsoft.Sql/servers", "sql1")
    database = {
        "id": f"{server}/databases/db1",
        "name": "db1",
        "type": "Microsoft.Sql/servers/databases",
        "location": "westeurope",
        "properties": {},
    }
    azure.objects[SUBSCRIPTION]["microsoft.sql/servers/databases"].append(database)
    assert read(azure).one("db1").parent == server.lower()


def test_builtin_roles_belong_to_the_tenant_and_custom_ones_to_their_subscriptions(everything):
    sink = read(everything)
    builtin = sink.found[Scope("azure", TENANT, "", "azure_role_definition", "/")]
    custom = sink.found[Scope("azure", SUBSCRIPTION, "", "azure_role_definition")]
    assert {one.attributes["properties"]["type"] for one in builtin} == {"BuiltInRole"}
    assert {one.attributes["properties"]["type"] for one in custom} == {"CustomRole"}
    assert all(one.external_id.startswith("/providers/microsoft.authorization/roledefinitions/") for one in (*builtin, *custom))


def test_an_assignment_links_to_its_role_whatever_subscription_it_was_asked_of(azure):
    azure.subscription()
    azure.assign("ra", f"/subscriptions/{SUBSCRIPTION}", SUBSCRIPTION)
    definition = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/ABC"
    azure.inherited[SUBSCRIPTION][0]["properties"]["roleDefinitionId"] = definition
    links = {link.type: link.target for link in of(read(azure), "azure_role_assignment")[0].links}
    assert links["grants_role"] == "/providers/microsoft.authorization/roledefinitions/abc"


def test_a_lock_links_to_what_it_locks(azure):
    azure.subscription()
    disk = azure.add("Microsoft.Compute/disks", "disk")
    for holder in (disk, f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod", f"/subscriptions/{SUBSCRIPTION}"):
        made = {
            "id": f"{holder}/providers/Microsoft.Authorization/locks/l{len(holder)}",
            "name": "lock",
            "type": "Microsoft.Authorization/locks",
        }
        azure.objects[SUBSCRIPTION]["microsoft.authorization/locks"].append({**made, "properties": {"level": "CanNotDelete"}})
    locks = of(read(azure), "azure_lock")
    assert sorted(link.target for lock in locks for link in lock.links) == sorted(
        [disk.lower(), f"/subscriptions/{SUBSCRIPTION}/resourcegroups/prod", f"/subscriptions/{SUBSCRIPTION}"]
    )


# References


@pytest.mark.parametrize(
    ("text", "target"),
    [
        (f"{PREFIX}/Microsoft.Network/loadBalancers/lb/backendAddressPools/pool", f"{PREFIX}/microsoft.network/loadbalancers/lb"),
        (f"{PREFIX}/Microsoft.Network/virtualNetworks/v/subnets/s", f"{PREFIX}/microsoft.network/virtualnetworks/v/subnets/s"),
        (f"{PREFIX}/Microsoft.Network/networkInterfaces/n/ipConfigurations/i", f"{PREFIX}/microsoft.network/networkinterfaces/n"),
        (f"{PREFIX}/Microsoft.Contoso/widgets/w/parts/p", f"{PREFIX}/microsoft.contoso/widgets/w"),
        (f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Other", f"/subscriptions/{SUBSCRIPTION}/resourcegroups/other"),
        (f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Compute/locations/westeurope", ""),
        (f"/subscriptions/{SUBSCRIPTION}", ""),
        ("/subscriptions/", ""),
        (f"{PREFIX}/Microsoft.Compute/disks", ""),
        (f"{PREFIX}/Microsoft.Compute/disks//", ""),
        ("not an id", ""),
    ],
)
def test_an_id_is_cut_to_the_deepest_declared_type(text, target):
    assert References(catalogue.KINDS).target(text) == target


def references(azure, name: str) -> set[str]:
    return {link.target.rpartition("/providers/")[2] for link in read(azure).one(name).links if link.type == "refers_to"}


def test_every_arm_id_in_a_document_is_a_reference_once(azure):
    azure.subscription()
    key, vnet = f"{PREFIX}/Microsoft.KeyVault/vaults/kv", f"{PREFIX}/Microsoft.Network/virtualNetworks/v/subnets/s"
    rules = [{"id": vnet, "action": "Allow"}, {"id": vnet.upper().replace("/SUBSCRIPTIONS/", "/subscriptions/")}]
    azure.add("Microsoft.ServiceBus/namespaces", "bus", {"encryption": {"keyVault": key}, "rules": rules, "note": "see /subscriptions/"})
    assert references(azure, "bus") == {"microsoft.keyvault/vaults/kv", "microsoft.network/virtualnetworks/v/subnets/s"}


def test_neither_itself_nor_what_surrounds_it_nor_a_declared_link_is_a_reference(azure):
    azure.subscription()
    own = f"{PREFIX}/Microsoft.Compute/disks/disk"
    vm = f"{PREFIX}/Microsoft.Compute/virtualMachines/vm"
    group = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod"
    azure.add("Microsoft.Compute/disks", "disk", {"a": own, "b": f"{own}/parts/x", "c": group, "d": vm}, managedBy=vm)
    links = read(azure).one("disk").links
    assert links == (Link("attached_to", vm.lower()),)


def test_links_that_the_other_side_has_are_not_doubled(azure):
    azure.subscription()
    subnet = f"{PREFIX}/Microsoft.Network/virtualNetworks/v/subnets/s"
    nic = f"{PREFIX}/Microsoft.Network/networkInterfaces/nic/ipConfigurations/one"
    inside = {
        "id": subnet,
        "name": "s",
        "properties": {
            "ipConfigurations": [{"id": nic}],
            "networkSecurityGroup": {"id": f"{PREFIX}/Microsoft.Network/networkSecurityGroups/nsg"},
        },
    }
    azure.add("Microsoft.Network/virtualNetworks", "v", {"subnets": [inside]})
    azure.add("Microsoft.Network/networkSecurityGroups", "nsg", {"subnets": [{"id": subnet}], "networkInterfaces": [{"id": nic}]})
    azure.add(
        "Microsoft.Storage/storageAccounts",
        "store",
        {"privateEndpointConnections": [{"properties": {"privateEndpoint": {"id": f"{PREFIX}/Microsoft.Network/privateEndpoints/pe"}}}]},
    )
    sink = read(azure)
    assert sink.one("v").links == sink.one("nsg").links == sink.one("store").links == ()
    assert [link.type for link in sink.one("s").links] == ["has_security_group"]


def test_identities_are_links(azure):
    azure.subscription()
    user = f"/subscriptions/{SUBSCRIPTION}/resourcegroups/Prod/providers/Microsoft.ManagedIdentity/userAssignedIdentities/deployer"
    azure.add(
        "Microsoft.ContainerInstance/containerGroups",
        "cg",
        identity={"principalId": "AAAA-1", "userAssignedIdentities": {user: {"clientId": "c"}}},
    )
    links = read(azure).one("cg").links
    assert links == (Link("has_identity", "aaaa-1"), Link("uses_identity", user.lower()))


def test_references_are_bounded_and_the_same_each_time(azure):
    azure.subscription()
    ids = [f"{PREFIX}/Microsoft.Compute/disks/d{number:04}" for number in range(LARGEST + 50)]
    azure.add("Microsoft.Compute/snapshots", "snap", {"many": ids})
    first, second = read(azure).one("snap").links, read(azure).one("snap").links
    assert len(first) == LARGEST
    assert first == second


# What Resource Graph does not declare


def test_a_type_that_no_kind_declares_is_an_azure_resource(azure):
    azure.subscription()
    azure.add("Microsoft.Contoso/widgets", "widget", {"size": 3}, tags={"team": "x"})
    found = read(azure).one("widget")
    assert (found.sub_type, found.attributes["type"], found.attributes["properties"], found.tags) == (
        "azure_resource", "microsoft.contoso/widgets", {"size": 3}, {"team": "x"},
    )  # fmt: skip


def test_a_type_that_the_graph_never_has_comes_from_resource_managers_list(azure):
    azure.subscription()
    azure.lagging = {azure.add("Microsoft.Contoso/gadgets", f"gadget{number}") for number in range(3)}
    sink = read(azure)
    report = sink.report("azure_resource")
    assert (report.outcome, report.resources) == (Outcome.COMPLETE, 3)


def test_an_undeclared_resource_that_the_graph_lacks_of_a_type_that_it_has_is_lag(azure):
    azure.subscription()
    azure.add("Microsoft.Contoso/widgets", "seen")
    azure.lagging = {azure.add("Microsoft.Contoso/widgets", "late")}
    report = read(azure).report("azure_resource")
    assert (report.outcome, "lags behind" in report.message) == (Outcome.ERROR, True)


def test_a_type_that_the_graph_has_of_another_subscription_is_lag_in_this_one(azure):
    """Resource Manager lists it without properties: stored like that, it would lose those that an earlier run has read."""
    for subscription in (SUBSCRIPTION, OTHER):
        azure.subscription(subscription)
    azure.add("Microsoft.Contoso/widgets", "seen")
    azure.lagging = {azure.add("Microsoft.Contoso/widgets", "late", {"size": 3}, subscription=OTHER)}
    sink = read(azure)
    ends = {scope.account: report.outcome for scope, report in sink.reports.items() if scope.resource_type == "azure_resource"}
    assert ends == {SUBSCRIPTION: Outcome.COMPLETE, OTHER: Outcome.ERROR}


def test_an_undeclared_type_that_may_not_be_read_is_denied_by_its_name(azure):
    azure.subscription()
    azure.add("Microsoft.Contoso/widgets", "widget")
    azure.permissions[SUBSCRIPTION] = [{"actions": ["*/read"], "notActions": ["Microsoft.Contoso/*"]}]
    report = read(azure).report("azure_resource")
    assert (report.outcome, report.permission) == (Outcome.DENIED, "Microsoft.Contoso/widgets/read")


def test_records_that_a_second_reading_knows_are_lag(azure):
    azure.subscription()
    made = {"name": "www", "type": "Microsoft.Network/dnsZones/A", "properties": {"TTL": 60}}
    late = {**made, "id": f"{PREFIX}/Microsoft.Network/dnsZones/example.com/A/www"}
    azure.objects[SUBSCRIPTION]["microsoft.network/dnszones/a"].append(late)
    azure.fault = lambda *_: setattr(azure, "lagging", set() if azure.other_queries else {late["id"]})
    report = read(azure).report("azure_dns_record")
    assert (report.outcome, "two readings" in report.message) == (Outcome.ERROR, True)


# Key Vault


def test_objects_of_key_vaults_are_read_where_a_job_asks_for_them(everything):
    assert not [scope for scope in read(everything).reports if scope.resource_type in catalogue.OPTIONAL]
    sink = read(everything, optional_types=["azure_key_vault_secret"])
    assert sink.report("azure_key_vault_secret").resources == EACH
    assert not [path for _, path in everything.requests if path.endswith("/keys")]


def test_a_vault_that_refuses_makes_its_own_objects_incomplete(everything):
    refusal = (
        403,
        {},
        {
            "error": {
                "code": "AuthorizationFailed",
                "message": "does not have authorization to perform action 'Microsoft.KeyVault/vaults/secrets/read' over scope 'x'.",
            }
        },
    )
    everything.fault = lambda _method, path: refusal if "azurekeyvault3/secrets" in path else None
    sink = read(everything, optional_types=["azure_key_vault_secret"])
    report = sink.report("azure_key_vault_secret")
    assert (report.outcome, report.resources, report.permission) == (Outcome.DENIED, EACH - 1, "Microsoft.KeyVault/vaults/secrets/read")
    assert sink.report("azure_key_vault").outcome is Outcome.COMPLETE


def test_two_subscriptions_share_the_questions_to_the_graph(everything):
    everything.subscription(OTHER)
    read(everything)
    assert len(everything.queries) == 1
    assert len(everything.other_queries) == 2
