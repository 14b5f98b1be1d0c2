"""The catalogue against Azure's own description: the typed models of the azure-mgmt packages."""

from __future__ import annotations

import types
import typing

import pytest
from azure.mgmt.compute import models as compute
from azure.mgmt.network import models as network
from azure.mgmt.storage import models as storage

from providers.azure.catalogue import GRAPH_TYPES, RESOURCE_TYPES, VM_LINKS

MODELS = {
    "Microsoft.Compute/disks": compute.Disk,
    "Microsoft.Compute/virtualMachines": compute.VirtualMachine,
    "Microsoft.Network/virtualNetworks": network.VirtualNetwork,
    "Microsoft.Network/virtualNetworks/subnets": network.Subnet,
    "Microsoft.Network/networkSecurityGroups": network.NetworkSecurityGroup,
    "Microsoft.Network/networkInterfaces": network.NetworkInterface,
    "Microsoft.Network/publicIPAddresses": network.PublicIPAddress,
}


def fields(model: type) -> dict[str, object]:
    """REST name -> type of a typed model."""
    model({})  # the SDK resolves the names when a model is first made
    namespace = {name: module for name in ("_models", "_types") for module in [typing.cast("types.ModuleType", home(model))]}
    hints = typing.get_type_hints(model, localns=namespace)
    return {field._rest_name: hints[name] for name, field in model._attr_to_rest_field.items()}


def home(model: type) -> types.ModuleType:
    return next(module for module in (compute, network, storage) if module.__name__.rsplit(".", 1)[0] in model.__module__)


def inner(annotation: object) -> object:
    """The type inside Optional and list."""
    while typing.get_origin(annotation) in (typing.Union, types.UnionType, list):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def resolve(model: type, path: str) -> object:
    current: object = model
    for step in path.split("."):
        known = fields(typing.cast("type", current))
        name = step.removesuffix("[]")
        assert name in known, f"{current} has no {name}; it has {sorted(known)}"
        is_list = any(typing.get_origin(part) is list for part in (known[name], *typing.get_args(known[name])))
        assert is_list == step.endswith("[]"), f"{name} of {current}: list or not?"
        current = inner(known[name])
    return current


PATHS = [
    *((MODELS[kind.arm_type], rule.path) for kind in GRAPH_TYPES for rule in kind.links),
    *((MODELS[kind.arm_type], child.path) for kind in GRAPH_TYPES for child in kind.children),
    *((MODELS[child.arm_type], rule.path) for kind in GRAPH_TYPES for child in kind.children for rule in child.links),
    *((compute.VirtualMachine, rule.path) for rule in VM_LINKS),
]


@pytest.mark.parametrize(("model", "path"), PATHS, ids=lambda value: getattr(value, "__name__", value))
def test_every_path_of_the_catalogue_exists_in_azures_own_models(model, path):
    resolve(model, path)


def test_a_path_that_does_not_exist_fails():
    with pytest.raises(AssertionError, match="has no"):
        resolve(network.VirtualNetwork, "properties.subnet[]")


@pytest.mark.parametrize(
    ("model", "path"),
    [
        (compute.VirtualMachine, "properties.instanceView.statuses[].code"),
        (compute.Disk, "managedBy"),
        (storage.StorageAccount, "id"),
        (storage.ListContainerItem, "name"),
    ],
    ids=str,
)
def test_what_the_code_reads_beside_the_catalogue_exists_too(model, path):
    resolve(model, path)


def test_names_are_unique_and_permissions_are_reads():
    names = [kind.sub_type for kind in RESOURCE_TYPES]
    assert len(names) == len(set(names))
    assert all(permission.endswith("/read") for kind in RESOURCE_TYPES for permission in kind.permissions)
