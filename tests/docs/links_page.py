"""The page docs/links.md: every link that a catalogue declares, and those that code makes of more than one item."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from providers import registry
from providers.catalogue.kinds import LinkRule
from providers.kubernetes import catalogue as kubernetes
from providers.kubernetes.custom import CUSTOM

ANY = "any, by its id"
POINTERS = {
    kubernetes.REFERENCE: "the object that it names",
    kubernetes.HOST: "`k8s_service`",
    kubernetes.MACHINE: "the machine in its cloud",
    kubernetes.VOLUME: "the disk in its cloud",
}
"""Targets of Kubernetes that no text of an id names, and what they lead to."""

COMPUTED = (
    # module, type, provider, from, to, how
    ("azure.references", "refers_to", "azure", "any", ANY, "each Azure resource id in its properties, 200 at most, that no other link has"),
    ("azure.references", "has_identity", "azure", "any", "`entra_service_principal`", "`identity.principalId`"),
    ("azure.references", "uses_identity", "azure", "any", "`azure_managed_identity`", "`identity.userAssignedIdentities`"),
    (
        "entra.source",
        "member_of",
        "entra",
        "`entra_user`, `entra_device`, `entra_service_principal`, `entra_group`",
        "`entra_group`",
        "members of groups",
    ),
    ("entra.source", "owned_by", "entra", "`entra_group`", "`entra_user`, `entra_service_principal`", "owners of groups"),
    (
        "entra.source",
        "instance_of",
        "entra",
        "`entra_service_principal`",
        "`entra_application`",
        "`appId`, where the tenant has the application",
    ),
    ("entra.source", "identity_of", "entra", "`entra_service_principal`", ANY, "Azure ids among `alternativeNames`"),
    ("google_workspace.source", "member_of", "google_workspace", "`google_user`, `google_group`", "`google_group`", "members of groups"),
    ("kubernetes.derived", "runs_image", "kubernetes", "`k8s_pod`", "`k8s_image`", "images of containers, as asked for and as they run"),
    ("kubernetes.derived", "resolves_to", "kubernetes", "`k8s_image`", "`k8s_image`", "the digest that a node has run for a reference"),
    ("kubernetes.derived", "stored_in", "kubernetes", "`k8s_helm_release`", "`k8s_secret`", "the secret that holds the newest revision"),
    ("kubernetes.source", "runs_on", "kubernetes", "`k8s_cluster`", "the managed cluster in its cloud", "the issuer of its tokens"),
    ("kubernetes.source", "trusted_by", "kubernetes", "`k8s_cluster`", "the identity provider in IAM", "the issuer of its tokens"),
    ("ldap.memberships", "member_of", "ldap", "`ldap_user`, `ldap_group`", "`ldap_group`", "members of groups, and the primary group"),
    ("okta.applications", "assigned_to", "okta", "`okta_application`", "`okta_group`, `okta_user`", "assignments of the application"),
    ("okta.roles", "has_role", "okta", "`okta_role_assignment`", "`okta_admin_role`", "roles of each principal"),
    (
        "okta.roles",
        "granted_to",
        "okta",
        "`okta_role_assignment`",
        "`okta_user`, `okta_group`",
        "roles of each principal",
    ),
    ("okta.source", "member_of", "okta", "`okta_user`", "`okta_group`", "members of groups"),
)
"""Links that code makes: the module below `providers` that does, and the row of the page. `tests/docs/test_docs_links.py` finds each of them."""

HEAD = """# Links

A link leads from one entity to another: `dependencies` in [SQL](tables.md#dependencies), `links` of an entity in the [API](api.md). This page is made from the
catalogues by `make generated`; a test fails when the two differ.

A source tells which id it means, and the link leads to the entity with that id, whichever provider has read it: until there is one, its target is not known.
*To* names the types whose ids have the form that the declaration makes; *any, by its id* stands where the source gives the whole id of the target: an ARN, a self link
or a resource id. *Found at* is a path in what the source answers; `[]` is each one of a list. A type that is not in the inventory, as it is not
read, is named by the text of its ids.
"""


def page() -> str:
    """The page as the catalogues and the table of computed links have it."""
    parts = [HEAD]
    for name in registry.BUILT_IN:
        rows = list(_declared(name)) + [row[1:2] + row[3:] for row in COMPUTED if row[2] == name]
        if rows:
            parts.append(f"\n## {registry.get(name).title}\n\n| from | link | to | found at |\n|---|---|---|---|\n")
            parts += [f"| {start} | `{kind}` | {to} | {at} |\n" for kind, start, to, at in rows]
    return "".join(parts)


def _declared(name: str) -> Iterator[tuple[str, str, str, str]]:
    """Type, start, target and path of each declared link; those that differ by their path only are one row."""
    kinds = list(registry.get(name).kinds())
    found: dict[tuple[str, str, str], list[str]] = {}
    rules = [(f"`{kind.sub_type}`", rule) for kind in kinds for rule in kind.links]
    if name == "kubernetes":
        rules += [(f"`{custom}`", rule) for custom, of_it in sorted(CUSTOM.items()) for rule in of_it]
    for start, rule in rules:
        found.setdefault((rule.type, start, target(rule, kinds)), []).append(_path(rule))
    yield from ((kind, start, to, ", ".join(dict.fromkeys(at))) for (kind, start, to), at in found.items())


def target(rule: LinkRule, kinds: list[Any]) -> str:
    """The types to which a rule leads, as far as its declaration says."""
    pointer, _, plural = rule.to.partition(":")
    if pointer in POINTERS and not plural:
        return POINTERS[pointer]
    if rule.to.startswith(("@", "&")):
        named = re.split("[/:]", rule.to.removeprefix("@"))[0] if rule.to.startswith("@") else plural.partition(":")[0]
        types = [kind for kind in kinds if named in (f"{kind.plural}.{kind.group}".rstrip("."), f"{kind.kind}.{kind.group}".rstrip("."))]
        return _types(types) or f"`{named}`"
    if not _words(rule.to):
        return ANY
    example = re.sub(r"{[^}]*}", "x", rule.to)
    return _types([kind for kind in kinds if _words(kind.id) and re.fullmatch(_pattern(kind.id), example)]) or f"`{_escaped(rule.to)}`"


def _words(text: str) -> str:
    """The text of an id without its holes."""
    return re.sub(r"{[^}]*}", "", text).strip("/:")


def _pattern(text: str) -> str:
    return "[^/:]*".join(map(re.escape, re.split(r"{[^}]*}", text)))


def _types(kinds: list[Any]) -> str:
    return ", ".join(dict.fromkeys(f"`{kind.sub_type}`" for kind in kinds))


def _path(rule: LinkRule) -> str:
    where, value = rule.when
    condition = f", where `{_escaped(where)}` is `{_escaped(value)}`" if where else ""
    return f"`{_escaped(rule.path)}`{condition}" + (f", where it matches `{_escaped(rule.match)}`" if rule.match else "")


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")
