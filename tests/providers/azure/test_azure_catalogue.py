"""The catalogue against Azure's own description: the operations and typed models of the azure-mgmt packages."""

from __future__ import annotations

from typing import ClassVar

import msgspec
import pytest
from azure_description import CONTEXT, AzureDescription, arm_types, operations
from catalogue_suite import TYPO, CatalogueSuite

from providers import registry
from providers.azure import catalogue
from providers.azure.client import CLIENTS


class TestCatalogue(CatalogueSuite):
    """Every word of the catalogue."""

    kinds = catalogue.KINDS
    description: ClassVar = AzureDescription()
    context = CONTEXT
    listing_words = ("arm_type", "table", "version", "path", "operation", "under", "inside")
    resource_types = catalogue.resource_types()


def kind_of(sub_type: str):
    return next(kind for kind in catalogue.KINDS if kind.sub_type == sub_type)


@pytest.mark.parametrize("kind", [kind for kind in catalogue.KINDS if not kind.inside], ids=lambda kind: kind.sub_type)
def test_case_az_10_a_misspelt_arm_type_is_named(kind):
    wrong = msgspec.structs.replace(kind, arm_type=kind.arm_type + TYPO)
    assert any(TYPO in fault for fault in TestCatalogue().faults(wrong))


@pytest.mark.parametrize(
    ("sub_type", "change", "named"),
    [
        ("azure_disk", {"arm_type": "Microsoft.Compute/diks"}, "Microsoft.Compute/diks"),
        ("azure_disk", {"table": "Resource"}, "no table Resource"),
        ("azure_disk", {"version": "2023-04-31"}, "2023-04-31"),
        ("azure_dns_record", {"further": ("AAAB",)}, "DnsResources has no Microsoft.Network/dnsZones/AAAB"),
        ("azure_subnet", {"back": ("properties.ipConfiguration",)}, "no ipConfiguration"),
        ("azure_role_definition", {"common": ("properties.kind", "BuiltInRole")}, "no kind"),
        ("azure_key_vault_secret", {"path": "{parent}/secret"}, "{parent}/secret"),
        ("azure_vm", {"operation": "compute.virtual_machines.list_al"}, "list_al"),
        ("azure_vm", {"operation": "compute.disks.list"}, "Microsoft.Compute/virtualMachines is not the type"),
        ("azure_storage_container", {"options": (("includ", "deleted"),)}, "includ"),
        ("azure_subnet", {"inside": "properties.subnet[]"}, "no subnet"),
        ("azure_subnet", {"permission": "Microsoft.Network/virtualNetwork/read"}, "virtualNetwork/read"),
        ("azure_resource_group", {"path": "/subscriptions/{subscription}/resourcegroup"}, "resourcegroup"),
    ],
)
def test_case_az_10_each_kind_of_typo_is_named(sub_type, change, named):
    faults = TestCatalogue().faults(msgspec.structs.replace(kind_of(sub_type), **change))
    assert any(named in fault for fault in faults), faults


def test_a_joined_attribute_is_checked_too():
    vm = kind_of("azure_vm")
    for change in ({"path": "properties.instanceView.status[].code"}, {"operation": "compute.virtual_machines.lst"}):
        wrong = msgspec.structs.replace(vm, joined=(msgspec.structs.replace(vm.joined[0], **change),))
        assert TestCatalogue().faults(wrong)


def test_the_description_is_one_that_can_say_no():
    assert len(operations()) > 500
    assert "Microsoft.Compute/disks" in arm_types()
    assert "Microsoft.Storage/storageAccounts/blobServices/containers" in arm_types()


def test_all_permissions_are_reads():
    assert all(permission.endswith("/read") for kind in catalogue.resource_types() for permission in kind.permissions)


def test_each_typed_client_is_named_as_a_module_that_may_be_missing():
    """They are loaded by the first read, and count when the provider's memory is measured."""
    assert {module for module, _ in CLIENTS.values()} <= set(registry.get("azure").sdk)
    assert {kind.operation.partition(".")[0] for kind in catalogue.KINDS if kind.operation} <= set(CLIENTS)
