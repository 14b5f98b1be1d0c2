"""The page docs/types.md, made from the catalogues: every type, and what a first-rate inventory has."""

from __future__ import annotations

import aws_coverage
import azure_coverage
import gcp_coverage
import kubernetes_coverage
import proofs

from providers import registry
from providers.gcp import catalogue as gcp
from providers.kubernetes import catalogue, derived
from providers.kubernetes.custom import CUSTOM

READ_BY_HAND = {"gcp": (gcp.ORGANIZATION, gcp.FOLDER, gcp.BILLING_ACCOUNT, gcp.PROJECT, gcp.BINDING)}
"""Types that are not among the kinds of their provider, as they are read in their own way."""

COVERAGE = {
    "aws": aws_coverage.ROWS,
    "azure": azure_coverage.ROWS,
    "gcp": gcp_coverage.ROWS,
    "kubernetes": kubernetes_coverage.ROWS,
}

HEAD = """# Types of AWS, Google Cloud, Azure, Microsoft Entra ID and Kubernetes

What is read, made from the catalogues by `make generated`; a test fails when this page and the catalogues differ.
[Providers](providers.md) says how to give access, and what each refusal looks like. Beside the links below, every Azure resource id in a
resource's properties is a link `refers_to`.

*Proven by* says which tests each type has, computed from what those tests go through: `contract`, every word of its declaration is held against the vendor's
own description (botocore's models, Google's discovery documents, Azure's operations and models, Microsoft's types, the API server's OpenAPI document); `wire`,
its list is read over several pages from a server that answers as that description says; `moto` and `API server`, it is read from a program of somebody else.
"""


def page() -> str:
    """The page as the catalogues have it."""
    clouds = table("aws") + coverage("aws") + table("azure") + coverage("azure") + table("entra") + table("gcp") + coverage("gcp")
    return HEAD + summary() + clouds + kubernetes() + coverage("kubernetes")


def summary() -> str:
    """Numbers of each provider."""
    lines = ["\n| | types | calls | permissions | links declared | of what a first-rate inventory has |\n|---|---|---|---|---|---|\n"]
    for name in ("aws", "azure", "entra", "gcp", "kubernetes"):
        provider = registry.get(name)
        types, rules = provider.resource_types(), {(kind.sub_type, rule) for kind in provider.kinds() for rule in kind.links}
        cells = (len(types), len({call for one in types for call in one.calls}), len({right for one in types for right in one.permissions}))
        lines.append(f"| {provider.title} | {' | '.join(map(str, cells))} | {len(rules)} | {share(name)} |\n")
    return "".join(lines)


def share(name: str) -> str:
    """The rows of a provider that it has at least a part of, and all of them."""
    rows = COVERAGE.get(name, ())
    return f"{sum(bool(types) for _, types, _ in rows)} of {len(rows)}" if rows else ""


def coverage(name: str) -> str:
    """Writes the table of coverage: each wanted type, ours for it, and the reason where there is none."""
    head = f"\nWhat a first-rate inventory of {registry.get(name).title} has ({share(name)}, some in part):\n\n| | by | |\n|---|---|---|\n"
    return head + "".join(f"| {row} | {_codes(types.split())} | {remark} |\n" for row, types, remark in COVERAGE[name])


def table(name: str) -> str:
    """One line for each type of a provider."""
    provider = registry.get(name)
    kinds = {kind.sub_type: kind for kind in (*provider.kinds(), *READ_BY_HAND.get(name, ()))}
    lines = [f"\n## {provider.title}\n\n| type | category | listed by | permissions | links | proven by |\n|---|---|---|---|---|---|\n"]
    for one in provider.resource_types():
        kind = kinds.get(one.sub_type)  # None: made of what others name
        links = dict.fromkeys(rule.type for rule in (kind.links if kind else ()))
        optional = ", by `optional_types` only" if getattr(kind, "optional", False) else ""
        assets = ", by `feed: assets` too" if getattr(kind, "assets", ()) else ""
        cells = (f"`{one.sub_type}`{optional}{assets}", one.entity_type, _codes(one.calls), _codes(one.permissions), _codes(links))
        lines.append("| " + " | ".join((*cells, proofs.words(name, one.sub_type))) + " |\n")
    return "".join(lines)


def kubernetes() -> str:
    """The known kinds, and the rules for custom resources."""
    links = {kind.sub_type: dict.fromkeys(rule.type for rule in kind.links) for kind in catalogue.KINDS}
    links |= {derived.IMAGE: {"resolves_to": None}, derived.RELEASE: {"stored_in": None}}
    lines = ["\n## Kubernetes\n\nEverything that a cluster serves is read; these kinds are known better than others.\n\n"]
    lines.append("| type | category | permissions | links | proven by |\n|---|---|---|---|---|\n")
    for one in registry.get("kubernetes").resource_types():
        cells = (f"`{one.sub_type}`", one.entity_type, _codes(one.permissions), _codes(links.get(one.sub_type, {})))
        cells = (*cells, proofs.words("kubernetes", one.sub_type))
        lines.append("| " + " | ".join(cells) + " |\n")
    lines.append("\nLinks of custom resources:\n\n| kind | link | from | to |\n|---|---|---|---|\n")
    for name, rules in sorted(CUSTOM.items()):
        lines += [f"| `{name}` | `{rule.type}` | `{rule.path}` | `{rule.to}` |\n" for rule in rules]
    return "".join(lines)


def _codes(words) -> str:
    return ", ".join(f"`{word}`" for word in words)
