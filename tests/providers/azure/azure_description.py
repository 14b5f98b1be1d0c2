"""Azure's own description of itself: the operations and typed models of the azure-mgmt-* packages, as the catalogue's tests ask for them.

Each request builder of a package holds the path of an operation; the method that uses it says in its annotation what comes back.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import importlib.util
import inspect
import pathlib
import re
import types
import typing
import warnings
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from catalogue_suite import FieldType, Unknown
from peers.arm_versions import API_VERSIONS

from providers.azure import catalogue
from providers.azure.client import CLIENTS
from providers.azure.kinds import AzureKind
from providers.catalogue import paths

SERVICES = (
    "resource.subscriptions", "resource.resources", "resource.locks", "resource.policy", "authorization", "managementgroups", "msi",
    "compute", "network", "storage", "hybridcompute", "containerservice", "containerregistry", "containerinstance", "appcontainers",
    "web", "logic", "apimanagement", "sql", "postgresqlflexibleservers", "mysqlflexibleservers", "cosmosdb", "redis", "keyvault",
    "eventhub", "servicebus", "eventgrid", "datafactory", "synapse", "databricks", "machinelearningservices", "cognitiveservices",
    "loganalytics", "recoveryservices", "automation", "cdn", "frontdoor", "trafficmanager", "dns", "privatedns",
)  # fmt: skip
"""The packages azure.mgmt.* that describe the types of the catalogue."""

_RECORDS = ("A", "AAAA", "CNAME", "MX", "PTR", "SOA", "SRV", "TXT")
TABLES: dict[str, frozenset[str] | None] = {
    "Resources": None,
    "DnsResources": frozenset(
        f"microsoft.network/{zone}/{record}".lower() for zone in ("dnszones", "privatednszones") for record in _RECORDS
    ),
}
"""Tables of Resource Graph, by its reference, with their types; None for the table that has all that others do not have."""

CONTEXT = frozenset({"group", "container", "holder", "parent", "subscription"})
"""Holes that the reader fills."""

MADE_BY_US = {join.attribute for kind in catalogue.KINDS for join in kind.joined}

_TOKENS = re.compile(
    r"^def (?P<builder>build_\w+)\("
    r"|_url = (?:kwargs\.pop\(\s*\"template_url\",)?\s*\"(?P<url>[^\"]+)\""
    r"|^class (?P<group>\w+)\("
    r"|^class (?P<plain>\w+):"
    r"|^    def (?P<method>\w+)\("
    r"|-> (?:\w+\[)?\"?_models\.(?P<model>\w+)"
    r"|-> (?:\w+\[)\"_models\.(?P<paged>\w+)"
    r"|(?P<called>build_\w+)\("
    r"|^    (?P<listed>\w+)\.metadata = \{['\"]url['\"]: ['\"](?P<at>[^'\"]+)",
    re.MULTILINE,
)


class Operation(NamedTuple):
    """A method of a typed client: its path, and the model that it gives, one by one or in pages."""

    package: str
    group: str
    method: str
    path: str
    model: str

    @property
    def arm_type(self) -> str:
        """The type at the end of the path: its provider, and each second word behind it."""
        before, _, behind = self.path.rpartition("/providers/")
        if not before and not behind.startswith("Microsoft."):
            return "Microsoft.Resources" + re.sub(r"/\{\w+\}", "", self.path)
        namespace, *words = behind.split("/")
        return "/".join((namespace, *words[::2]))


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Every operation of the packages that gives a model."""
    found: list[Operation] = []
    for service in SERVICES:
        package, folder = _package(f"azure.mgmt.{service}")
        for file in sorted((folder / "operations").glob("_*operations.py")):
            found += _operations_in(package, file.read_text())
    return tuple(found)


def _package(name: str) -> tuple[str, pathlib.Path]:
    """The package and its folder, without importing it; of one with several API versions, that of the newest stable one."""
    spec = importlib.util.find_spec(name)
    assert spec is not None, f"{name} is not installed"
    folder = pathlib.Path((spec.submodule_search_locations or [""])[0])
    if (folder / "operations").is_dir():
        return name, folder
    newest = max(one.name for one in folder.glob("v20*") if "preview" not in one.name and any((one / "operations").glob("_*operations.py")))
    return f"{name}.{newest}", folder / newest


def _operations_in(package: str, text: str) -> Iterator[Operation]:
    urls: dict[str, str] = {}
    builder = group = method = model = ""
    for match in _TOKENS.finditer(text):
        kind, value = match.lastgroup or "", match[match.lastgroup or 0]
        if kind == "builder":
            builder = value
        elif kind == "url":
            urls.setdefault(builder, value)
        elif kind in ("group", "plain"):
            group = value
        elif kind == "method":
            method, model = value, ""
        elif kind in ("model", "paged"):
            model = model or value
        elif kind == "at" and model:
            yield Operation(package, group, method, value, model)
        elif group and model and value in urls:
            yield Operation(package, group, method, urls[value], model)


@functools.cache
def arm_types() -> frozenset[str]:
    """Every type that an operation reads."""
    return frozenset(one.arm_type for one in operations())


def listing(path: str) -> Operation | None:
    """The operation that lists at a path, in which each hole is the subscription's."""
    wanted = _blank(path)
    return next((one for one in operations() if _blank(one.path) in (wanted, _extended(wanted))), None)


def _blank(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path).lower()


def _extended(path: str) -> str:
    """The path of an extension, which may be set on a subscription as on any scope."""
    return "/{}/providers/" + path.partition("/providers/")[2]


def of_type(arm_type: str) -> Operation | None:
    """An operation that lists a type elsewhere, or reads one of it."""
    found = [one for one in operations() if one.arm_type.lower() == arm_type.lower() and one.method.startswith(("list", "get"))]
    return next((one for name in ("list", "get") for one in found if one.method.startswith(name)), None)


def typed(name: str) -> Operation:
    """The operation of a typed client, as a kind names it. Raises `Unknown`."""
    client, group, method = name.split(".")
    if client not in CLIENTS:
        raise Unknown(f"there is no client {client}, but {', '.join(CLIENTS)}")
    wanted = group.replace("_", "").lower() + "operations"
    methods = {one.method: one for one in operations() if one.package == CLIENTS[client][0] and one.group.lower() == wanted}
    if method not in methods:
        raise Unknown(f"there is no {group}.{method}, but {', '.join(sorted(methods))}")
    return methods[method]


@functools.cache
def operation_of(kind: AzureKind) -> Operation:
    """The operation that lists the kind at its own place, whatever way we take. Raises `Unknown`."""
    if kind.operation:
        return typed(kind.operation)
    path = (
        kind.path.replace("{parent}", f"/subscriptions/{{}}/resourceGroups/{{}}/providers/{above(kind).arm_type}/{{}}")
        if kind.under
        else kind.path
    )
    path = "/subscriptions/{subscription}/resources" if kind.rest else path
    found = listing(path or f"/subscriptions/{{subscription}}/providers/{kind.arm_type}") or (
        None if path else of_type(described_as(kind.arm_type))
    )
    if found is None:
        raise Unknown(f"there is no list at {kind.path or kind.arm_type}")
    return found


def described_as(arm_type: str) -> str:
    """The type as its operations have it: record sets have their type as a parameter, which is one of an enumeration."""
    zone, _, record = arm_type.rpartition("/")
    if zone.lower() not in ("microsoft.network/dnszones", "microsoft.network/privatednszones"):
        return arm_type
    package = "dns" if zone.lower().endswith("/dnszones") else "privatedns"
    known = {str(one.value) for one in importlib.import_module(f"azure.mgmt.{package}.models").RecordType}
    return f"{zone}/{{recordType}}" if record in known else arm_type


@functools.cache
def _models(package: str) -> types.ModuleType:
    """The models of a package; old ones are generated with text that a new Python warns of."""
    with warnings.catch_warnings(action="ignore"):
        return importlib.import_module(f"{package}.models")


@functools.cache
def model_of(kind: AzureKind) -> type:
    """The typed model of one item. Raises `Unknown`."""
    if kind.inside:
        found = resolve(model_of(above(kind)), kind.inside)
        assert isinstance(found, type)
        return found
    operation = operation_of(kind)
    if kind.expanded:  # each item of the list is read by itself
        one = next(
            one
            for one in operations()
            if one.package == operation.package and one.path.startswith(operation.path + "/{") and one.method == "get"
        )
        operation = one
    found = getattr(_models(operation.package), operation.model)
    if "value" in fields(found) and "id" not in fields(found):  # the model of a page
        found = typing.cast("type", inner(fields(found)["value"]))
    return typing.cast("type", found)


def above(kind: AzureKind) -> AzureKind:
    """The kind beneath which another is listed. Raises `Unknown`."""
    found = next((one for one in catalogue.KINDS if one.sub_type == kind.under), None)
    if found is None:
        raise Unknown(f"there is no type {kind.under}")
    return found


@functools.cache
def fields(model: type) -> dict[str, object]:
    """REST name -> type of a typed model of either generation."""
    if hasattr(model, "_attribute_map"):
        return _flattened(model)
    typing.cast("Any", model)({})  # the SDK resolves the names when a model is first made
    home = model.__module__.rpartition(".models.")[0] or model.__module__
    models = importlib.import_module(f"{home.removesuffix('.models')}.models")
    try:
        unions = importlib.import_module(f"{home.removesuffix('.models')}._types")
    except ImportError:
        unions = models
    hints = typing.get_type_hints(model, localns={"_models": models, "_types": unions})
    return {field._rest_name: hints[name] for name, field in typing.cast("Any", model)._attr_to_rest_field.items()}


class _Properties:
    """What stands under ``properties`` of a model that flattens it."""


def _flattened(model: type) -> dict[str, object]:
    models = importlib.import_module(model.__module__.rpartition(".")[0])
    found: dict[str, object] = {}
    for entry in typing.cast("Any", model)._attribute_map.values():
        *heads, last = entry["key"].split(".")
        known = found
        for head in heads:
            known = known.setdefault(head, type("Properties", (_Properties,), {"known": {}})).known  # type: ignore[attr-defined]
        known[last] = _annotated(models, entry["type"])
    return found


def _annotated(models: types.ModuleType, name: str) -> object:
    """The type that a map of attributes has in words: ``[Container]``, ``{str}``, ``str``."""
    if name.startswith("{"):
        return dict[str, str]
    if name.startswith("["):
        return list[_annotated(models, name[1:-1])]  # type: ignore[misc]
    found = getattr(models, name, str)
    return found if _is_model(found) else str


def inner(annotation: object) -> object:
    """The type inside Optional and list."""
    while typing.get_origin(annotation) in (typing.Union, types.UnionType, list):
        annotation = next(part for part in typing.get_args(annotation) if part is not type(None))
    return annotation


def resolve(model: type, path: str) -> object:
    """The type at a path of a model. Raises `Unknown`."""
    current: object = model
    for name, is_list in paths.steps(path):
        annotation = _field(current, name)
        if _is_list(annotation) != is_list:
            raise Unknown(f"{path}: {name} is {'no' if is_list else 'a'} list")
        current = inner(annotation)
    return current


def _field(model: object, name: str) -> object:
    known = getattr(model, "known", None) or (fields(typing.cast("type", model)) if _is_model(model) else {})
    if name not in known:
        raise Unknown(f"there is no {name}, but {', '.join(sorted(known))}")
    return known[name]


def _is_model(found: object) -> bool:
    return isinstance(found, type) and any(one.__name__ == "Model" for one in found.__mro__)


def _is_list(annotation: object) -> bool:
    return any(typing.get_origin(part) is list for part in (annotation, *typing.get_args(annotation)))


class AzureDescription:
    """The adapter that `CatalogueSuite` asks."""

    def listing_faults(self, kind: AzureKind) -> Iterator[str]:
        """What is wrong with the operation, the path, the API version, the table, the type, or the types around it."""
        try:
            yield from self._faults(kind)
        except Unknown as unknown:
            yield f"{kind.operation or kind.path or kind.inside or kind.arm_type} {kind.under}: {unknown}"

    def _faults(self, kind: AzureKind) -> Iterator[str]:
        ways = [bool(kind.table), bool(kind.path), bool(kind.operation), bool(kind.inside)]
        if sum(ways) != 1:
            yield f"{kind.arm_type} is listed in {sum(ways)} ways"
        if kind.table and kind.table not in TABLES:
            yield f"Resource Graph has no table {kind.table}"
        held = TABLES.get(kind.table)
        yield from (f"{kind.table} has no {one}" for one in kind.arm_types if held and one.lower() not in held)
        if kind.table or kind.path or kind.version:
            yield from _version_faults(kind)
        yield from (
            f"{kind.path}: nothing fills {hole}" for hole in paths.holes(kind.path) if hole != ("parent" if kind.under else "subscription")
        )
        if kind.under and not above(kind).version:
            yield f"{kind.under} has no version by which one of them is asked for: it is beneath it that this type is listed"
        model_of(kind)
        known = {one.lower() for one in arm_types()} if kind.inside else {operation_of(kind).arm_type.lower()}
        for one in kind.arm_types:
            if described_as(one).lower() not in known:
                yield f"{one} is not the type of what is listed ({', '.join(sorted(known))[:200]})"
        for path in (*kind.back, *filter(None, kind.common[:1])):
            self.field(kind, path)
        yield from _option_faults(kind.operation, kind.options) if kind.operation else ()
        for join in kind.joined:
            yield from _option_faults(join.operation, join.options)
            self.field(kind, join.path)

    def field(self, kind: AzureKind, path: str) -> FieldType:
        """What an item has at a path. Raises `Unknown`."""
        if path in MADE_BY_US:
            return FieldType.VALUE
        is_item, path = path.endswith("[]"), path.removesuffix("[]")
        above_it, _, last = path.rpartition(".")
        model = resolve(model_of(kind), above_it) if above_it else model_of(kind)
        annotation = _field(model, last)
        if _is_list(annotation) and not is_item:
            return FieldType.PAIRS if "name" in _names(inner(annotation)) else FieldType.LIST
        found = inner(annotation)
        if typing.get_origin(found) is dict:
            return FieldType.MAP
        return FieldType.OBJECT if _is_model(found) or hasattr(found, "known") else FieldType.VALUE

    def permissions(self, kind: AzureKind) -> Sequence[str]:
        """The actions that read the type."""
        return kind.actions

    def knows_permission(self, permission: str) -> bool:
        """True for the read action of a type that an operation reads."""
        arm_type, _, verb = permission.rpartition("/")
        return verb == "read" and described_as(arm_type).lower() in {one.lower() for one in arm_types()}

    def similar_permissions(self, permission: str) -> Sequence[str]:
        """The read actions of types that are named nearly so."""
        return [f"{one}/read" for one in difflib.get_close_matches(permission.rpartition("/")[0], sorted(arm_types()))]


def _names(model: object) -> set[str]:
    return set(fields(typing.cast("type", model))) if _is_model(model) else set()


def _version_faults(kind: AzureKind) -> Iterator[str]:
    namespace = kind.arm_type.partition("/")[0]
    if kind.version not in API_VERSIONS.get(namespace, ()):
        yield f"{kind.version} is not a known API version of {namespace}: add it to API_VERSIONS in tests/peers/arm_versions.py when Azure has it"


def _option_faults(name: str, options: tuple[tuple[str, str], ...]) -> Iterator[str]:
    operation = typed(name)
    group = getattr(importlib.import_module(f"{operation.package}.operations"), operation.group)
    known = inspect.signature(getattr(group, operation.method)).parameters
    yield from (f"{name} takes no {key}, but {', '.join(known)}" for key, _ in options if key not in known)
