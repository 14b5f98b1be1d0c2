"""docs/types.md is made from the catalogues: ``python tests/docs/test_docs_types.py`` writes it anew."""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if __name__ == "__main__" else []

import gcp_coverage  # noqa: E402
from kubernetes_coverage import READ_AS_SERVED, ROWS  # noqa: E402

from providers import registry  # noqa: E402 - the page is also written without pytest
from providers.gcp import catalogue as gcp  # noqa: E402
from providers.kubernetes import catalogue, derived  # noqa: E402
from providers.kubernetes.custom import CUSTOM  # noqa: E402

READ_BY_HAND = {"gcp": (gcp.ORGANIZATION, gcp.FOLDER, gcp.PROJECT, gcp.BINDING)}
"""Types that are not among the kinds of their provider, as they are read in their own way."""

PAGE = ROOT / "docs" / "types.md"
HEAD = """# Types of Google Cloud, Azure, Microsoft Entra ID and Kubernetes

What is read, made from the catalogues by `python tests/docs/test_docs_types.py`; a test fails when this page and the catalogues differ.
[Providers](providers.md) says how to give access, and what each refusal looks like. Beside the links below, every Azure resource id in a
resource's properties is a link `refers_to`.
"""


def page() -> str:
    """The page as the catalogues have it."""
    return HEAD + "".join(table(name) for name in ("azure", "entra")) + google() + kubernetes()


def table(name: str) -> str:
    """One line for each type of a provider."""
    provider = registry.get(name)
    kinds = {kind.sub_type: kind for kind in (*provider.kinds(), *READ_BY_HAND.get(name, ()))}
    lines = [f"\n## {provider.title}\n\n| type | category | listed by | permissions | links |\n|---|---|---|---|---|\n"]
    for one in provider.resource_types():
        kind = kinds[one.sub_type]
        links = dict.fromkeys(rule.type for rule in kind.links)
        optional = ", by `optional_types` only" if getattr(kind, "optional", False) else ""
        cells = (f"`{one.sub_type}`{optional}", one.entity_type, _codes(one.calls), _codes(one.permissions), _codes(links))
        lines.append("| " + " | ".join(cells) + " |\n")
    return "".join(lines)


def google() -> str:
    """The types of Google Cloud, and what the inventory has of what it should have."""
    have = sum(bool(types) for _, types, _ in gcp_coverage.ROWS)
    lines = [
        f"\nWhat a first-rate inventory of Google Cloud has ({have} of {len(gcp_coverage.ROWS)}, some in part):\n\n| | by | |\n|---|---|---|\n"
    ]
    lines += [f"| {row} | {_codes(types.split())} | {remark} |\n" for row, types, remark in gcp_coverage.ROWS]
    return table("gcp") + "".join(lines)


def kubernetes() -> str:
    """The known kinds, the rules for custom resources, and what the inventory has of what it should have."""
    links = {kind.sub_type: dict.fromkeys(rule.type for rule in kind.links) for kind in catalogue.KINDS}
    links |= {derived.IMAGE: {"resolves_to": None}, derived.RELEASE: {"stored_in": None}}
    lines = ["\n## Kubernetes\n\nEverything that a cluster serves is read; these kinds are known better than others.\n\n"]
    lines.append("| type | category | permissions | links |\n|---|---|---|---|\n")
    for one in registry.get("kubernetes").resource_types():
        cells = (f"`{one.sub_type}`", one.entity_type, _codes(one.permissions), _codes(links.get(one.sub_type, {})))
        lines.append("| " + " | ".join(cells) + " |\n")
    lines.append("\nLinks of custom resources:\n\n| kind | link | from | to |\n|---|---|---|---|\n")
    for name, rules in sorted(CUSTOM.items()):
        lines += [f"| `{name}` | `{rule.type}` | `{rule.path}` | `{rule.to}` |\n" for rule in rules]
    lines.append(f"\nWhat a first-rate inventory of Kubernetes has ({len(ROWS)} of {len(ROWS)}):\n\n| | by | |\n|---|---|---|\n")
    lines += [f"| {row} | {_codes(types.split())} | {remark} |\n" for row, types, remark in ROWS]
    return "".join(lines)


def _codes(words) -> str:
    return ", ".join(f"`{word}`" for word in words)


def test_every_row_of_kubernetes_names_types_that_there_are():
    known = {one.sub_type for one in registry.get("kubernetes").resource_types()} | READ_AS_SERVED
    known |= {catalogue.sub_type(*name.split(".", 1)) for name in CUSTOM}
    assert len(ROWS) == 60
    assert not {name for _, types, _ in ROWS for name in types.split()} - known


def test_every_row_of_google_cloud_names_types_that_there_are_or_says_why_not():
    known = {one.sub_type for one in registry.get("gcp").resource_types()}
    assert len(gcp_coverage.ROWS) == 64
    assert not {name for _, types, _ in gcp_coverage.ROWS for name in types.split()} - known
    assert all(types or remark for _, types, remark in gcp_coverage.ROWS)


def test_the_page_is_what_the_catalogues_say():
    assert PAGE.read_text() == page(), "write it anew: python tests/docs/test_docs_types.py"


if __name__ == "__main__":
    PAGE.write_text(page())
