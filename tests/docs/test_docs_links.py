"""The page of links names every link that is declared, and every one that code makes."""

from __future__ import annotations

import ast
import importlib
import pathlib
import re

from links_page import COMPUTED, page

from providers import registry

PROVIDERS = pathlib.Path(registry.__file__).parent
DECLARED = ("catalogue/", "kubernetes/shape.py", "hostile/", "testing.py", "records.py")
"""Where links are made as a catalogue declares them, and what is no source."""

NAMED_BY_A_VARIABLE = {("kubernetes.source", "runs_on"), ("kubernetes.source", "trusted_by")}
"""Links whose type stands in a list of pairs."""


def made_by_code():
    """Module and type of each call of `Link` outside the catalogues; the type is empty where it is a variable."""
    for path in sorted(PROVIDERS.rglob("*.py")):
        name = path.relative_to(PROVIDERS).as_posix()
        if name.startswith(DECLARED):
            continue
        module = name.removesuffix(".py").replace("/", ".")
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Link":
                first = node.args[0]
                named = getattr(importlib.import_module(f"providers.{module}"), first.id, "") if isinstance(first, ast.Name) else ""
                yield module, first.value if isinstance(first, ast.Constant) else named


def test_each_link_that_code_makes_has_a_row():
    made = set(made_by_code())
    assert {module for module, kind in made if not kind} == {module for module, _ in NAMED_BY_A_VARIABLE}
    assert {(module, kind) for module, kind in made if kind} | NAMED_BY_A_VARIABLE == {(row[0], row[1]) for row in COMPUTED}


def test_the_rows_name_types_that_there_are():
    types = {one.sub_type for name in registry.BUILT_IN for one in registry.get(name).resource_types()}
    for module, kind, _, *cells in COMPUTED:
        named = {word for cell in cells[:2] for word in re.findall(r"`(\w+)`", cell)}
        assert named <= types, (module, kind, named - types)


def test_each_declared_link_is_on_the_page():
    text = page()
    rules = [(kind, rule) for name in registry.BUILT_IN for kind in registry.get(name).kinds() for rule in kind.links]
    assert len(rules) > 700
    missing = {(kind.sub_type, rule.type) for kind, rule in rules if f"| `{kind.sub_type}` | `{rule.type}` | " not in text}
    assert not missing


def test_targets_are_the_types_whose_ids_the_declaration_makes():
    text = page()
    for row in (
        "| `ec2_instance` | `in_vpc` | `vpc` | `VpcId` |",
        "| `k8s_pod` | `runs_as` | `k8s_service_account` | `spec.serviceAccountName` |",
        "| `azure_subnet` | `has_security_group` | any, by its id | `properties.networkSecurityGroup.id` |",
    ):
        assert row in text
