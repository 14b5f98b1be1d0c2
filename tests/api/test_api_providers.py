"""The list of providers in the API and on its page: with third parties' packages, and with those that cannot be used."""

from __future__ import annotations

import msgspec
import pytest

from providers import described, registry
from providers.provider import Description
from worker.store import descriptions
from worker.store.connection import connect

BROWSER = {"Accept": "text/html"}
CONFIG = {"type": "object", "properties": {"key": {"type": "string", "secret": True}}, "required": ["key"]}


def library(**changes) -> Description:
    return Description(**{"name": "library", "title": "Library", "config": CONFIG, "package": "a" * 64, **changes})


@pytest.fixture
def stored(database, elder):
    """Stores descriptions and problems as a worker does."""
    connection = connect(database, "test")
    yield lambda *found, **problems: descriptions.store(connection, found, problems)
    connection.close()


def shown(elder) -> dict[str, dict]:
    return {one["name"]: one for one in elder.get("providers")["providers"]}


def test_the_built_in_providers_are_listed_first(elder, stored):
    found = [one["name"] for one in elder.get("providers")["providers"]]
    assert found == list(registry.BUILT_IN)
    assert shown(elder)["aws"]["resource_types"] > 100


def test_case_sec_2_a_package_is_listed_by_its_description(elder, stored):
    stored(library())
    assert shown(elder)["library"] == {
        "name": "library",
        "title": "Library",
        "built_in": False,
        "enabled": True,
        "discovery": True,
        "connector": False,
        "resource_types": 0,
        "problem": "",
    }


def test_case_sec_2_a_package_that_cannot_be_used_is_listed_with_its_reason(elder, stored):
    """One that never could, and one that could until it was upgraded; nothing else is touched."""
    stored(library(), odd="provider 'odd' cannot be used (it hangs)")
    stored(library=f"provider 'library' cannot be used ({'x' * 5000})")
    found = shown(elder)
    assert (found["odd"]["problem"], found["odd"]["discovery"]) == ("provider 'odd' cannot be used (it hangs)", False)
    assert found["library"]["problem"].startswith("provider 'library' cannot be used (xxx")
    assert len(found["library"]["problem"]) == 2000
    assert [one["problem"] for one in found.values() if one["built_in"]] == [""] * len(registry.BUILT_IN)

    stored(library())
    assert shown(elder)["library"]["problem"] == "", "mended"


def test_case_sec_2_a_job_of_a_package_is_accepted_as_soon_as_the_description_is_stored(elder, stored):
    """A request about a third party's provider reads what is stored, so that no earlier answer is waited for."""
    job = {"name": "books", "provider": "library", "config": {"key": "sesame"}}
    refused = elder.call("POST", "discovery/jobs", job)
    assert (refused.status_code, "unsupported provider 'library'" in refused.json["error"]) == (400, True)

    stored(library())
    assert elder.post("discovery/jobs", job)["config"]["key"] == "***REDACTED***"

    stored(library(package="b" * 64, config={**CONFIG, "properties": {**CONFIG["properties"], "floor": {"type": "integer"}}}))
    made = elder.post("discovery/jobs", {"name": "more", "provider": "library", "config": {"key": "sesame", "floor": 2}})
    assert made["config"]["floor"] == 2, "the upgraded package's key"


def test_case_sec_2_what_no_database_stores_keeps_no_worker_from_starting(elder, stored, log_lines):
    stored(library(title="a\0b"), **{"n" * 9000: "long", "a\0b": "a name\ud800 with NUL"})
    assert "package of provider 'library' could not be stored" in str(log_lines)
    assert {name for name in shown(elder) if name not in registry.BUILT_IN} == {"n" * 100, "a?b"}


def test_the_page_shows_each_provider_and_each_reason(elder, stored):
    stored(library(title="<b>Library</b>"), odd="provider 'odd' cannot be used (<script>)")
    page = elder.call("GET", "/providers", headers=BROWSER).get_data(as_text=True)
    assert "&lt;b&gt;Library&lt;/b&gt;" in page
    assert "cannot be used (&lt;script&gt;)" in page
    choice = elder.call("GET", "/jobs/new", headers=BROWSER).get_data(as_text=True)
    assert "/jobs/new?provider=library" in choice
    assert "provider=odd" not in choice


def test_a_stored_description_is_read_as_it_was_written():
    provider = described.read("library", msgspec.json.encode(library()))
    assert provider == library()
