"""The worked examples of CONTRIBUTING.md, executed: whoever follows them gets what they promise."""

from __future__ import annotations

import importlib
import os
import pathlib
import re
import subprocess
import sys

import catalogue_suite
import pytest
import rooms_table
from peers.service import Part, environment, get
from test_house import FLOORS

ROOT = pathlib.Path(__file__).resolve().parents[2]


def example(name: str) -> str:
    """The code block that stands below the marker of that name."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    found = re.search(rf"<!-- executed by \S+: {name} -->\n```\w+\n(.*?)```", text, re.DOTALL)
    assert found, f"CONTRIBUTING.md has no example '{name}'"
    return found[1]


def test_the_table_of_folders_names_each_room_on_its_floor():
    expected = {(package, number): sorted(floor) for package, floors in FLOORS.items() for number, floor in enumerate(floors)}
    named = rooms_table.rooms((ROOT / "CONTRIBUTING.md").read_text())
    assert {floor: sorted(rooms) for floor, rooms in named.items()} == expected


def test_the_last_column_of_the_table_is_filled_from_the_rules():
    stale = "| `worker/` | the service | `api/` |\n| floor 3 of `worker/` | `store/` all SQL | anything |\n| `tests/` | tests | anything |"
    package, floor, other = rooms_table.filled(stale).split("\n")
    assert package == "| `worker/` | the service | `supervisor/`, `providers/`; `cryptography`, `msgspec`, `structlog` |"
    assert floor.startswith("| floor 3 of `worker/` | `store/` all SQL | floors 0 to 2; `store/`: `psycopg`, `psycopg_pool`; ")
    assert other == "| `tests/` | tests | anything |"


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


OTHERS = {
    "azure": ("providers.azure.types.network", "test_azure_catalogue"),
    "gcp": ("providers.gcp.declaration", "test_gcp_catalogue"),
    "okta": ("providers.okta.catalogue", "test_okta_catalogue"),
    "authentik": ("providers.authentik.catalogue", "test_authentik_catalogue"),
    "google_workspace": ("providers.google_workspace.catalogue", "test_google_workspace_catalogue"),
    "entra": ("providers.entra.catalogue", "test_entra_catalogue"),
}


@pytest.mark.parametrize("provider", OTHERS)
def test_a_resource_type_of_each_provider_is_checked_against_its_vendors_description(provider, monkeypatch):
    """One declaration of at most five lines, and each of its words misspelt is named."""
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "providers" / provider))
    words, checks = (importlib.import_module(name) for name in OTHERS[provider])
    suite, block = checks.TestCatalogue(), example(f"{provider} type")
    kind = eval(block, vars(words).copy())

    assert len(block.strip().splitlines()) <= 5
    assert suite.faults(kind) == []
    for what, misspelt in catalogue_suite.misspellings(kind, suite.listing_words):
        assert any(catalogue_suite.TYPO in fault for fault in suite.faults(misspelt)), what


def test_a_kind_of_kubernetes_is_checked_against_the_servers_description(kube, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "tests" / "providers" / "kubernetes"))
    from kube_description import KubeDescription
    from test_kubernetes_catalogue import TestCatalogue

    from providers.kubernetes import catalogue

    suite, block = TestCatalogue(), example("kubernetes type")
    suite.description = KubeDescription(kube)
    kind = eval(block, vars(catalogue).copy())
    assert len(block.strip().splitlines()) <= 5
    assert suite.faults(kind) == []


def test_the_example_is_as_short_as_it_says():
    lines = [
        line
        for line in example("provider").splitlines()
        if line.strip() and not line.startswith(("from ", "import ")) and '"""' not in line
    ]
    assert len(lines) <= 30


def test_the_installed_provider_is_known_by_its_name(package):
    code = "from providers import registry; print(registry.load('library').title)"
    done = subprocess.run([sys.executable, "-c", code], env=package, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "Library"


def variables() -> dict[str, str]:
    """The variables of the connector example, as Docker's env files have them: with the comments."""
    return dict(line.split("=", 1) for line in example("connector").splitlines())


def command(package: dict[str, str], *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """``elder-worker`` beside the installed package."""
    env = environment({"PYTHONPATH": package["PYTHONPATH"], **environ})
    return subprocess.run(
        [sys.executable, "-m", "worker.cli", *arguments], env=env, capture_output=True, text=True, timeout=100, check=False
    )


def test_the_installed_connector_is_documented(package):
    done = command(package, "settings")

    section = done.stdout.partition("## Library\n")[2]
    rows = [line.split("|")[1].strip(" `") for line in section.splitlines() if line.startswith("| `")]
    assert rows == ["LIBRARY_ENABLED", "LIBRARY_SYNC_INTERVAL", "LIBRARY_BRANCH", "LIBRARY_KEY"]
    assert "Key to the branch's door. Secret: also as `LIBRARY_KEY_FILE`." in section
    assert "# LIBRARY_BRANCH=\n" in command(package, "settings", "--format", "env").stdout


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"LIBRARY_KEY": ""}, "LIBRARY_ENABLED=true needs LIBRARY_KEY"),
        ({"LIBRARY_KYE": "x"}, "unknown setting LIBRARY_KYE, did you mean LIBRARY_KEY?"),
        ({"LIBRARY_SYNC_INTERVAL": "5"}, "LIBRARY_SYNC_INTERVAL: must be at least 10 (it is '5')"),
        ({"LIBRARY_ENABLED": "perhaps"}, "LIBRARY_ENABLED: must be true or false (it is 'perhaps')"),
    ],
)
def test_the_installed_connectors_mistakes_stop_the_start(package, changes, complaint):
    done = command(package, "check", **{**variables(), **changes})

    assert (done.returncode, done.stderr) == (78, f"elder-worker: {complaint}\n")


def test_the_installed_connector_is_checked(package):
    environ = {**variables(), "ELDER_API_URL": "http://127.0.0.1:9"}
    assert "✓ Library connection successful\n    as reader\n" in command(package, "check", "--verbose", **environ).stdout
    refused = command(package, "check", **{**environ, "LIBRARY_KEY": "open sesame"}).stdout
    assert "✗ Library connection failed: the library does not accept the key: ask the librarian for a new one" in refused
    assert "✗ Library: disabled" in command(package, "check", **{**environ, "LIBRARY_ENABLED": "false"}).stdout


def test_the_installed_connector_syncs(package, api, tmp_path):
    """Into the Elder API, by a worker that has no database; its settings are in /status, and its key is not."""
    environ = {**variables(), "ELDER_API_URL": api.url, "PYTHONPATH": package["PYTHONPATH"]}
    worker = Part(tmp_path / "worker.log", "run", environ, "HEALTH_CHECK_PORT")
    synced = worker.wait(lambda: (one := worker.connector("library")).get("last_sync_at") and one["status"] != "running" and one, "a sync")
    status = get(f"{worker.url}/status")
    worker.stop()

    assert (synced["status"], synced["entities"]["created"]) == ("completed", 2), synced
    names = {one["name"] for one in get(f"{api.url}/api/v1/entities?sub_type=library_book")["entities"]}
    assert names == {"Faust", "Emma"}
    shown = status["settings"]
    assert (shown["library_enabled"], shown["library_sync_interval"], shown["library_branch"]) == (True, 3600, "city")
    assert "sesame" not in str(status) + worker.log.read_text()


def test_a_connector_whose_package_is_broken_stops_the_start(package):
    broken = pathlib.Path(package["PYTHONPATH"].partition(os.pathsep)[0]) / "elder_library.py"
    broken.write_text("import nothing_of_that_name\n")
    done = command(package, "check", **variables())

    assert done.returncode == 78
    assert "LIBRARY_ENABLED is set, and provider 'library' cannot be loaded (ModuleNotFoundError" in done.stderr
    assert "✗ Library" not in command(package, "check", ELDER_API_URL="http://127.0.0.1:9").stdout
