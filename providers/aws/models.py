"""botocore's service models, without what is never used.

A client's cost is its model: that of EC2 alone has 700 operations and takes 25 MB once parsed, and a client class is made with a method
for each. This loader keeps the operations of the catalogue, the shapes that they reach, and no documentation.
"""

from __future__ import annotations

import gzip
import pathlib
from collections.abc import Mapping
from typing import Any

import msgspec
from botocore.loaders import ExtrasProcessor, Loader

_MODEL, _EXTRAS = "service-2", "sdk-extras"
_PROSE = {"documentation", "documentationUrl"}
_Model = dict[str, Any]


class _LeanFiles:
    """Reads a model's file; what a `botocore.loaders.Loader` wants as its file loader."""

    def __init__(self, operations: Mapping[str, frozenset[str]]) -> None:
        self._operations = operations

    def exists(self, path: str) -> bool:
        return any(pathlib.Path(path + end).is_file() for end in (".json", ".json.gz"))

    def load_file(self, path: str) -> _Model | None:
        """The part of a file that is needed. The extras of a model are merged before it is cut down, and have no file of their own."""
        if path.endswith(f"{_MODEL}.{_EXTRAS}"):
            return None
        found = _decoded(path)
        return None if found is None else self._lean(pathlib.Path(path), found)

    def _lean(self, path: pathlib.Path, model: _Model) -> _Model:
        keep = self._operations.get(path.parts[-3], frozenset())
        if path.name == _MODEL:
            extras = _decoded(f"{path}.{_EXTRAS}")
            if extras is not None:
                ExtrasProcessor().process(model, [extras])
            return lean_model(model, keep)
        if path.name == "paginators-1":
            return {"pagination": {name: config for name, config in model["pagination"].items() if name in keep}}
        if path.name == "waiters-2":
            return {"version": 2, "waiters": {}}
        return model


def _decoded(path: str) -> _Model | None:
    for end, opened in ((".json", open), (".json.gz", gzip.open)):
        if pathlib.Path(path + end).is_file():
            with opened(path + end, "rb") as file:
                found: _Model = msgspec.json.decode(file.read())
                return found
    return None


def lean_model(model: _Model, operations: frozenset[str]) -> _Model:
    """The part of a service model that these operations need."""
    kept = {name: value for name, value in model["operations"].items() if name in operations}
    needed: set[str] = set()
    waiting = [shape for operation in kept.values() for shape in _shapes_of(operation)]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += _shapes_of(model["shapes"][name])
    shapes = {name: shape for name, shape in model["shapes"].items() if name in needed}
    lean: _Model = _without_prose({**model, "operations": kept, "shapes": shapes})
    return lean


def _shapes_of(node: Any) -> list[str]:
    """The names of the shapes that a part of a model refers to."""
    if isinstance(node, list):
        return [name for item in node for name in _shapes_of(item)]
    if not isinstance(node, dict):
        return []
    here = [node["shape"]] if isinstance(node.get("shape"), str) else []
    return here + [name for value in node.values() for name in _shapes_of(value)]


def _without_prose(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: "" if key in _PROSE and isinstance(value, str) else _without_prose(value) for key, value in node.items()}
    return [_without_prose(item) for item in node] if isinstance(node, list) else node


def lean_loader(operations: Mapping[str, frozenset[str]]) -> Loader:
    """A loader of the models that come with botocore, and of nothing in a home folder."""
    return Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], file_loader=_LeanFiles(operations), include_default_search_paths=False)
