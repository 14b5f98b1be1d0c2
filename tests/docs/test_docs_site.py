"""The documentation as a site: built from what is in the repository, with no link that leads nowhere and no request to another host."""

from __future__ import annotations

import importlib.util
import json
import pathlib
import re

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def site():
    """deploy/site.py, which is not a module of a package."""
    spec = importlib.util.spec_from_file_location("site_of_the_docs", ROOT / "deploy" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def built(site, tmp_path_factory):
    """The folder of a site that was built; the generator has found nothing wrong, as it is told to be strict."""
    folder = tmp_path_factory.mktemp("site")
    assert site.build(folder) == 0
    return folder / "site"


def test_every_page_is_in_the_navigation_and_is_built(site, built):
    def pages(part):
        return [part] if isinstance(part, str) else [one for value in part for inner in value.values() for one in pages(inner)]

    listed = pages(yaml.safe_load(re.sub(r"!!python/\S+", "", (ROOT / "mkdocs.yml").read_text()))["nav"])
    assert sorted(listed) == sorted(site.pages())
    assert {pathlib.Path(page).with_suffix(".html").name for page in listed} <= {path.name for path in built.glob("*.html")}


def test_no_page_asks_another_host(built):
    """Fonts, scripts and styles are the site's own."""
    for path in built.glob("*.html"):
        assert not re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"?(?:https?:)?//[^\s\">]+", path.read_text()), path.name


def test_every_image_is_part_of_the_site(built):
    """A page asks for no image that is not there."""
    asked = {source for path in built.glob("*.html") for source in re.findall(r"<img[^>]+src=\"?([^\s\">]+)", path.read_text())}
    assert {"images/home-light.webp", "images/run-dark.webp"} <= asked
    assert not [source for source in asked if not (built / source).exists()]


def test_the_search_knows_a_setting(built):
    assert "DISCOVERY_MAX_CONCURRENT" in json.dumps(json.loads((built / "search.json").read_text()))


@pytest.mark.parametrize("link", ["[nothing](nowhere.md)", "[nothing](api.md#no-such-heading)", "[nothing](#no-such-heading)"])
def test_a_link_that_leads_nowhere_fails_the_build(site, tmp_path, monkeypatch, capfd, link):
    monkeypatch.setattr(site, "pages", lambda: {"index.md": f"# Page\n\n{link}\n", "api.md": "# API\n"})
    assert site.build(tmp_path) != 0
    assert "does not exist" in capfd.readouterr().err


def test_a_link_to_a_file_that_is_no_page_becomes_its_name(site):
    assert site.relinked("[alerts](../deploy/prometheus/alerts.yaml)", "docs") == "alerts (`deploy/prometheus/alerts.yaml`)"
    assert site.relinked("[deploy/](deploy/)", "") == "`deploy`"
    assert site.relinked("[API](docs/api.md#keys)", "") == "[API](api.md#keys)"
    assert site.relinked("[this](../README.md)", "docs") == "[this](index.md)"
    assert site.relinked("![The page](docs/images/run-light.webp)", "") == "![The page](images/run-light.webp)"
    assert site.relinked("[elsewhere](https://example.com/a)", "docs") == "[elsewhere](https://example.com/a)"
