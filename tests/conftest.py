"""Fixtures that all tests share; those of one kind of peer are in tests/peers/."""

from __future__ import annotations

import inspect
import pathlib
import re
import signal

import pytest
import structlog
from hypothesis import settings

from providers import registry

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it, and so would all that is started here

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")

HARNESS = pathlib.Path(__file__).parent / "harness"
pytest.register_assert_rewrite("providers.testing", *(path.stem for path in HARNESS.glob("*.py")))  # their asserts tell what they compared

pytest_plugins = [
    "workbench_fixture",
    "peers.moto",
    "peers.openbao",
    "peers.aws_proxy",
    "peers.certificates",
    "peers.arm",
    "peers.graph",
    "peers.google_contract",
    "peers.google_cloud",
    "peers.postgres",
    "peers.tcp_proxy",
    "peers.pgbouncer",
    "peers.kube",
    "peers.kube_proxy",
    "peers.connect_proxy",
    "peers.slapd",
    "peers.samba",
    "peers.ds389",
    "peers.elder",
    "peers.image",
    "peers.service",
    "peers.okta",
    "peers.authentik",
    "peers.identity",
    "peers.false_identity",
    "peers.recorded",
    "peers.receiver",
    "peers.otlp",
    "peers.browser",
    "peers.journey",
]

PROCESSES = re.compile(
    r"^\s*(?:from|import) (?:driver|workers|workbench|peers|bench|subprocess|threading|providers\.hostile)\b", re.MULTILINE
)
"""Imports of a test module that starts processes, talks to peers or waits for threads."""

SECONDS_LONG = {
    "test_every_word_of_every_kind_is_the_vendors",
    "test_a_typo_in_any_word_is_named",
    "test_c04_any_json_as_any_frame",
    "test_every_list_is_exact_or_raises",
    "test_it_finds_what_was_added_and_nothing_else",
    "test_the_steps_applied_to_the_old_value_give_the_new_one",
}
"""Tests that need no peer and yet take several seconds."""


@pytest.fixture
def log_lines():
    """The log lines of the test, whatever level and outlet another test of this process has configured."""
    before = structlog.get_config()
    structlog.reset_defaults()
    with structlog.testing.capture_logs() as captured:
        yield captured
    structlog.configure(**before)


@pytest.fixture(autouse=True)
def _adopted_providers():
    """Forgets the descriptions of third parties' providers that a test has adopted."""
    yield
    if registry._described:
        registry._described.clear()
        registry.get.cache_clear()


def pytest_addoption(parser):
    """The option by which the golden output of the command `elder` is written anew (CONTRIBUTING.md, "The output of a command")."""
    parser.addoption("--renew-golden", action="store_true", help="write the files in tests/api/golden/ anew")


def pytest_ignore_collect(collection_path, config):
    """Leaves modules that have no fast test out of a fast run: to import them would take longer than the tests."""
    if config.getoption("markexpr") == "fast" and collection_path.match("test_*.py") and PROCESSES.search(collection_path.read_text()):
        return True
    return None


def pytest_collection_modifyitems(items):
    """Marks as fast each test that needs no peer and starts no process: neither its module nor its fixtures come from where those are."""
    slow_modules = {module: bool(PROCESSES.search(inspect.getsource(module))) for module in {item.module for item in items}}
    for item in items:
        definitions = [one for found in item._fixtureinfo.name2fixturedefs.values() for one in found]
        homes = {definition.func.__module__ for definition in definitions}
        if (
            item.originalname not in SECONDS_LONG
            and not slow_modules[item.module]
            and not any(home.startswith(("peers.", "workbench")) for home in homes)
        ):
            item.add_marker(pytest.mark.fast)
