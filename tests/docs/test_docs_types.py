"""docs/types.md is made from the catalogues: ``python tests/docs/test_docs_types.py`` writes it anew."""

from __future__ import annotations

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)] if __name__ == "__main__" else []

from providers import registry  # noqa: E402 - the page is also written without pytest

PAGE = ROOT / "docs" / "types.md"
HEAD = """# Types of Azure and Microsoft Entra ID

What is read, made from the catalogues by `python tests/docs/test_docs_types.py`; a test fails when this page and the catalogues differ.
[Providers](providers.md) says how to give access, and what each refusal looks like. Beside the links below, every Azure resource id in a
resource's properties is a link `refers_to`.
"""


def page() -> str:
    """The page as the catalogues have it."""
    return HEAD + "".join(table(name) for name in ("azure", "entra"))


def table(name: str) -> str:
    """One line for each type of a provider."""
    provider = registry.get(name)
    kinds = {kind.sub_type: kind for kind in provider.kinds()}
    lines = [f"\n## {provider.title}\n\n| type | category | listed by | permissions | links |\n|---|---|---|---|---|\n"]
    for one in provider.resource_types():
        kind = kinds[one.sub_type]
        links = dict.fromkeys(rule.type for rule in kind.links)
        optional = ", by `optional_types` only" if getattr(kind, "optional", False) else ""
        cells = (f"`{one.sub_type}`{optional}", one.entity_type, _codes(one.calls), _codes(one.permissions), _codes(links))
        lines.append("| " + " | ".join(cells) + " |\n")
    return "".join(lines)


def _codes(words) -> str:
    return ", ".join(f"`{word}`" for word in words)


def test_the_page_is_what_the_catalogues_say():
    assert PAGE.read_text() == page(), "write it anew: python tests/docs/test_docs_types.py"


if __name__ == "__main__":
    PAGE.write_text(page())
