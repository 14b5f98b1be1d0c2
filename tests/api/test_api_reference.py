"""The page of the API: whatever the OpenAPI document has stands there, and every link leads somewhere."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from api.endpoints import document
from api.reference import parts, shapes

BROWSER = {"Accept": "text/html"}


@pytest.fixture
def shown(elder) -> str:
    answer = elder.call("GET", "/api/docs", headers=BROWSER)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_every_operation_and_every_schema_is_on_the_page(shown):
    ids = re.findall(r'id="([^"]+)"', shown)
    operations = [operation["operationId"] for path in document()["paths"].values() for operation in path.values()]
    assert {*operations} <= {*ids}
    assert {f"schema-{key}" for key in document()["components"]["schemas"]} <= {*ids}
    assert len(ids) == len({*ids})


def test_every_link_on_the_page_leads_to_something_on_it(shown):
    ids, links = {*re.findall(r'id="([^"]+)"', shown)}, {*re.findall(r'href="#([^"]+)"', shown)}
    assert len(links) > 60
    assert links <= ids


def test_an_operation_names_the_errors_that_it_has_and_each_is_explained(shown):
    [found] = re.findall(r'<p id="make_key">.*?</p>', shown, re.DOTALL)
    assert re.findall(r'href="#error-(\d+)"', found) == ["400", "401", "403", "404", "409", "413", "415", "429", "503"]
    assert re.search(r'<tr id="error-409"><td>409</td><td>What is there does not allow it, as an equal name', shown)


def test_an_operation_says_who_may_call_it_and_how(shown):
    [found] = re.findall(r'<p id="make_key">.*?</details>', shown, re.DOTALL)
    assert "Role: admin." in found
    assert '<a href="#schema-KeyBody">KeyBody</a>' in found
    assert "-X POST" in found
    assert "expires_in_days" in found


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "date-time"}, "time"),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, "whole number or null"),
        ({"enum": ["a", "b"]}, '"a" or "b"'),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Job"}}, "list of Job"),
        ({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]}, "list: text, number"),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, "object of whole number"),
        ({"type": "object", "additionalProperties": False}, "object"),
        ({}, "any JSON"),
    ],
)
def test_a_type_in_words(schema, words):
    assert "".join(part.text for part in parts(schema)) == words


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("name", "1 to 200 characters, matches `\\S`"),
        ("schedule_interval", "60 to 31,536,000"),
        ("queue", '1 to 100 characters, matches `^[\\w.-]+$`, default `"default"`'),
        ("copy_of", "at least 1"),
        ("description", ""),
    ],
)
def test_the_bounds_of_a_field_in_words(name, limits):
    [body] = [shape for shape in shapes(document()) if shape.key == "JobBody"]
    assert {field.name: field.limits for field in body.fields}[name] == limits


@pytest.mark.peer("chromium")
def test_a_link_to_a_schema_opens_it(visit):
    page = visit("/api/docs", viewport={"width": 1200, "height": 900})
    page.get_by_text("Make a discovery job").click()
    expect(page.get_by_label("A command that calls it").filter(visible=True)).to_contain_text(
        "arn:aws:iam::123456789012:role/elder-discovery"
    )
    page.get_by_role("link", name="JobBody").filter(visible=True).first.click()
    expect(page.get_by_text("Times at which the job runs, in place of an interval").first).to_be_in_viewport()


@pytest.mark.peer("chromium")
def test_the_reference_is_linked_from_every_page_also_on_a_phone(visit):
    page = visit("/entities", viewport={"width": 390, "height": 844})
    page.get_by_text("More", exact=True).click()
    link = page.get_by_role("link", name="API", exact=True).filter(visible=True)
    expect(link).to_have_count(1)
    link.click()
    expect(page).to_have_url(re.compile("/api/docs$"))
