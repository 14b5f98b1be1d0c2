"""Azure's own rule for what is allowed."""

from __future__ import annotations

import pytest

from providers.azure.permissions import Permissions

READ_VM = "Microsoft.Compute/virtualMachines/read"


@pytest.mark.parametrize(
    ("grants", "allowed"),
    [
        ([], False),
        ([{"actions": ["*"]}], True),
        ([{"actions": ["*/read"], "notActions": []}], True),
        ([{"actions": ["microsoft.compute/*"]}], True),
        ([{"actions": ["*/read"], "notActions": ["Microsoft.Compute/*"]}], False),
        ([{"actions": ["*/read"], "notActions": ["Microsoft.Compute/*"]}, {"actions": [READ_VM]}], True),
        ([{"actions": ["Microsoft.Compute/disks/read"]}], False),
        ([{"actions": None, "notActions": None}], False),
    ],
)
def test_allow(grants, allowed):
    assert Permissions(grants).allow(READ_VM) is allowed
