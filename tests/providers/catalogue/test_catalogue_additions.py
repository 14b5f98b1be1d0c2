"""A resource type is added by the lines of CONTRIBUTING.md in one file: nothing else has to change, for any provider."""

from __future__ import annotations

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

from providers import registry

ROOT = pathlib.Path(__file__).resolve().parents[3]
EXAMPLE = re.compile(r"<!-- executed by \S+: (\w+) type -->\n```python\n(.*?)```", re.DOTALL)
PLACE = re.compile(r"`(\w+)` (?:in|of) `(providers/\w+/[\w/]+\.py)`")
TYPES = """
import json
from providers import registry
names = sorted(set(registry.BUILT_IN) - {"hostile"})
print(json.dumps({name: [one.sub_type for one in registry.get(name).resource_types()] for name in names}))
"""


@functools.cache
def examples() -> dict[str, tuple[str, str, str]]:
    """Provider -> the tuple and the file that CONTRIBUTING names before the example, and the example."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return {one[1]: (*PLACE.findall(text[: one.start()])[-1], one[2]) for one in EXAMPLE.finditer(text)}


def with_line(source: str, name: str, declaration: str) -> str:
    """A module with the declaration as the last element of a tuple of its top level."""
    start = re.search(rf"^{name}\b.*= \($", source, re.MULTILINE)
    assert start, f"there is no tuple {name} over several lines"
    end = source.index("\n)", start.start())
    lines = "".join(f"\n    {line}" for line in declaration.rstrip().splitlines())
    return f"{source[:end]}{lines},{source[end:]}"


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The providers with the example of each added to its catalogue."""
    root = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "providers", root / "providers", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    for name, file, declaration in examples().values():
        path = root / file
        path.write_text(with_line(path.read_text(), name, declaration))
    return root


def ran(root: pathlib.Path, *command: str) -> str:
    done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_each_provider_of_discovery_or_directories_has_an_example():
    assert examples().keys() == registry.BUILT_IN.keys() - {"hostile"}
    assert all(len(declaration.strip().splitlines()) <= 5 for *_, declaration in examples().values())


def test_the_lines_of_the_example_are_all_that_a_type_takes(copy):
    """Each provider tells its users of one type more; the API, the docs and the source read that same list."""
    told = json.loads(ran(copy, "-c", TYPES))
    before = {name: [one.sub_type for one in registry.get(name).resource_types()] for name in told}
    added = {name: [one for one in types if one not in before[name]] for name, types in told.items()}
    assert added == {name: [re.search(r'"(\w+)"', block)[1]] for name, (*_, block) in examples().items()} | {
        "kubernetes": ["k8s_validating_admission_policy_binding"]
    }


def test_the_formatter_leaves_the_lines_as_they_are_written(copy):
    ran(copy, "-m", "ruff", "format", "--check", "--config", "pyproject.toml", *{file for _, file, _ in examples().values()})
    ran(copy, "-m", "ruff", "check", "--no-cache", "--config", "pyproject.toml", *{file for _, file, _ in examples().values()})
