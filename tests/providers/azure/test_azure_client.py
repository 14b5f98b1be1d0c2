"""Answers that look like a short list of Azure and are none."""

from __future__ import annotations

import pytest
from azure_account import read

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


@pytest.mark.parametrize("status", [404, 405, 410])
def test_a_refusal_that_is_not_azures_does_not_say_that_there_is_nothing(account, status):
    account.fault = lambda _method, path: (status, {}, {}) if "store3/blobServices" in path else None
    sink = read(account)
    assert sink.report("azure_storage_container").outcome is Outcome.ERROR
    assert "not Azure" in sink.report("azure_storage_container").message
    assert sink.report("azure_storage_account").outcome is Outcome.COMPLETE
