"""The rules of the house that a linter cannot check: who may import whom, and that nothing long or nameless creeps in."""

from __future__ import annotations

import ast
import graphlib
import itertools
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ("supervisor", "providers", "worker", "api")
SDKS = {"boto3", "botocore", "google", "azure", "kubernetes", "ldap3", "msal", "hvac"}
FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}

SOURCES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))


def module_name(path: pathlib.Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: pathlib.Path, *, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = _executed_at_import(tree) if top_level_only else ast.walk(tree)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def _executed_at_import(tree: ast.Module):
    """Statements that run when the module is imported: not those in functions, not those under TYPE_CHECKING."""
    stack = list(tree.body)
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        stack.extend(child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt))


FLOORS: dict[str, tuple[tuple[str, ...], ...]] = {
    "worker": (
        ("version",),
        ("run", "config", "logs"),
        ("job", "sync", "health", "supervised"),
        ("store", "web", "service", "telemetry"),
        ("check", "local"),
        ("cli", "writer"),
    ),
    "providers": (
        ("errors", "complaints", "secrecy", "address", "expiry", "progress", "references", "token_shapes", "counted"),
        ("records", "schema", "variables", "pages", "third_party"),
        ("attempts", "catalogue", "http", "keys", "sink"),
        ("provider",),
        ("order", "concurrency", "reader", "described"),
        ("runner", "registry", "google", "microsoft"),
        ("collected",),
        ("testing",),
        ("aws", "azure", "gcp", "kubernetes", "ldap", "okta", "authentik", "google_workspace", "entra", "hostile"),
        ("stores",),
    ),
}
"""The rooms of a package, from the lowest floor up. A room is a folder, or a module at the package's top; it imports lower floors only."""


PACKAGES_BELOW = {"supervisor": (), "providers": (), "worker": ("supervisor", "providers"), "api": ("worker", "providers")}
"""The packages of ours that each package may import."""

LIBRARIES = {
    "supervisor": ("msgspec", "multiprocess"),
    "providers": ("msgspec", "structlog"),
    "providers/http": ("tenacity", "urllib3"),
    "providers/google": ("google",),
    "providers/microsoft": ("azure",),
    "providers/aws": ("boto3", "botocore", "moto", "werkzeug"),
    "providers/azure": ("azure",),
    "providers/gcp": ("google",),
    "providers/kubernetes": ("urllib3", "yaml"),
    "providers/ldap": ("ldap3",),
    "providers/expiry": ("cryptography",),
    "providers/okta": ("cryptography",),
    "providers/stores": ("botocore", "hvac", "urllib3"),
    "worker": ("cryptography", "msgspec", "structlog"),
    "worker/run": ("cronsim", "siphashc"),
    "worker/health": ("flask", "prometheus_client", "werkzeug"),
    "worker/store": ("psycopg", "psycopg_pool"),
    "worker/telemetry": ("opentelemetry", "prometheus_client", "requests"),
    "worker/web": ("flask", "gunicorn"),
    "worker/local": ("urllib3",),
    "api": ("authlib", "click", "flask", "gunicorn", "joserfc", "msgspec", "prometheus_client", "urllib3", "werkzeug", "yaml"),
}
"""The libraries that a package may import, and what a room of it may import besides."""


def floor_of(package: str, room: str) -> int:
    """The floor that a room stands on. Fails for a room that is on none."""
    return next(number for number, rooms in enumerate(FLOORS[package]) if room in rooms)


def room_of(module: str) -> str:
    """The room of a module of `worker` or `providers`; empty for the package itself."""
    return [*module.split("."), ""][1]


def arrows(package: str) -> dict[tuple[str, str], set[str]]:
    """(room, room that it imports) -> the modules that do."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in SOURCES:
        module = module_name(path)
        for name in imports(path) if module.split(".")[0] == package and room_of(module) else ():
            if name.split(".")[0] == package and room_of(name) != room_of(module):
                found.setdefault((room_of(module), room_of(name)), set()).add(module)
    return found


def files_that_test(path: str) -> list[str]:
    """The test files that are named after a module or import it; where there are none, those of the modules that import it."""
    tests = {found: imports(found) for found in (ROOT / "tests").rglob("test_*.py")}
    sources = {found: imports(found) for found in SOURCES}
    wanted = seen = {module_name(ROOT / path)}

    def of(files: dict[pathlib.Path, set[str]]) -> list[pathlib.Path]:
        return [found for found, names in files.items() if any(f"{name}.".startswith(f"{one}.") for name in names for one in wanted)]

    stem = pathlib.Path(path).stem
    named = [found for found in tests if found.parent == (ROOT / "tests" / path).parent and f"_{stem}." in found.name]
    while wanted and not (found := {*named, *of(tests)}):
        wanted = {module_name(importer) for importer in of(sources)} - seen
        seen = seen | wanted
    return sorted(str(one.relative_to(ROOT)) for one in found) if wanted else []


def picture() -> str:
    """Rooms, floors and arrows of each package that has rooms: what docs/architecture.md shows."""
    lines = []
    for package, floors in FLOORS.items():
        found = arrows(package)
        upwards = [pair for pair in found if floor_of(package, pair[0]) <= floor_of(package, pair[1])]
        rooms = sum(map(len, floors))
        lines.append(f"{package}/: {rooms} rooms, {len(floors)} floors, {len(found)} arrows, {len(upwards)} upwards")
        lines += [f"  floor {number}  {'  '.join(rooms)}" for number, rooms in reversed(list(enumerate(floors)))]
    return "\n".join(lines)


@pytest.mark.parametrize("package", FLOORS)
def test_a_room_imports_lower_floors_only(package):
    """A room on a floor of its own choosing, or an import upwards or sideways, fails by its name."""
    stray = {room_of(module_name(path)) for path in SOURCES if path.parts[len(ROOT.parts)] == package} - {""}
    assert stray == {room for floor in FLOORS[package] for room in floor}
    upwards = {pair: who for pair, who in arrows(package).items() if floor_of(package, pair[0]) <= floor_of(package, pair[1])}
    assert not upwards


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_arrows_point_one_way(path):
    """Providers know nothing of the rest; the supervisor knows nothing of clouds, SQL or Flask; SQL is in one place."""
    module = module_name(path)
    package, room = module.split(".")[0], room_of(module)
    allowed = {package, *PACKAGES_BELOW[package], *LIBRARIES[package], *LIBRARIES.get(f"{package}/{room}", ())}
    stray = {name.split(".")[0] for name in imports(path)} - allowed - sys.stdlib_module_names
    assert not stray, f"{module} may not import {sorted(stray)}: PACKAGES_BELOW and LIBRARIES above say what it may"


def test_no_library_is_allowed_that_nobody_imports():
    imported: dict[str, set[str]] = {}
    for path in SOURCES:
        package, room = module_name(path).split(".")[0], room_of(module_name(path))
        for key in (package, f"{package}/{room}"):
            imported.setdefault(key, set()).update(name.split(".")[0] for name in imports(path))
    assert {key: set(names) - imported[key] for key, names in LIBRARIES.items() if set(names) - imported[key]} == {}


def test_no_two_modules_import_each_other():
    """Not even round several corners, and not inside functions either."""
    names = {module_name(path) for path in SOURCES}
    graph = {module_name(path): _modules(imports(path), names) - {module_name(path)} for path in SOURCES}
    assert list(graphlib.TopologicalSorter(graph).static_order())


def _modules(imported: set[str], names: set[str]) -> set[str]:
    """The modules of ours among what is imported: a name out of a module is that module."""
    return {name if name in names else name.rpartition(".")[0] for name in imported} & names


DOMAIN = {"discovery", "provider", "providers", "entity", "entities", "scope", "scopes", "connector", "connectors"}


@pytest.mark.parametrize("path", [path for path in SOURCES if module_name(path).startswith("supervisor")], ids=module_name)
def test_the_supervisor_does_not_know_what_its_jobs_are_for(path):
    """Not in code, comments, docstrings or log lines: what is counted and how a run is called comes with the messages."""
    assert not DOMAIN & set(re.findall(r"[a-z]+", path.read_text().lower()))


SOURCE_ROOMS = FLOORS["providers"][8]
OTHERS = [path for path in SOURCES if not module_name(path).startswith("providers")]


@pytest.mark.parametrize("path", OTHERS, ids=module_name)
def test_other_packages_find_a_source_through_the_registry_only(path):
    """No module of the worker or the API names a provider's room: third parties' providers are found in the same way."""
    assert not {room_of(name) for name in imports(path) if name.startswith("providers.")} & set(SOURCE_ROOMS)


def test_only_job_processes_load_an_sdk():
    """An SDK costs up to a second and 150 MB. No module that any other process imports leads to one, over however many imports."""
    paths = {module_name(path): path for path in SOURCES}
    light = [
        name
        for name in paths
        if not name.startswith("providers.") or name.split(".")[-1] in {"__init__", "config", "catalogue", "provider"}
    ]
    reached, waiting = set(), [*light, "providers.registry", "providers.runner"]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += _modules(imports(paths[module], top_level_only=True), set(paths)) | _packages_of(module, set(paths))
    loading = {name for name in reached if SDKS & {name.split(".")[0] for name in imports(paths[name], top_level_only=True)}}
    assert loading == set()


def _packages_of(module: str, names: set[str]) -> set[str]:
    """The packages that Python imports before the module."""
    parts = module.split(".")
    return {".".join(parts[:end]) for end in range(1, len(parts))} & names


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_modules_are_small_and_named_by_a_noun(path):
    assert len(path.read_text().splitlines()) <= 300
    assert not FORBIDDEN_NAMES & set(module_name(path).split("."))


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_everything_public_says_what_it_is(path):
    """A module, and every public class and function of it, has a docstring."""
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree), "the module has no docstring"
    nameless = [
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert not nameless


NO_NOUN = re.compile(
    r"(of|in|on|at|by|for|from|with|without|to|into|under|over|after|before|as|until|since|among|between|through|per"
    r"|where|whether|what|which|who|whose)\b",
    re.IGNORECASE,
)
"""Words with which no docstring begins: its first words name what it describes."""


def docstrings(tree: ast.Module):
    """The docstrings of modules, classes, functions, fields and constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and (text := ast.get_docstring(node)):
            yield text
        body = getattr(node, "body", None)
        for before, after in itertools.pairwise(body) if isinstance(body, list) else ():
            assigns = (
                isinstance(before, ast.Assign | ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            )
            if assigns and isinstance(after.value.value, str):
                yield after.value.value


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_a_docstring_names_what_it_describes(path):
    assert [text for text in docstrings(ast.parse(path.read_text())) if len(text.split()) <= 3 or NO_NOUN.match(text)] == []


OLD_NAMES = {
    "told": "notified, result",
    "patience": "a time-out by its name",
    "spoken": "conversation",
    "parting": "close time-out",
    "obituary": "exit_report",
    "census": "process_tree",
    "effort": "cpu_activity",
    "heard": "received",
    "bury": "reap, tombstone",
    "orders": "ServiceConfig",
    "hello": "ReadyMessage",
    "breach": "violation",
    "errand": "deferred write",
    "desk": "RunDispatcher",
    "misdeed": "fault",
    "misdeeds": "faults",
}
"""Words that are no part of a name any more, and what the thing is called now. Add a word when its last use is renamed."""


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_old_names_do_not_come_back(path):
    tree = ast.parse(path.read_text())
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    names |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    words = {word.lower() for name in names for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    assert not words & OLD_NAMES.keys()


def test_the_registry_imports_no_sdk():
    """Every provider's class, config and catalogue can be had in a process without a single SDK in it."""
    import subprocess

    code = (
        "import sys; from providers import registry\n"
        "for name in registry.BUILT_IN: registry.get(name).resource_types()\n"
        f"found = sorted({SDKS!r} & {{m.split('.')[0] for m in sys.modules}})\n"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, timeout=60)


COMPATIBLE = [path for path in sorted((ROOT / "worker/store/migrations").glob("*.sql")) if path.name >= "0017"]
"""All migrations but the step from 07e0fda, which is one-way, and what stood before it."""


@pytest.mark.parametrize("path", COMPATIBLE, ids=lambda path: path.stem)
def test_a_migration_says_which_code_works_with_its_result(path):
    """The first line names the last migration that the release before had, or an older one (CONTRIBUTING.md, "A migration")."""
    number = path.name.partition("_")[0]
    line = re.match(r"-- works with: (\d{4})\n", path.read_text())
    assert line, f"the first line of {path.name} has to be: -- works with: {int(number) - 1:04}"
    assert line[1] < number, f"{path.name} works with itself only: an older worker beside it would stop"


if __name__ == "__main__":
    print("\n".join(files_that_test(sys.argv[1])) if sys.argv[1:] else picture())
