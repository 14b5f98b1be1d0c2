"""The contract server refuses what Google's own description does not have, and answers nothing that is not of it."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from functools import cache

import pytest
from peers import google_refusals as refusals
from peers.google_contract import Google, contract

from providers.google import signin as google_signin
from providers.google.operator import GoogleOperator
from providers.variables import read

CLOUD = "https://www.googleapis.com/auth/cloud-platform"
INSTANCES = "/compute/v1/projects/p/aggregated/instances"


@pytest.fixture
def plain():
    """Over plain http, and free to violate."""
    with contract(Google()) as google:
        yield google


@cache
def signed_in(google: Google, scopes: tuple[str, ...]) -> google_signin.Signin:
    return google_signin.sign_in(read(GoogleOperator, google.operator), scopes, key=google.key())


def ask(google: Google, path: str, body: dict | None = None, *, scopes: tuple[str, ...] = (CLOUD,), **query) -> dict:
    """The answer, with the status of a refusal as `refused`."""
    token = signed_in(google, scopes).headers()
    url = f"{google.url}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")
    request = urllib.request.Request(url, json.dumps(body).encode() if body is not None else None, token)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read())
    except urllib.error.HTTPError as error:
        return {"refused": error.code, **json.loads(error.read())}


def everything(google: Google, path: str, field: str, **query) -> list:
    found, token = [], {}
    while True:
        page = ask(google, path, **query, **token)
        found.append(page.get(field))
        if "nextPageToken" not in page:
            return found
        token = {"pageToken": page["nextPageToken"]}


def test_a_list_is_paged_and_an_empty_one_has_no_field(plain):
    plain.items["iam.projects.serviceAccounts.list"] = [{"email": f"{number}@p"} for number in range(7)]
    pages = everything(plain, "/v1/projects/p/serviceAccounts", "accounts")

    assert [len(page) for page in pages] == [3, 3, 1]
    assert ask(plain, "/storage/v1/b", project="p") == {}
    assert not plain.violations


def test_an_aggregated_list_is_paged_across_its_scopes(plain):
    plain.items["compute.instances.aggregatedList"] = {
        "zones/a": [{"name": f"a{n}"} for n in range(4)],
        "zones/b": [{"name": "b"}],
        "zones/c": [],
    }
    plain.extra["compute.instances.aggregatedList"] = {"unreachables": ["zones/d"]}
    first, second = everything(plain, INSTANCES, "items", maxResults=500)

    assert [one["name"] for one in first["zones/a"]["instances"]] == ["a0", "a1", "a2"]
    assert first["zones/c"]["warning"]["code"] == "NO_RESULTS_ON_PAGE"
    assert {scope: len(part["instances"]) for scope, part in second.items()} == {"zones/a": 1, "zones/b": 1}
    assert not plain.violations


@pytest.mark.parametrize(
    ("path", "query", "words"),
    [
        ("/compute/v1/projects/p/aggregated/instancez", {}, "is not a method of"),
        (INSTANCES, {"maxresults": 3}, "unknown parameter maxresults"),
        (INSTANCES, {"maxResults": "many"}, "not an integer"),
        ("/admin/directory/v1/users", {"maxResults": 501}, "not from 1 to 500"),
        (INSTANCES, {"returnPartialSuccess": "yes"}, "not a boolean"),
        (INSTANCES, {"fields": "items/*/instances(name,nme)"}, "Invalid field selection items/*/instances/nme"),
        ("/storage/v1/b", {}, "the parameter project is missing"),
        ("/storage/v1/b", {"project": "p", "projection": "everything"}, "not one of"),
    ],
)
def test_what_the_document_does_not_have_is_refused_and_remembered(plain, path, query, words):
    answer = ask(plain, path, **query)

    assert answer["refused"] in (400, 404)
    assert words in answer["error"]["message"]
    assert words in plain.violations[0]


@pytest.mark.parametrize(
    ("item", "words"),
    [
        ({"nmae": "x"}, "items.zones/a.instances[0].nmae is unknown"),
        ({"id": 17}, "is a int, not a uint64"),
        ({"id": "seventeen"}, "not a number in a string"),
        ({"status": "SLEEPY"}, "not one of"),
        ({"labels": {"a": 1}}, "is a int, not a string"),
        ({"tags": {"items": "web"}}, "is a str, not a array"),
    ],
)
def test_an_answer_that_is_none_of_googles_is_the_tests_own_fault(plain, item, words):
    plain.items["compute.instances.aggregatedList"] = {"zones/a": [item]}
    ask(plain, INSTANCES)

    assert words in plain.violations[0]


def test_fields_and_bodies_are_understood(plain):
    plain.items["compute.instances.aggregatedList"] = {
        "zones/a": [{"name": "a", "id": "1", "tags": {"items": ["web"], "fingerprint": "x"}}]
    }
    plain.items["cloudresourcemanager.projects.getIamPolicy"] = lambda call: {"version": call.body["options"]["requestedPolicyVersion"]}
    policy = ask(plain, "/v3/projects/p:getIamPolicy", {"options": {"requestedPolicyVersion": 3}})
    seen = ask(plain, INSTANCES, fields="nextPageToken,items/*/instances(name,tags/items)")

    assert policy == {"version": 3}
    assert seen == {"items": {"zones/a": {"instances": [{"name": "a", "tags": {"items": ["web"]}}]}}}
    assert ask(plain, "/v3/projects/p:getIamPolicy", {"option": 1})["refused"] == 400
    assert plain.violations == ["cloudresourcemanager.projects.getIamPolicy: .option is unknown"]


def test_a_page_token_is_bound_to_its_list(plain):
    plain.items["compute.firewalls.list"] = plain.items["compute.networks.list"] = [{"name": f"n{n}"} for n in range(4)]
    token = ask(plain, "/compute/v1/projects/p/global/firewalls")["nextPageToken"]

    assert len(ask(plain, "/compute/v1/projects/p/global/firewalls", pageToken=token)["items"]) == 1
    assert ask(plain, "/compute/v1/projects/p/global/networks", pageToken=token)["refused"] == 400


def test_a_token_must_have_a_scope_of_the_method(plain):
    answer = ask(plain, "/storage/v1/b", project="p", scopes=("https://www.googleapis.com/auth/compute.readonly",))

    assert answer["refused"] == 403
    assert answer["error"]["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_a_call_is_refused_as_often_as_it_is_said(plain):
    with plain.failing(refusals.THROTTLED, "storage.buckets.list", times=1):
        assert ask(plain, "/storage/v1/b", project="p")["refused"] == 429
        assert ask(plain, "/storage/v1/b", project="p") == {}
    with plain.failing(refusals.denied("storage.buckets.list"), lambda call: call.query.get("project") == "q"):
        assert ask(plain, "/storage/v1/b", project="p") == {}
        assert ask(plain, "/storage/v1/b", project="q")["refused"] == 403
