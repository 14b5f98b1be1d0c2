"""Answers that look like a short list of Azure and are none."""

from __future__ import annotations

import pytest
from azure_account import read
from peers.arm_account import SUBSCRIPTION

from providers.errors import Outcome


@pytest.mark.parametrize("body", [{}, {"value": None}, {"value": {}}, {"error": {"code": "InternalServerError"}}, {"data": None}])
@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/providers/microsoft.compute/virtualmachines", "azure_vm"),  # by a typed client
        ("/providers/microsoft.storage/storageaccounts", "azure_storage_account"),
        ("/providers/microsoft.authorization/locks", "azure_lock"),  # by a path
        ("/providers/microsoft.resourcegraph/resources", "azure_vnet"),
    ],
)
def test_a_success_that_is_no_list_is_an_error(account, path, kind, body):
    account.fault = lambda _method, asked: (200, {}, body) if path in asked.lower() else None
    assert read(account).report(kind).outcome is Outcome.ERROR


ERROR = {"code": "PartialFailure", "message": "The request timed out in westeurope."}


@pytest.mark.parametrize(("path", "kind", "items"), [
    ("/providers/microsoft.compute/virtualmachines", "azure_vm", "value"),
    ("/providers/microsoft.authorization/locks", "azure_lock", "value"),
    ("/providers/microsoft.resourcegraph/resources", "azure_vnet", "data"),
])  # fmt: skip
@pytest.mark.parametrize("error", [ERROR, "timed out"])
def test_a_list_with_an_error_beside_its_items_is_a_part_of_it(account, path, kind, items, error):
    account.fault = lambda _method, asked: (200, {}, {items: [], "error": error}) if path in asked.lower() else None
    report = read(account).report(kind)
    assert report.outcome is Outcome.ERROR
    assert "timed out" in report.message


@pytest.mark.parametrize("error", [None, {}])
def test_an_error_that_is_none_is_no_error(account, error):
    answer = (200, {}, {"value": [], "error": error})
    account.fault = lambda _method, asked: answer if "/providers/microsoft.authorization/locks" in asked.lower() else None
    assert read(account).report("azure_lock").outcome is Outcome.COMPLETE


MORE = (
    {"count": 3},
    {"count": 0},
    {"resultTruncated": True},
    {"resultTruncated": "True"},
    {"totalRecords": 9},
    {"totalRecords": 3},
    {"$skipToken": "2"},
)
"""Fields of an answer with two rows, each of which says that there are more."""


@pytest.mark.parametrize("body", MORE, ids=str)
def test_rows_that_do_not_add_up_are_not_all(account, body):
    """Two rows; each time the same, so that what is said to follow never comes."""
    rows = [{"id": f"/subscriptions/{SUBSCRIPTION}/x/{n}", "type": "microsoft.network/virtualnetworks", "name": n} for n in "ab"]
    answer = (200, {}, {"data": rows, "count": 2, "totalRecords": 2, "resultTruncated": "false", **body})
    account.fault = lambda _method, asked: answer if "resourcegraph" in asked.lower() else None
    assert read(account).report("azure_vnet").outcome is Outcome.ERROR


def test_a_refusal_of_a_proxy_is_no_missing_permission(account):
    account.fault = lambda _method, path: (403, {}, {"html": "blocked"}) if "store3/blobServices" in path else None
    report = read(account).report("azure_storage_container")
    assert report.outcome is Outcome.ERROR
    assert "not Azure" in report.message


OTHER_VERSIONS = (
    "No registered resource provider found for location 'usgovvirginia' and API version '{version}' for type 'storageAccounts'. "
    "The supported api-versions are '2015-06-15, 2016-01-01'. The supported locations are 'usgovvirginia'."
)


@pytest.mark.parametrize(
    ("code", "message", "outcome"),
    [
        ("NoRegisteredProviderFound", OTHER_VERSIONS.format(version="2024-01-01"), Outcome.ERROR),
        ("InvalidResourceType", OTHER_VERSIONS.format(version="2024-01-01").replace("No registered", "No"), Outcome.ERROR),
        ("NoRegisteredProviderFound", OTHER_VERSIONS.format(version="2016-01-01"), Outcome.COMPLETE),
        ("FeatureNotSupportedForAccount", "File is not supported for the account.", Outcome.COMPLETE),
    ],
)
def test_a_version_that_a_cloud_does_not_have_is_not_a_type_that_it_does_not_have(account, code, message, outcome):
    """One account's containers: a kind of account that has none is not a trouble, and an API version that Azure has given up is."""
    refused = (400, {}, {"error": {"code": code, "message": message}})
    account.fault = lambda _method, path: refused if "store3/blobServices" in path else None
    report = read(account).report("azure_storage_container")
    assert report.outcome is outcome
    assert ("2015-06-15, 2016-01-01" in report.message) == (outcome is Outcome.ERROR)


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_refusal_that_is_not_azures_does_not_say_that_there_is_nothing(account, status):
    account.fault = lambda _method, path: (status, {}, {}) if "store3/blobServices" in path else None
    sink = read(account)
    assert sink.report("azure_storage_container").outcome is Outcome.ERROR
    assert "not Azure" in sink.report("azure_storage_container").message
    assert sink.report("azure_storage_account").outcome is Outcome.COMPLETE
