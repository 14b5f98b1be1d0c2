"""Upgrades from release 07e0fda (design, section 14): its own code fills a database from a source, today's code reads the same source once.

Nothing is deleted, held back, stored twice or told as a change, and what is masked today is gone from entities, deleted ones too, and from
their history.
"""

from __future__ import annotations

import json

import pytest
from gcp_population import populate
from peers.arm_account import SECRET, SUBSCRIPTION, TENANT
from peers.authentik import TOKEN as AUTHENTIK_TOKEN
from peers.google_customer import ADMIN, Customer
from peers.kube import fill, running
from peers.okta import TOKEN as OKTA_TOKEN
from upgrading import Upgrade, unpack

from providers.aws import simulation
from worker.run.outcome import NOTHING_TO_READ

CANARY = "canary-of-the-release-before"
BOTH = pytest.mark.parametrize("owner", ["job", "connector"])


@pytest.fixture(scope="session")
def release(tmp_path_factory):
    return unpack(tmp_path_factory.mktemp("release"))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """An API server of these tests' own, as they add to it."""
    with running(tmp_path_factory.mktemp("cluster")) as kube:
        fill(kube, 30)
        yield kube


@pytest.fixture
def upgrade(empty_database, release, capsys):
    """Runs the whole upgrade and checks it: a function of the source. Returns the upgrade."""
    made: list[Upgrade] = []

    def through(provider: str, config: dict, operator: dict | None = None, owner: str = "job", canaries: tuple[str, ...] = ()) -> Upgrade:
        one = Upgrade(empty_database, release, provider, config, operator or {}, owner)
        made.append(one)
        one.remember(canaries)
        one.migrate()
        totals = one.after()
        check(one, totals, canaries)
        with capsys.disabled():
            print(f"\n{provider} as {owner}: {len(one.old)} entities of the release before, {totals.created} of new types, 0 0 0 0", end="")
        return one

    yield through
    for one in made:
        one.close()


def check(one: Upgrade, totals, canaries: tuple[str, ...]) -> None:
    sql = one.sql
    assert not [report for report in one.reports.values() if report.outcome not in NOTHING_TO_READ]
    assert (totals.deleted, totals.held_back, totals.held_links, totals.held_attributes, totals.rejected) == (0, 0, 0, 0, 0)
    active = {row[0]: row for row in sql.execute("select external_id, id, scope_id, sub_type from entities where is_active")}
    assert not set(one.old) - set(active), "tombstoned"
    assert {key: active[key][1] for key in one.old} == {key: row[1] for key, row in one.old.items()}, "another row for the same thing"
    before = {row[3] for row in one.old.values()}
    doubled = [row for key, row in active.items() if key not in one.old and row[3] in before]
    assert not doubled, "stored twice, or found by a new list of an old type"
    assert one.changes() == []
    assert totals.updated == 0
    abandoned = sql.execute(
        "select provider, account, resource_type, coverage from elder_worker.scopes where state <> 'current'"
    ).fetchall()
    assert abandoned == []
    unread = "select count(*) from elder_worker.scopes where last_complete_at is null and last_outcome is distinct from 'unsupported'"
    assert sql.execute(unread).fetchone() == (0,), "a scope of the release before that nobody reads any more"
    keys = {(scope.account, scope.resource_type, scope.coverage) for scope in one.reports}
    assert {row[:3] for row in sql.execute("select account, resource_type, coverage from elder_worker.scopes")} == keys
    wrong = "select count(*) from entities e join elder_worker.scopes s on s.id = e.scope_id where e.is_active and e.account <> s.account"
    assert sql.execute(wrong).fetchone() == (0,)
    for canary in canaries:
        assert not any(one.holding(canary)), canary


@BOTH
def test_aws(moto, upgrade, owner):
    simulation.seed(moto.url, ("us-east-1", "eu-west-1"), 4)
    header = {"Quantity": 1, "Items": [{"HeaderName": "X-Origin-Verify", "HeaderValue": CANARY}]}
    origin = {
        "Id": "o",
        "DomainName": "o.example.com",
        "CustomHeaders": header,
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    behaviour = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "allow-all",
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }
    moto.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "c",
            "Comment": "",
            "Enabled": True,
            "Origins": {"Quantity": 1, "Items": [origin]},
            "DefaultCacheBehavior": behaviour,
        }
    )
    upgrade("aws", {**simulation.KEYS, "regions": ["us-east-1", "eu-west-1"]}, moto.operator, owner, canaries=(CANARY,))


def test_azure(azure, upgrade):
    azure.subscription()
    azure.subscription("22222222-2222-2222-2222-222222222222")
    vnet = azure.add("Microsoft.Network/virtualNetworks", "vnet", {"subnets": []}, tags={"team": "net"})
    for n in range(25):
        disk = azure.add("Microsoft.Compute/disks", f"disk{n}", {"diskSizeGB": 32}, managedBy=None)
        azure.add(
            "Microsoft.Compute/virtualMachines",
            f"vm{n}",
            {"storageProfile": {"osDisk": {"managedDisk": {"id": disk}}}, "userData": f"password={CANARY}"},
        )
        azure.add("Microsoft.Storage/storageAccounts", f"store{n}", kind="StorageV2", sku={"name": "Standard_LRS"})
        azure.assign(f"ra{n}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod", SUBSCRIPTION)
    for n in range(30):
        azure.assign(f"all{n}", "/providers/Microsoft.Management/managementGroups/top", *azure.subscriptions)
    azure.assign("root", "/", *azure.subscriptions)
    assert vnet
    one = upgrade("azure", {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET}, azure.operator, canaries=(CANARY,))
    assert len(one.old) > 130


@BOTH
def test_gcp(company, upgrade, owner):
    config = {key: value for key, value in company.config().items() if value is not None}
    populate(company)
    upgrade("gcp", config, company.operator, owner)


def test_kubernetes(cluster, upgrade):
    kube = cluster
    _custom_type(kube, "gates", "Gate", "gateway.networking.k8s.io")
    _custom_type(kube, "gadgets", "Gadget", "tools.acme.example")
    arguments = {"name": "c", "image": "nginx", "args": [f"--password={CANARY}"]}
    for namespace in ("shop", "stock"):
        kube.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        kube.create(f"/api/v1/namespaces/{namespace}/serviceaccounts", {"metadata": {"name": "upgraded"}})
        kube.create(
            f"/api/v1/namespaces/{namespace}/pods",
            {"metadata": {"name": "upgraded"}, "spec": {"serviceAccountName": "upgraded", "containers": [arguments]}},
        )
        original = {"kapp.k14s.io/original": json.dumps({"data": {"word": f"{CANARY}-2"}})}
        kube.create(f"/api/v1/namespaces/{namespace}/secrets", {"metadata": {"name": "upgraded", "annotations": original}})
    upgrade("kubernetes", {"kubeconfig": kube.kubeconfig()}, canaries=(CANARY,))


def test_kubernetes_with_several_namespaces(cluster, upgrade):
    kube = cluster
    _custom_type(kube, "gadgets", "Gadget", "tools.acme.example")
    for namespace in ("shop", "stock"):
        kube.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        for n in range(30):
            kube.create(f"/api/v1/namespaces/{namespace}/configmaps", {"metadata": {"name": f"upgraded-{n}"}})
    upgrade("kubernetes", {"kubeconfig": kube.kubeconfig(), "namespaces": ["shop", "stock"]})


@BOTH
def test_ldap(slapd, upgrade, owner):
    upgrade("ldap", slapd.config(), owner=owner)


@BOTH
@pytest.mark.timeout(300)
def test_active_directory(samba, upgrade, owner):
    upgrade("ldap", samba.config(start_tls=True, ca_cert=str(samba.ca)), owner=owner)


@BOTH
def test_google_workspace(google, upgrade, owner):
    Customer(google)
    upgrade("google_workspace", {"admin_email": ADMIN, "credentials": google.key()}, google.operator, owner)


@BOTH
def test_okta(okta, upgrade, owner):
    people = [okta.user(f"user{n}@example.com") for n in range(25)]
    okta.group("Everyone", *people, kind="BUILT_IN")
    teams = [okta.group(f"Team {n}", *people[: n + 1]) for n in range(25)]
    for n in range(3):
        okta.app(f"App {n}", tuple(teams), dict.fromkeys(people, "USER"))
    okta.role(people[0], "SUPER_ADMIN", "USER")
    for person in people:
        okta.role(person, "HELP_DESK_ADMIN", "USER")
    okta.one_of_each(4)
    upgrade("okta", {"domain": okta.url, "api_token": OKTA_TOKEN}, owner=owner)


@BOTH
def test_authentik(authentik, upgrade, owner):
    role = authentik.role("Role")
    top = authentik.group("All", roles=(role,))
    teams = [authentik.group(f"Team {n}", parents=(top,)) for n in range(25)]
    for n in range(30):
        authentik.user(f"user{n}", groups=(top, teams[n % 25]), roles=(role,))
        authentik.application(f"app-{n}")
    upgrade("authentik", {"domain": authentik.url, "api_token": AUTHENTIK_TOKEN}, owner=owner)


def _custom_type(kube, plural: str, kind: str, group: str) -> None:
    """A type of a group that is not Kubernetes' own, with an object in each of two namespaces."""
    kube.define(plural, kind, group)
    for namespace in ("shop", "stock"):
        kube.create("/api/v1/namespaces", {"metadata": {"name": namespace}})
        body = {"apiVersion": f"{group}/v1", "kind": kind, "metadata": {"name": "upgraded"}, "spec": {"size": 3, "password": CANARY}}
        kube.create(f"/apis/{group}/v1/namespaces/{namespace}/{plural}", body)
