"""Items of every type that `peers.google_cloud` does not say in detail, made from Google's schemas."""

from __future__ import annotations

import itertools
import re

from gcp_description import item_schema
from peers.google_cloud import NUMBERS, PROJECTS, Company, link
from peers.google_contract import Call
from peers.google_items import Leaf, item
from volatile import GOOGLE_CLOUD

from providers.gcp.catalogue import ALL, SERVICE_KIND, children
from providers.gcp.declaration import GcpKind

LOCATIONS = ("us-central1", "europe-west1")
ACCOUNTS = "iam.gserviceaccount.com"


BY_HAND = frozenset({"iam.projects.serviceAccounts.list", "iam.projects.serviceAccounts.keys.list", "iam.projects.roles.list"})
"""Lists that `peers.google_cloud` says in detail."""


def populated() -> list[GcpKind]:
    """The types whose items are made here."""
    return [kind for kind in ALL if kind.address and kind.method not in BY_HAND and kind is not SERVICE_KIND]


def populate(company: Company, count: int = 2, leaf: Leaf = lambda _path, _schema: None) -> None:
    """So many items of each type in each project; `leaf` makes the values of fields that are to be special."""
    for kind in populated():
        company.google.items[kind.method] = _list(kind, count, leaf)
    company.enabled = sorted({kind.service.partition(".")[0] for kind in ALL} | set(company.enabled))


def moved() -> Leaf:
    """Makes leaves for `populate`: each field that moves without meaning has a new value each time."""
    ticks = itertools.count(1)

    def leaf(path: str, schema: dict) -> object:
        if not GOOGLE_CLOUD.fullmatch(path) or "enum" in schema:
            return None
        tick = next(ticks)
        if schema.get("type") == "boolean":
            return bool(tick % 2)
        if schema.get("type") in ("integer", "number") or schema.get("format") in ("int64", "uint64"):
            return tick if schema["type"] != "string" else str(tick)
        return f"2024-01-15T10:30:{tick % 60:02}.{tick}Z" if "time" in schema.get("format", "") else f"QUJ{tick}"

    return leaf


def _list(kind: GcpKind, count: int, leaf: Leaf):
    api, schema = item_schema(kind)

    def policy(call: Call) -> dict:
        return {kind.items.removesuffix("[]"): [_binding(kind, number) for number in range(min(count, 2))]}

    def deny(call: Call) -> dict:
        return _deny_policy(item(api, schema, leaf), call.path["name"])

    def listed(call: Call) -> dict | list:
        found = [_identified(kind, item(api, schema, leaf), call, number) for number in range(count)]
        if kind.method.endswith("aggregatedList"):
            return {"regions/us-central1": found, "regions/asia-east1": []}
        return found

    def billing(call: Call) -> dict:
        return item(api, schema, leaf) | {"name": f"{call.path['name']}/billingInfo", "billingAccountName": "billingAccounts/0A-1B-2C"}

    if kind.policy:
        return policy
    return listed if kind.items else billing if kind.sub_type == "gcp_project_billing" else deny


def _binding(kind: GcpKind, number: int) -> dict:
    """One entry of a policy, or of the access list of a dataset: for a user, a group and a service account."""
    role = f"roles/example.role{number}"
    if kind.items == "access[]":
        return {"role": "READER" if number else "OWNER", "userByEmail": "carol@example.com"}
    return {
        "role": role,
        "members": ["user:carol@example.com", "group:readers@example.com", f"serviceAccount:sa0@{PROJECTS[0]}.{ACCOUNTS}"],
    }


def _deny_policy(made: dict, name: str) -> dict:
    """A deny policy with one rule, under the name that was asked for."""
    rule = {
        "deniedPrincipals": ["principalSet://goog/group/contractors@example.com"],
        "exceptionPrincipals": [f"principal://iam.googleapis.com/projects/-/serviceAccounts/sa0@{PROJECTS[0]}.{ACCOUNTS}"],
        "deniedPermissions": ["iam.googleapis.com/roles.delete"],
    }
    return made | {"name": name, "kind": "DenyPolicy", "rules": [{"denyRule": rule}]}


def _identified(kind: GcpKind, made: dict, call: Call, number: int) -> dict:
    """The item with what its id is made of: unique, and as the API spells it."""
    name = f"{kind.sub_type.rpartition('_')[2]}{number}"
    parent = next((value for key, value in call.path.items() if key in ("parent", "name", "project", "projectId", "appsId")), "")
    project = parent.removeprefix("projects/").partition("/")[0]
    if kind.sub_type == "gcp_deny_policy_name":  # without rules, as Google lists them
        made.pop("rules", None)
        return made | {"name": f"{parent}/{name}", "kind": "DenyPolicy"}
    if "selfLink" in made:
        made["selfLink"] = link(project, f"regions/us-central1/{kind.items.removesuffix('[]')}/{name}")
    collection = kind.address.rpartition("/")[2]
    if kind.hidden and kind.api == "compute":
        return made | {"name": LOCATIONS[number % 2] + str(number // 2 or "")}
    if kind.hidden:
        return made | {"name": f"projects/{project}/locations/{LOCATIONS[number % 2]}{number // 2 or ''}", "labels": {}}
    if re.fullmatch(r"(?:\{parent\}|//[\w.-]+)/\{name\}", kind.id):
        above = parent if parent.startswith("projects/") else f"{'apps' if 'appsId' in call.path else 'projects'}/{project}"
        above = above.replace("/-", f"/{LOCATIONS[number % 2]}")
        if kind.sub_type == "gcp_secret":  # which names projects by their number
            above = f"projects/{NUMBERS[project]}"
        made["name"] = f"{above}/{collection}/{name}"
    elif "name" in made:
        made["name"] = name
    if kind.sub_type == "gcp_bigquery_table":
        made["tableReference"] = {"projectId": project, "datasetId": "d", "tableId": name}
    if kind.sub_type == "gcp_dataproc_cluster":
        made["clusterName"] = name
    if kind.sub_type == "gcp_dataflow_job":
        made |= {"id": name, "location": LOCATIONS[number % 2]}
    if kind.sub_type == "gcp_scc_finding":
        made["finding"]["name"] = f"projects/{NUMBERS[project]}/sources/7/findings/{name}"
    if kind.sub_type == "gcp_bigquery_dataset":
        made["datasetReference"] = {"projectId": project, "datasetId": name}
    for child in children(kind.sub_type):
        if child.is_inline:
            made[child.items.removesuffix("[]")] = [{**one, "name": f"pool{n}"} for n, one in enumerate(2 * made[child.items[:-2]])]
    if "location" in made and kind.sub_type == "gke_cluster":
        made["location"] = "europe-west1-b"
    return made
