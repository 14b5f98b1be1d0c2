"""How many calls a project takes, as docs/providers.md says it, beside each list of each API and a call for each resource."""

from __future__ import annotations

import pytest
from costs import documented
from gcp_assets import METHOD, Inventory
from gcp_population import populate
from peers.google_cloud import ENABLED, PROJECTS

from providers.gcp.catalogue import ALL

ONE = PROJECTS[0]


def calls(google) -> int:
    return sum(call.id != "token" for call in google.calls)


EVERY_API = sorted({kind.service.partition(".")[0] for kind in ALL})


@pytest.mark.parametrize(("enabled", "what"), [(ENABLED, "five APIs enabled"), (EVERY_API, "all APIs enabled")])
def test_an_empty_project_costs_one_call_for_each_list_of_its_enabled_apis(read, google, company, enabled, what):
    google.items = {name: found for name, found in google.items.items() if name.startswith(("cloudresourcemanager.", "serviceusage."))}
    google.page, company.enabled = 1000, list(enabled)
    read(project_ids=[ONE])

    lists = documented("GCP", "an empty project, all APIs enabled")[0]
    assert (calls(google), lists) == documented("GCP", f"an empty project, {what}")


def test_a_full_project_costs_a_call_for_many_resources_and_one_for_each_policy(read, google, company):
    google.page = 1000
    populate(company, 6)
    resources = sum(report.resources for report in read(project_ids=[ONE]).reports.values())

    lists = documented("GCP", "an empty project, all APIs enabled")[0]
    assert (calls(google), lists + resources) == documented("GCP", f"a project of {resources:,} resources of all types")
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

    assert (assets, lists) == documented("GCP", "an empty project, all APIs enabled, 40 locations in each, `feed: assets`")
    assert len(google.asked(METHOD)) == 2
    assert lists - assets > 5 * 40


def _forty(call):
    """Forty locations, or regions of Compute Engine."""
    if "project" in call.path:
        return [{"name": f"region-{number}"} for number in range(40)]
    return [{"name": f"{call.path['name']}/locations/region-{number}"} for number in range(40)]
