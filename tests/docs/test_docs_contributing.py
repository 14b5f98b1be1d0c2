"""The worked examples of CONTRIBUTING.md, executed: whoever follows them gets what they promise."""

from __future__ import annotations

import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def example(name: str) -> str:
    """The code block that stands below the marker of that name."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    found = re.search(rf"<!-- executed by \S+: {name} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"CONTRIBUTING.md has no example '{name}'"
    return found[1]


@pytest.fixture
def package(tmp_path):
    """The provider of example 2, made a package as in example 3 and installed into a folder of its own."""
    source, installed = tmp_path / "source", tmp_path / "installed"
    source.mkdir()
    (source / "elder_library.py").write_text(example("provider"))
    (source / "pyproject.toml").write_text(example("package"))
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index", "--target", installed, source]
    subprocess.run(pip, check=True, timeout=100)
    return {**os.environ, "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"}


def test_a_provider_in_thirty_lines_installed_as_a_package_passes_the_suite(package, tmp_path):
    (tmp_path / "test_library.py").write_text(example("suite"))
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
        "--rootdir",
        tmp_path,
        tmp_path / "test_library.py",
    ]
    done = subprocess.run(command, env=package, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)


@pytest.fixture
def kind():
    from providers.aws.declaration import AwsKind

    return eval(example("aws type"), {"AwsKind": AwsKind})


@pytest.fixture
def checks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "providers" / "aws"))
    import test_aws_catalogue

    return test_aws_catalogue


def test_a_resource_type_in_five_lines_is_checked_against_botocore(kind, checks):
    assert checks.TestCatalogue().faults(kind) == []
    checks.test_whatever_can_be_paged_is_paged(kind)
    assert len(example("aws type").strip().splitlines()) <= 5


def test_a_misspelt_field_fails(kind, checks):
    import msgspec

    (fault,) = checks.TestCatalogue().faults(msgspec.structs.replace(kind, name="VaultNmae"))
    assert "there is no VaultNmae" in fault


def test_the_example_is_as_short_as_it_says():
    lines = [
        line
        for line in example("provider").splitlines()
        if line.strip() and not line.startswith(("from ", "import ")) and '"""' not in line
    ]
    assert len(lines) <= 30


def test_the_installed_provider_is_known_by_its_name(package):
    code = "from providers import registry; print(registry.get('library').title)"
    done = subprocess.run([sys.executable, "-c", code], env=package, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "Library"
