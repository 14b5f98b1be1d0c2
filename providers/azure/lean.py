"""azure-mgmt-* clients, without what is never used.

A client of Azure describes thousands of operations and models in a few modules, and makes a class of each: most of the time and memory that
it takes. While a client is loaded, this module cuts its modules down to the operations that the catalogue names and the models that these
give. The other names are there for the library's own imports and annotations, and for nothing else.
A library that is not built as we know it is loaded whole.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import re
import sys
import threading
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

_CLASS = re.compile(r"^class (\w+)(?:\(([^)]*)\))?:", re.MULTILINE)
_TOP = re.compile(r"^(?:class|def) (\w+)", re.MULTILINE)
_METHOD = re.compile(r"^    (?:@|(?:async )?def (\w+))")
_MODEL = re.compile(r"\b_models\.(\w+)")
_BUILDER = re.compile(r"\bbuild_\w+")

_ABSENT = """
def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (), {"__init__": lambda self, *args, **options: None})
"""
"""Stands in for what is left out: a class that can be named and made, and does nothing."""

_MODELS = "from ._models import *\nfrom ._enums import *\n" + _ABSENT

_lock = threading.Lock()


class UnknownLayoutError(Exception):
    """The library is not built as this module knows it."""


def load(package: str, operations: Iterable[tuple[str, str]]) -> bool:
    """Loads a client's package for some operations (``virtual_machines``, ``list_all``). True when it could be made lean."""
    with _lock:
        if package in sys.modules:
            return False
        try:
            texts = cut(_folder(package), operations)
        except (UnknownLayoutError, OSError):
            return False
        finder = _Finder({f"{package}.{name}": text for name, text in texts.items()})
        sys.meta_path.insert(0, finder)
        try:
            importlib.import_module(package)
        except (ImportError, NameError, AttributeError, SyntaxError, TypeError):  # what was cut off was needed after all
            for name in [name for name in sys.modules if name == package or name.startswith(f"{package}.")]:
                del sys.modules[name]
            return False
        finally:
            sys.meta_path.remove(finder)
        return True


def cut(folder: Path, operations: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The texts of a client's modules for some operations, by the modules' names in the package. Raises `UnknownLayoutError`."""
    wanted: dict[str, set[str]] = {}
    for group, method in operations:
        wanted.setdefault(_class_of(folder, group), set()).add(method)
    code = _operations((folder / "operations" / "_operations.py").read_text(), wanted)
    models = _models((folder / "models" / "_models.py").read_text(), _MODEL.findall(code))
    return {
        "types": _ABSENT,
        "models": _MODELS,
        "models._models": models,
        "operations": f"from ._operations import {', '.join(wanted)}\n{_ABSENT}",
        "operations._operations": code,
    }


def _class_of(folder: Path, group: str) -> str:
    """The class of a client's attribute."""
    found = re.search(rf"self\.{group} = (\w+)\(", (folder / "_client.py").read_text())
    if not found:
        raise UnknownLayoutError(f"no {group}")
    return found[1]


def _operations(text: str, wanted: Mapping[str, set[str]]) -> str:
    """The classes with these methods, and what builds their requests."""
    head, parts = _split(text, _TOP)
    missing = set(wanted) - set(parts)
    if missing:
        raise UnknownLayoutError(f"no {missing}")
    classes = [_with_methods(parts[name], methods) for name, methods in wanted.items()]
    builders = {name for one in classes for name in _BUILDER.findall(one)}
    if not builders or builders - set(parts):
        raise UnknownLayoutError(f"no {builders or 'builders'}")
    return head + "".join(parts[name] for name in sorted(builders)) + "".join(classes)


def _with_methods(text: str, wanted: set[str]) -> str:
    """A class with its constructor and some of its methods."""
    pieces = list(_pieces(text))
    if wanted - {name for name, _ in pieces}:
        raise UnknownLayoutError(f"no {wanted}")
    return "".join(piece for name, piece in pieces if name in {"", "__init__", *wanted})


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """A class in pieces: what stands before its methods (without a name), then each method with its decorators."""
    name, lines = "", list[str]()
    decorated = False
    for line in text.splitlines(keepends=True):
        found = _METHOD.match(line)
        if found and not decorated:
            yield name, "".join(lines)
            name, lines = "", []
        if found:
            decorated, name = not found[1], found[1] or ""
        lines.append(line)
    yield name, "".join(lines)


def _models(text: str, wanted: Iterable[str]) -> str:
    """The models that are reached from some: their fields' types, what they inherit from, and the variants that the data chooses among."""
    head, parts = _split(text, _CLASS)
    bases = {found[1]: set(re.findall(r"\w+", found[2] or "")) for found in _CLASS.finditer(text)}
    variants = {name: above for name, above in bases.items() if "discriminator" in above}
    kept, open_ends = set[str](), list(wanted)
    while open_ends:
        name = open_ends.pop()
        if name in parts and name not in kept:
            kept.add(name)
            open_ends += [*_MODEL.findall(parts[name]), *bases[name], *(one for one, above in variants.items() if name in above)]
    if not kept:
        raise UnknownLayoutError(f"no {wanted}")
    return head + "".join(part for name, part in parts.items() if name in kept)


def _split(text: str, pattern: re.Pattern[str]) -> tuple[str, dict[str, str]]:
    """Splits a text: the part before the first match, and the parts that begin with each match."""
    begins = list(pattern.finditer(text))
    if not begins:
        raise UnknownLayoutError("no classes")
    ends = [found.start() for found in begins[1:]] + [len(text)]
    return text[: begins[0].start()], {found[1]: text[found.start() : end] for found, end in zip(begins, ends, strict=True)}


def _folder(package: str) -> Path:
    above, _, name = package.rpartition(".")
    spec = importlib.util.find_spec(above)
    for place in (spec and spec.submodule_search_locations) or ():
        if (Path(place) / name / "_client.py").is_file():
            return Path(place) / name
    raise UnknownLayoutError(f"no client in {package}")


class _Finder(importlib.abc.MetaPathFinder):
    """Finds modules as ever, and gives some of them another text."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """The usual place of a module, with a loader of our own."""
        if name not in self._texts:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(name, spec.loader.path, self._texts[name])
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a text in the place of a file, without its documentation."""

    def __init__(self, name: str, path: str, text: str) -> None:
        super().__init__(name, path)
        self._text = text

    def get_code(self, fullname: str) -> types.CodeType:  # noqa: ARG002 - as every loader
        """The code of the text, which is given up."""
        text, self._text = self._text, ""
        code: types.CodeType = compile(text, self.path, "exec", optimize=2, dont_inherit=True)
        return code
