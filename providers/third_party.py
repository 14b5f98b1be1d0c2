"""Metadata of the third parties' provider packages that are installed here, read as text: nothing of them is imported.

A package's metadata are whatever its author has written, so each package is read for itself, within bounds, and one that cannot be read
takes no other with it.
"""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

import msgspec

ENTRY_POINT_GROUP = "elder_worker.providers"

MOST_BYTES = 64 * 1024
"""Bytes of a package's file of entry points."""

MOST_PROVIDERS = 20
"""Providers of all packages together: each is described by a process at the start."""

MOST_FILES = 20_000
"""Files of a package whose modules are kept out; the writer hashes no larger one either."""

NEEDED = frozenset(
    {
        "_cffi_backend",
        "_multiprocess",
        "api",
        "blinker",
        "cffi",
        "click",
        "cronsim",
        "cryptography",
        "dill",
        "flask",
        "gunicorn",
        "itsdangerous",
        "jinja2",
        "markupsafe",
        "msgspec",
        "multiprocess",
        "prometheus_client",
        "providers",
        "psycopg",
        "psycopg_binary",
        "psycopg_pool",
        "siphashc",
        "structlog",
        "supervisor",
        "tenacity",
        "typing_extensions",
        "tzdata",
        "urllib3",
        "werkzeug",
        "worker",
    }
)
"""Modules that our processes need: one that a package has installed over them cannot be kept out without stopping us.

Tests compare them with what setup.cfg requires, and start our processes beside a package that claims every module there is.
"""

OF_EXTRAS = {"authlib": ("authlib",), "joserfc": ("joserfc",), "pyyaml": ("_yaml", "yaml")}
"""Packages of our extras `oidc` and `yaml`, and their modules: needed where the package is installed."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""The names that a provider may have."""


class Installed(msgspec.Struct, frozen=True):
    """The providers that packages name: entry points by name, and for each other name why it cannot be used."""

    points: dict[str, EntryPoint] = {}
    problems: dict[str, str] = {}


def installed(built_in: Mapping[str, str]) -> Installed:
    """Finds the providers of all packages on `sys.path`. A name of `built_in`, or one that two packages claim, is nobody's."""
    points: dict[str, EntryPoint] = {}
    problems: dict[str, str] = {}
    for folder in _folders():
        package = folder.name.rpartition(".")[0]
        try:
            found = _points(folder)
        except Exception as error:  # noqa: BLE001 - somebody else's files: whatever they hold, they take nobody with them
            problems[package] = unusable(package, f"its entry points cannot be read: {type(error).__name__}: {error}")
            continue
        for point in found:
            if problem := _refused(point, package, built_in, points):
                problems[point.name if point.name not in built_in else f"{package}:{point.name}"] = problem
            else:
                points[point.name] = point
    for name in [*problems, *list(points)[MOST_PROVIDERS:]]:
        if points.pop(name, None) and name not in problems:
            problems[name] = unusable(name, f"packages name more than {MOST_PROVIDERS} providers")
    return Installed(points, problems)


def keep_out() -> None:
    """Makes the import of every module of the third parties' packages fail in this process: they run in job processes only.

    Our libraries import some modules if they are there (`rich`, `psycopg_c` ...), so a package could bring one to be run in the API or the
    writer. To be called before any library is imported.
    """
    for name in kept_out():
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # None makes the import fail


def kept_out() -> set[str]:
    """The top-level modules of the third parties' packages, but for those that our processes need."""
    modules = {folder: _modules(folder) for folder in _folders()}
    others = {_package(folder) for folder, found in modules.items() if not found}
    extras = {module for package, names in OF_EXTRAS.items() if package in others for module in names}
    return set().union(*modules.values()) - NEEDED - extras - sys.stdlib_module_names


def _modules(folder: Path) -> set[str]:
    """The top-level modules that a package lists, if it names providers; none for what cannot be read."""
    try:
        points, record = folder / "entry_points.txt", folder / "RECORD"
        with points.open("rb") as stream:
            if ENTRY_POINT_GROUP.encode() not in stream.read(MOST_BYTES):
                return set()
        with record.open(newline="", encoding="utf-8", errors="replace") as lines:
            files = [row[0] for _, row in zip(range(MOST_FILES), csv.reader(lines), strict=False) if row]
    except (OSError, csv.Error):
        return set()
    tops = (file.partition("/")[0] for file in files)
    return {module for top in tops if (module := top.partition(".")[0]).isidentifier()}


def unusable(name: str, reason: str) -> str:
    """The sentence about a provider that cannot be used."""
    return f"provider '{name[:100]}' cannot be used ({reason[:1000]}): mend or remove its package"


def _refused(point: EntryPoint, package: str, built_in: Mapping[str, str], points: Mapping[str, EntryPoint]) -> str:
    if point.name in built_in:
        return unusable(point.name, f"the package {package} names a provider as a built-in one is named; the built-in one is used")
    if not NAME.fullmatch(point.name):
        return unusable(point.name, "its name has not from 1 to 40 lower-case letters, digits, - and _")
    if point.name in points:
        return unusable(point.name, f"two packages name a provider so; one is {package}")
    return ""


def _folders() -> Iterator[Path]:
    """The metadata folders of all packages; of two of one package the first on the path."""
    seen = set()
    for entry in sys.path:
        try:
            found = sorted(path for path in Path(entry or ".").iterdir() if path.suffix in (".dist-info", ".egg-info") and path.is_dir())
        except OSError:
            continue
        for path in found:
            key = _package(path)
            if key not in seen:
                seen.add(key)
                yield path


def _package(folder: Path) -> str:
    """The name of the package with this metadata folder, as package indexes normalize it."""
    return re.sub(r"[-_.]+", "-", folder.name.rpartition(".")[0].partition("-")[0]).lower()


def _points(folder: Path) -> list[EntryPoint]:
    file = folder / "entry_points.txt"
    if not file.is_file():
        return []
    size = file.stat().st_size
    with file.open("rb") as stream:
        text = stream.read(MOST_BYTES)
    if ENTRY_POINT_GROUP.encode() not in text:
        return []
    if size > MOST_BYTES:
        raise ValueError(f"entry_points.txt has more than {MOST_BYTES:,} bytes")
    return [point for point in Distribution.at(folder).entry_points if point.group == ENTRY_POINT_GROUP]
