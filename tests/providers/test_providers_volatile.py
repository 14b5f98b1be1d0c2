"""The table of what changes without meaning: people read the fields that the tests move."""

from __future__ import annotations

import pathlib

import pytest
import volatile

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "providers.md"
TITLES = {"authentik": "Authentik", "azure": "Azure", "entra": "Entra ID", "google_workspace": "Google Workspace", "okta": "Okta"}


@pytest.mark.parametrize("provider", volatile.FIELDS)
def test_each_field_that_is_moved_is_in_the_document(provider):
    [row] = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| {TITLES[provider]} | `")]
    fields = {path for fields in volatile.FIELDS[provider].values() for path in fields} - {"properties.lastSeenSomewhere"}
    missing = {path for path in fields if not any(f"`{part}`" in row for part in path.split("."))}
    assert not missing
