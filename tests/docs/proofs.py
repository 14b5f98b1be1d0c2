"""Where each type is proven, computed from what the tests themselves go through: nothing here names a type.

``contract``: every word of its declaration is held against the vendor's own description. ``wire``: its list is read over several pages at a
server made for it, or from the vendor's description. ``moto`` and ``API server``: it is read from a program that somebody else has written.
"""

from __future__ import annotations

import functools
import importlib
import pathlib
import sys
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from providers.kubernetes import catalogue as kubernetes

TESTS = pathlib.Path(__file__).resolve().parents[1]
PROVIDERS = ("aws", "azure", "entra", "gcp", "kubernetes")

OTHERS = "k8s_*"
"""The row of the table that stands for all other types of a cluster, custom resources included."""

Proofs = dict[str, frozenset[str]]
"""Kind of proof -> the types that have it."""


def module(provider: str, name: str) -> ModuleType:
    """A module of a provider's tests."""
    folders = [str(TESTS / "harness"), str(TESTS / "providers" / provider)]
    sys.path += [folder for folder in folders if folder not in sys.path]
    return importlib.import_module(name)


@functools.cache
def of(provider: str) -> Proofs:
    """The proofs of a provider's types."""
    contract = {"contract": names(module(provider, f"test_{provider}_catalogue").TestCatalogue.kinds)}
    return contract | {"aws": _aws, "azure": _azure, "entra": _entra, "gcp": _gcp, "kubernetes": _kubernetes}[provider]()


def words(provider: str, sub_type: str) -> str:
    """The kinds of proof of a type, with commas between."""
    return ", ".join(proof for proof, types in of(provider).items() if sub_type in types)


def names(kinds: Iterable[Any]) -> frozenset[str]:
    """The names of kinds."""
    return frozenset(kind.sub_type for kind in kinds)


def _aws() -> Proofs:
    paging = module("aws", "test_aws_paging")
    lists = [
        (service, one) for service, one in cases(paging.test_case_aws_1_every_list_is_read_to_its_last_page) if hasattr(one, "sub_type")
    ]
    at_the_wire = names(one for service, one in lists if (service, one.operation) not in paging.IN_ONE_ANSWER)
    return {"wire": at_the_wire, "moto": frozenset(module("aws", "test_aws_suite").TestAws.expected)}


def _azure() -> Proofs:
    return {"wire": names(module("azure", "test_azure_types").READ)}


def _entra() -> Proofs:
    return {"wire": names(module("entra", "test_entra_source").READ)}


def _gcp() -> Proofs:
    return {"wire": frozenset(module("gcp", "test_gcp_suite").TestGcp.expected)}


def _kubernetes() -> Proofs:
    graph = module("kubernetes", "graph_documents")
    linked = {sub_type for sub_type, *_ in graph.LINKS | graph.ABROAD} | {sub_type for _, _, _, sub_type, _ in graph.LINKS}
    created = {kubernetes.sub_type(body["kind"], group(body)) for _, body in graph.documents() if "kind" in body}
    read = linked | created | module("kubernetes", "test_kubernetes_source").TestKubernetes.expected
    others = {OTHERS} if read - names(kubernetes.KINDS) else set()
    return {"API server": frozenset(read | others)}


def group(body: dict[str, Any]) -> str:
    """The API group of a document."""
    return str(body.get("apiVersion", "")).rpartition("/")[0]


def cases(test: Any) -> list[tuple[Any, ...]]:
    """The values with which a test is parametrized."""
    [mark] = [mark for mark in test.pytestmark if mark.name == "parametrize"]
    return [tuple(getattr(case, "values", case)) for case in mark.args[1]]
