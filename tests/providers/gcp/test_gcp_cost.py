"""What a project costs in calls. ``pytest -s`` prints the figures of docs/benchmarks.md."""

from __future__ import annotations

import pytest
from gcp_assets import METHOD, Inventory
from gcp_population import populate
from peers.google_cloud import ENABLED, PROJECTS

from providers.gcp.catalogue import ALL

ONE = PROJECTS[0]


def calls(google) -> int:
    return sum(call.id != "token" for call in google.calls)


@pytest.mark.parametrize(("enabled", "most"), [(ENABLED, 38), (sorted({kind.service.partition(".")[0] for kind in ALL}), 70)])
def test_an_empty_project_costs_one_call_for_each_list_of_its_enabled_apis(read, google, company, enabled, most):
    google.items = {name: found for name, found in google.items.items() if name.startswith(("cloudresourcemanager.", "serviceusage."))}
    google.page, company.enabled = 1000, list(enabled)
    read(project_ids=[ONE])

    print(f"an empty project with {len(enabled)} APIs: {calls(google)} calls")
    assert calls(google) <= most


def test_a_full_project_costs_a_call_for_many_resources_and_one_for_each_policy(read, google, company):
    google.page = 1000
    populate(company, 6)
    resources = sum(report.resources for report in read(project_ids=[ONE]).reports.values())

    print(f"{resources} resources: {calls(google)} calls, {1000 * calls(google) / resources:.0f} for 1,000")
    policies = sum("getIamPolicy" in call.id or call.id in ("bigquery.datasets.get", "iam.policies.get") for call in google.calls)
    assert (calls(google) - policies) / resources < 0.125
    assert calls(google) / resources < 0.3


def test_assets_cost_one_list_where_each_location_costs_one(read, google, company):
    """A project with all APIs enabled and nothing in it, and 40 locations of each API that lists one at a time."""
    google.items = {name: found for name, found in google.items.items() if name.startswith(("cloudresourcemanager.", "serviceusage."))}
    google.page, company.enabled = 1000, sorted({kind.service.partition(".")[0] for kind in ALL})
    for kind in ALL:
        if kind.hidden and kind.entity_type == "location":
            google.items[kind.method] = _forty
    Inventory(company)
    read(project_ids=[ONE])
    lists = calls(google)
    google.calls.clear()
    read(project_ids=[ONE], feed="assets")
    assets = calls(google)

    print(f"an empty project with 40 locations: {lists} calls by lists, {assets} by assets, of which {len(google.asked(METHOD))} of assets")
    assert len(google.asked(METHOD)) == 2
    assert lists - assets > 5 * 40


def _forty(call):
    """Forty locations, or regions of Compute Engine."""
    if "project" in call.path:
        return [{"name": f"region-{number}"} for number in range(40)]
    return [{"name": f"{call.path['name']}/locations/region-{number}"} for number in range(40)]
