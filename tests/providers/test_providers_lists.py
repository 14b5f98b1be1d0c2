"""Each list of each provider at the wire: whatever page is refused, cut, repeated, too large, circular, or changed between two pages, the scope is
complete and exact, or it is not complete.

`make soak SOAK="--only lists"` makes many rounds of it; LISTS_ROUNDS and LISTS_SEED say how many, and which.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from gcp_assets import Inventory
from gcp_population import populate
from interposer import FAULTS, Interposer, Wire, rounds
from peers import arm
from peers import google_refusals as refusals
from peers.arm_account import SECRET, SUBSCRIPTION, TENANT
from peers.authentik import TOKEN as AUTHENTIK_TOKEN
from peers.google_customer import ADMIN, Customer
from peers.http_proxy import Asked, Cut, Reply
from peers.kube_proxy import status
from peers.okta import FORBIDDEN
from peers.okta import TOKEN as OKTA_TOKEN
from peers.slapd import BASE, few, running
from peers.tcp_proxy import Proxy

from providers import registry
from providers.collected import Collected
from providers.errors import ProviderError
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

ROUNDS = int(os.environ.get("LISTS_ROUNDS", "3"))
SEED = int(os.environ.get("LISTS_SEED", "11"))
MOVING = frozenset({
    "after", "limit", "page", "page_size", "pageToken", "readTime", "maxResults", "pageSize", "continue", "$skiptoken", "$top", "cursor",
})  # fmt: skip


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("providers.http.retry.wait", lambda _seconds: None)


@pytest.fixture
def show(capsys):
    """Prints the numbers of a provider and asserts that no scope was wrong."""

    def said(name: str, interposer: Interposer, verdicts) -> None:
        line = (
            f"{name}: {len(interposer.lists)} lists, {sum(interposer.applied.values())} faults, {len(interposer.interleavings)} interleavings, "
            f"{verdicts.scopes} scopes judged, {verdicts.complete} of them complete, {len(verdicts.wrong)} wrong"
        )
        with capsys.disabled():
            print("\n" + line, end="")
        assert not verdicts.wrong, "\n".join(verdicts.wrong[:5])
        assert interposer.applied, "no fault came about"

    return said


def reader(name: str, config: dict, operator: dict | None = None):
    """Reads a source: a function; a run that ends is one in which no scope was complete."""
    provider = registry.get(name)

    def read() -> Collected:
        collected = Collected()
        source = provider.open(parse(provider.config, config), operator_of(provider, operator or {}))
        with contextlib.closing(source), contextlib.suppress(ProviderError):
            collected.tally = run(source, collected)
        return collected

    return read


def key_of(method: str, target: str, more: str = "") -> str:
    """A list's key: its address without what moves from page to page."""
    url = urlsplit(target)
    query = sorted((name, value) for name, value in parse_qsl(url.query, keep_blank_values=True) if name not in MOVING)
    return f"{method} {url.path}?{urlencode(query)}{more}"


# --- Okta and Authentik


def of_fake(fake, wire: Wire, spared=lambda _key: False) -> Interposer:
    interposer, usual = Interposer(wire, SEED, spared), fake.answered

    def answered(path, query, sent):
        key = key_of("GET", f"{path}?{urlencode(query)}")
        return interposer.answer(key, lambda: usual(path, query, sent))

    fake.answered = answered
    return interposer


def test_okta(okta, show):
    people = [okta.user(f"user{n}@example.com") for n in range(11)]
    okta.group("Everyone", *people, kind="BUILT_IN")
    teams = [okta.group(f"Team {n}", *people[: n + 1]) for n in range(8)]
    for n in range(4):
        okta.app(f"App {n}", tuple(teams), dict.fromkeys(people, "USER"))
    for person in people:
        okta.role(person, "HELP_DESK_ADMIN", "USER")
    okta.one_of_each(7)
    wire = Wire(
        refuse=lambda: FORBIDDEN,
        cut=lambda: (0, {}, {"half": "of it"}),
        large=lambda: (413, {}, {"errorCode": "E0000001", "errorSummary": "too large"}),
        broken=lambda: (500, {}, {"errorCode": "E0000009", "errorSummary": "Internal Server Error"}),
        items=lambda answer: answer[2] if answer[0] == 200 and isinstance(answer[2], list) else None,
        name=lambda item: str(item.get("id") or json.dumps(item, sort_keys=True)),
        more=lambda answer: "next" in str(answer[1]),
    )
    interposer = of_fake(okta, wire)
    show("okta", interposer, rounds(interposer, reader("okta", {"domain": okta.url, "api_token": OKTA_TOKEN}), ROUNDS))


def test_authentik(authentik, show):
    roles = [authentik.role(f"Role {n}") for n in range(8)]
    teams = [authentik.group(f"Team {n}", roles=(roles[n],)) for n in range(8)]
    for n in range(11):
        authentik.user(f"user{n}", groups=tuple(teams[:2]), roles=(roles[0],))
        authentik.application(f"app-{n}")
    made = iter(range(100, 10_000))

    def change(key: str, kind: str, chance: random.Random) -> bool:
        name = next((name for name in authentik.objects if f"/{name}/?" in key), "")
        held = authentik.objects[name] if name else []
        if not held or not key.startswith(f"GET /api/v3/{'rbac' if name == 'roles' else 'core'}"):
            return False
        if kind == "insert":
            make = {"users": authentik.user, "groups": authentik.group, "roles": authentik.role, "applications": authentik.application}[
                name
            ]
            make(f"new-{next(made)}")
            held.insert(chance.randrange(len(held)), held.pop())
        else:
            for _ in range(min(len(held) - 1, 1 if kind == "delete" else 3)):
                held.pop(chance.randrange(len(held)))
        return True

    wire = Wire(
        refuse=lambda: (403, {}, {"detail": "You do not have permission to perform this action."}),
        cut=lambda: (0, {}, {"half": "of it"}),
        large=lambda: (413, {}, {"detail": "too large"}),
        broken=lambda: (502, {}, {"detail": "Bad Gateway"}),
        items=lambda _answer: None,
        name=str,
        change=change,
        changes=lambda key: key.startswith("GET /api/v3/"),
        more=lambda answer: bool((answer[2].get("pagination") or {}).get("next")),
    )
    interposer = of_fake(authentik, wire)
    show(
        "authentik",
        interposer,
        rounds(interposer, reader("authentik", {"domain": authentik.url, "api_token": AUTHENTIK_TOKEN}), ROUNDS * 2),
    )


# --- Google


def of_google(google, spared) -> Interposer:
    wire = Wire(
        refuse=lambda: (refusals.denied(), False),
        cut=lambda: ({"half": "of it"}, True),
        large=lambda: (refusals.TOO_LARGE, False),
        broken=lambda: (refusals.BROKEN, False),
        items=lambda answer: _longest(answer[0]) if isinstance(answer[0], dict) else None,
        name=lambda item: json.dumps(item, sort_keys=True) if isinstance(item, dict) else str(item),
        more=lambda answer: bool(isinstance(answer[0], dict) and answer[0].get("nextPageToken")),
    )
    interposer, usual = Interposer(wire, SEED, spared), google.answer

    def answer(verb, target, body, headers):
        key = key_of(verb, target, headers.get("x-forwarded-host", ""))
        return interposer.answer(key, lambda: usual(verb, target, body, headers))

    google.answer = answer
    return interposer


def _longest(answer: dict) -> list | None:
    """The longest list of objects in an answer, of any place."""
    lists = [value for value in answer.values() if isinstance(value, list) and value and isinstance(value[0], dict)]
    lists += [
        found
        for part in answer.values()
        if isinstance(part, dict)
        for inner in part.values()
        if isinstance(inner, dict)
        if (found := _longest(inner))
    ]
    return max(lists, key=len, default=None)


def _is_no_list(key: str) -> bool:
    """True for a request that is not a list: a sign-in, an IAM policy, the access of a dataset."""
    return re.search(r"/token|getIamPolicy|/b/[^/]+/iam|/datasets/[^/?]+(\?|$)|/denypolicies/", key) is not None


def test_google_workspace(google, show):
    Customer(google)
    interposer = of_google(google, lambda key: _is_no_list(key) or f"/users/{ADMIN}" in key)
    read = reader("google_workspace", {"admin_email": ADMIN, "credentials": google.key()}, google.operator)
    show("google_workspace", interposer, rounds(interposer, read, ROUNDS))


def test_gcp(google, company, show):
    populate(company)
    show("gcp", *_judged(google, company, "lists", max(ROUNDS - 1, 1)))


def test_gcp_by_cloud_asset_inventory(google, company, show):
    populate(company)
    Inventory(company)
    show("gcp by assets", *_judged(google, company, "assets", max(ROUNDS - 1, 1)))


def _judged(google, company, feed: str, count: int):
    """Rounds over one project of the company by a feed."""
    company.projects.pop("another-project-456")
    interposer = of_google(
        google, lambda key: _is_no_list(key) or "projects:search" in key or re.search(r"/v3/projects/[^/]+\?", key) is not None
    )
    config = {key: value for key, value in company.config(project_ids=["my-gcp-project-123"], feed=feed).items() if value is not None}
    return interposer, rounds(interposer, reader("gcp", config, company.operator), count)


# --- Azure


def test_azure(azure, show, monkeypatch):
    azure.subscription()
    for n in range(11):
        disk = azure.add("Microsoft.Compute/disks", f"disk{n}", {"diskSizeGB": 32}, managedBy=None)
        azure.add("Microsoft.Compute/virtualMachines", f"vm{n}", {"storageProfile": {"osDisk": {"managedDisk": {"id": disk}}}})
        azure.add("Microsoft.Network/virtualNetworks", f"vnet{n}", {"subnets": []})
        azure.assign(f"ra{n}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod", SUBSCRIPTION)
    for n in range(7):
        azure.add("Microsoft.Storage/storageAccounts", f"store{n}", kind="StorageV2", sku={"name": "Standard_LRS"})
        for c in range(7):
            container = {"id": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod/x/store{n}/c{c}", "name": f"c{c}"}
            container["type"] = "Microsoft.Storage/storageAccounts/blobServices/containers"
            azure.objects[SUBSCRIPTION][f"containers/store{n}"].append(container)
    made = iter(range(100, 10_000))

    def change(key: str, kind: str, chance: random.Random) -> bool:
        """The tables of Resource Graph change for real: their tokens are offsets. Elsewhere tokens are cursors."""
        if "resourcegraph" not in key.lower():
            return False
        arm_type = chance.choice(("Microsoft.Compute/disks", "Microsoft.Network/virtualNetworks"))
        held = azure.objects[SUBSCRIPTION][arm_type.lower()]
        if kind == "insert":
            azure.add(arm_type, f"{chance.choice('adnvz')}{next(made)}", {"subnets": []} if "Network" in arm_type else {"diskSizeGB": 1})
        else:
            for _ in range(min(len(held) - 1, 1 if kind == "delete" else 3)):
                held.pop(chance.randrange(len(held)))
        return True

    def refused(code: int, name: str):
        return lambda: arm.Refused(code, name, f"{name}: no")

    wire = Wire(
        refuse=refused(403, "AuthorizationFailed"),
        cut=refused(504, "GatewayTimeout"),
        large=refused(400, "ResponsePayloadTooLarge"),
        broken=refused(500, "InternalServerError"),
        items=lambda answer: answer.get("value") if isinstance(answer, dict) else None,
        name=lambda item: str(item.get("id")) if isinstance(item, dict) else str(item),
        change=change,
        changes=lambda key: "resourcegraph" in key.lower(),
        more=lambda answer: bool(answer.get("nextLink") or answer.get("$skipToken")),
    )
    interposer = Interposer(wire, SEED, lambda key: key.startswith("GET /subscriptions?") or "permissions" in key)
    usual = arm.Handler._resource_manager

    def answered(self, method, path, query, body):
        table = json.loads(body) if body else {}
        key = key_of(method, f"{path}?{urlencode(query)}", f" {table.get('query', '')}{table.get('subscriptions', '')}" if body else "")
        answer = interposer.answer(key, lambda: usual(self, method, path, query, body))
        if isinstance(answer, arm.Refused):
            raise answer
        return answer

    monkeypatch.setattr(arm.Handler, "_resource_manager", answered)
    config = {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET, "page_size": 4}
    verdicts = rounds(interposer, reader("azure", config, azure.operator), ROUNDS + 1)
    show("azure", interposer, verdicts)


# --- Kubernetes: a real server


def test_kubernetes(kube_proxy, kube, show):
    for n in range(12):
        kube.create("/api/v1/namespaces/shop/configmaps", {"metadata": {"name": f"listed-{n}"}})
    made = iter(range(100, 10_000))

    def change(key: str, kind: str, chance: random.Random) -> bool:
        path = "/api/v1/namespaces/shop/configmaps"
        if not re.search(r"/configmaps\?", key):
            return False
        there = [item["metadata"]["name"] for item in kube.call("GET", path)["items"] if item["metadata"]["name"].startswith("listed")]
        if kind == "insert":
            kube.create(path, {"metadata": {"name": f"listed-{chance.choice('amz')}-{next(made)}"}})
        else:
            for name in chance.sample(there, min(len(there) - 2, 1 if kind == "delete" else 3)):
                kube.call("DELETE", f"{path}/{name}")
        return True

    wire = Wire(
        refuse=lambda: status(403, "Forbidden", 'things is forbidden: User "x" cannot list resource "things"'),
        cut=Cut,
        large=lambda: status(413, "RequestEntityTooLarge", "too large"),
        broken=lambda: status(500, "InternalError", "etcdserver: leader changed"),
        items=lambda _reply: None,
        name=str,
        change=change,
        changes=lambda key: "/configmaps?" in key,
        more=lambda reply: isinstance(reply, Reply) and bool(json.loads(reply.body).get("metadata", {}).get("continue")),
    )
    interposer = Interposer(wire, SEED)

    def rule(request):
        if "limit=" not in request.path:
            return None
        key = key_of(request.method, request.path, request.headers.get("Accept", ""))
        answer = interposer.answer(key, lambda: kube_proxy.ask(request, Asked()))
        return answer if isinstance(answer, (Reply, Cut)) else None

    with kube_proxy.broken(rule):
        config = {"kubeconfig": kube_proxy.kubeconfig(), "page_size": 4, "exclude_types": ["events", "leases"]}
        kinds = [kind for kind in FAULTS if kind != "empty"]
        show("kubernetes", interposer, rounds(interposer, reader("kubernetes", config), max(ROUNDS // 2, 1), kinds))


# --- LDAP: a real server


def test_ldap(tmp_path, authority, show):
    with running(tmp_path, authority, ldif=few(users=30), encrypted=False) as slapd:
        behind = Proxy(("127.0.0.1", slapd.port))
        try:
            _test_ldap(slapd, behind, show)
        finally:
            behind.close()


def _test_ldap(slapd, behind: Proxy, show) -> None:
    made = iter(range(1000, 100_000))

    def change(_key: str, kind: str, chance: random.Random) -> bool:
        admin = slapd.admin()
        try:
            if kind == "insert":
                number = next(made)
                dn = f"uid={chance.choice('amz')}{number},ou=People,{BASE}"
                return bool(admin.add(dn, "inetOrgPerson", {"uid": [f"{number}"], "cn": ["New"], "sn": ["New"]}))
            admin.search(f"ou=People,{BASE}", "(objectClass=inetOrgPerson)", attributes=["1.1"])
            there = sorted(entry["dn"] for entry in admin.response)
            return all(admin.delete(dn) for dn in chance.sample(there, min(len(there) - 3, 1 if kind == "delete" else 3)))
        finally:
            admin.unbind()

    wire = Wire(
        refuse=lambda: "refused", cut=lambda: "cut", large=str, broken=str, items=lambda _data: None, name=str, change=change, changes=bool
    )
    interposer = Interposer(wire, SEED)

    def passed(data: bytes) -> bytes | None:
        """A paged search as it goes on; one that is refused asks below an entry that is not there."""
        query = re.search(rb"(inetOrgPerson|person|groupOfNames|organizationalUnit)", data)
        if b"1.2.840.113556.1.4.319" not in data or not query:
            return data
        verdict = interposer.answer(query[0].decode(), lambda: data)
        if verdict == "refused":
            return data.replace(b"dc=example", b"dc=absence")
        return None if verdict == "cut" else data

    behind.change = passed
    config = {**slapd.config(), "port": behind.port, "page_size": 4}
    kinds = ("refused", "cut", "delete", "empty", "insert")
    show("ldap", interposer, rounds(interposer, reader("ldap", config), ROUNDS * 4, kinds))
