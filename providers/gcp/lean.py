"""google-cloud-compute, without what is never used.

The library describes 2,000 message types in one module and makes a class and a protobuf descriptor of each, for every client: most of the
time and memory that it takes. This module puts another one in its place, with the types that the lists of the catalogue reach; it is cut
out of the library's own source. The other names are there for the annotations of the library, and for nothing else.
A library that is not built as we know it is loaded whole.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.util
import re
import sys
import threading
import types
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

COMPUTE = "google.cloud.compute_v1"

_CLASS = re.compile(r"^class (\w+)\(proto\.Message\):", re.MULTILINE)
_REFERENCE = re.compile(r"\bmessage=[\"']?(\w+)")
_MANIFEST = re.compile(r"^__protobuf__ = ", re.MULTILINE)

_lock = threading.Lock()


class UnknownLayoutError(Exception):
    """The library is not built as this module knows it."""


def load(lists: Mapping[str, Iterable[str]]) -> bool:
    """Prepares the library for some lists: service -> methods (``instances`` -> ``aggregated_list``). True when it could be made lean."""
    with _lock:
        if COMPUTE in sys.modules:
            return False
        folder = _folder()
        try:
            answers = {name for service, methods in lists.items() for method in methods for name in messages(folder, service, method)}
            lean = cut(folder / "types" / "compute.py", answers)
        except (UnknownLayoutError, OSError):
            return False
        _install(folder, *lean)
        _install_services(folder / "services", lists)
        return True


def messages(folder: Path, service: str, method: str) -> tuple[str, str]:
    """The names of a method's request and answer, as the library's transport has them. Raises `UnknownLayoutError`."""
    request = request_name(service, method)
    text = (folder / "services" / service / "transports" / "rest.py").read_text()
    found = re.search(rf"request: compute\.{request},.*?\) -> compute\.(\w+):", text, re.DOTALL)
    if not found:
        raise UnknownLayoutError(f"no {request}")
    return request, found[1]


def request_name(service: str, method: str) -> str:
    """``instances``, ``aggregated_list`` -> ``AggregatedListInstancesRequest``."""
    return f"{camel(method)}{camel(service)}Request"


def camel(name: str) -> str:
    """Turns ``global_addresses`` into ``GlobalAddresses``."""
    return "".join(part.capitalize() for part in name.split("_"))


def cut(source: Path, wanted: Iterable[str]) -> tuple[list[str], frozenset[str]]:
    """The part of the module that these types need, a class at a time, and the types that it leaves out. Raises `UnknownLayoutError`."""
    text = source.read_text()
    manifest, begins = _MANIFEST.search(text), list(_CLASS.finditer(text))
    ends = [found.start() for found in begins[1:]] + [len(text)]
    classes = {found[1]: slice(found.start(), end) for found, end in zip(begins, ends, strict=False)}  # and not the texts: 8 MB of them
    missing = set(wanted) - set(classes)
    if not manifest or missing:
        raise UnknownLayoutError(f"no manifest, or no {missing}")
    kept = _reached(text, classes, wanted)
    head = f"{text[: manifest.start()]}__protobuf__ = proto.module(package='google.cloud.compute.v1', manifest={sorted(kept)!r})\n"
    parts = [text[part].partition("\n__all__")[0] for name, part in classes.items() if name in kept]
    return [head, *parts], frozenset(classes) - kept


def _reached(text: str, classes: Mapping[str, slice], wanted: Iterable[str]) -> frozenset[str]:
    kept, open_ends = set[str](), list(wanted)
    while open_ends:
        name = open_ends.pop()
        if name in classes and name not in kept:
            kept.add(name)
            open_ends += _REFERENCE.findall(text, classes[name].start, classes[name].stop)
    return frozenset(kept)


def _folder() -> Path:
    found = importlib.util.find_spec("google.cloud")
    for place in (found and found.submodule_search_locations) or ():
        if (Path(place) / "compute_v1").is_dir():
            return Path(place) / "compute_v1"
    raise ModuleNotFoundError("No module named 'google.cloud.compute_v1'", name=COMPUTE)


def _install(folder: Path, parts: Iterable[str], left_out: frozenset[str]) -> None:
    package = _module(COMPUTE, folder)
    types_package, compute = _module(f"{COMPUTE}.types", folder / "types"), _module(f"{COMPUTE}.types.compute")
    below = (("google.cloud", "compute_v1", package), (COMPUTE, "types", types_package), (f"{COMPUTE}.types", "compute", compute))
    for above, name, module in below:
        setattr(importlib.import_module(above), name, module)
    for part in parts:  # each by itself: the syntax tree of all of them takes 10 MB
        code = compile(part, str(folder / "types" / "compute.py"), "exec", optimize=2)  # without docstrings, which are most of it
        exec(code, vars(compute))  # noqa: S102 - the library's own source

    def for_annotations(name: str) -> Any:
        if name not in left_out:
            raise AttributeError(f"module '{COMPUTE}.types.compute' has no attribute '{name}'")
        return vars(compute).setdefault(name, type(name, (), {}))

    compute.__getattr__ = for_annotations  # type: ignore[method-assign]


def _install_services(folder: Path, services: Iterable[str]) -> None:
    """Makes the packages of some services without what they would load: the clients, of which only the transports are used."""
    _module(f"{COMPUTE}.services", folder)
    for service in services:
        _module(f"{COMPUTE}.services.{service}", folder / service)


def _module(name: str, folder: Path | None = None) -> types.ModuleType:
    module = types.ModuleType(name)
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=folder is not None)  # for those who look for the module
    if folder:
        module.__path__ = [str(folder)]
    sys.modules[name] = module
    return module
