"""The search language of entities: what each term finds, in the API, and the sentence for what cannot be read."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb

from api.search import SearchError, parse
from worker.store.search import Term

ROWS = (
    (
        "web-1",
        "ec2_instance",
        {"team": "payments", "stage": "prod"},
        {"State": {"Name": "running"}, "Cpus": 4, "Ebs": True, "Kernel": None},
    ),
    ("web-2", "ec2_instance", {"team": "Payments", "stage": "test"}, {"State": {"Name": "stopped"}, "Cpus": "4"}),
    (
        "db",
        "rds_instance",
        {"app.kubernetes.io/name": "db", "a=b": 'say "hi"'},
        {"Groups": [{"Id": "sg-1"}, {"Id": "sg-2"}], "a.b": {"c": ""}},
    ),
    ("tags:odd", "vpc", {}, {"Cidrs": ["10.0.0.0/8"]}),
)


@pytest.fixture
def inventory(sql):
    """Four entities in two organizations, the second below the first."""
    sql.execute("insert into organizations (id, parent_id, name) values (1, null, 'Top'), (2, 1, 'Cloud team')")
    for n, (name, sub_type, tags, attributes) in enumerate(ROWS):
        sql.execute(
            "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, account, region, tags, attributes, "
            "scope_id, key, content) values (%s, %s, %s, %s, %s, %s, '1', %s, %s, %s, 1, 1, 1)",
            [
                1 + (n == 3),
                f"arn:aws:x::{n}",
                "network" if sub_type == "vpc" else "compute",
                sub_type,
                name,
                "gcp" if n == 3 else "aws",
                "" if n == 3 else "eu-west-1",
                Jsonb(tags),
                Jsonb(attributes),
            ],
        )


FOUND = {
    "": "0123",
    "web": "01",
    "WEB 1": "01",
    "web -2": "0",
    "-web": "23",
    "arn:aws:x::2": "2",
    '"tags:odd"': "3",
    "tag:team": "01",
    "tag:team=payments": "0",
    'tag:"team"="payments"': "0",
    "-tag:team=payments": "123",
    "-tag:team": "23",
    "tag:app.kubernetes.io/name=db": "2",
    'tag:"a=b"="say \\"hi\\""': "2",
    "attr:State.Name=running": "0",
    "attr:State.Name": "01",
    "-attr:State.Name=running": "123",
    "attr:Cpus=4": "01",
    "attr:Ebs=true": "0",
    "attr:Kernel=null": "0",
    "attr:Groups.Id=sg-2": "2",
    "attr:Cidrs=10.0.0.0/8": "3",
    'attr:"a.b".c=': "2",
    "type:ec2_instance": "01",
    "type:compute": "012",
    "TYPE:vpc": "3",
    "provider:AWS": "012",
    "region:eu-west-1 -type:ec2_instance": "2",
    'region:""': "3",
    "account:1": "0123",
    "org:top": "0123",
    'org:"Cloud team"': "3",
    '-org:"Cloud team"': "012",
    "type:ec2_instance tag:stage=prod attr:State.Name=running": "0",
    "-": "01",
    "%": "",
    "'; drop table entities; --": "",
}


def test_every_term(elder, inventory):
    for search, found in FOUND.items():
        answer = elder.get("entities", query_string={"q": search})
        assert "".join(one["external_id"][-1] for one in answer["entities"]) == found, search
        assert answer["total"] == len(found)


UNREADABLE = (
    ("web tags:team", "character 5, `tags:team`", "there is no field `tags`; perhaps `tag:` is meant", "tag:team=payments"),
    ("name:web", "character 1", "searched for by a word alone", "web -test"),
    ("tag:", "character 1, `tag:`", "`tag:` needs a name", "tag:team=payments"),
    ("tag:=payments", "character 1", "`tag:` needs a name", "tag:team=payments"),
    ("x -type:", "character 3, `-type:`", "`type:` needs a value", "type:ec2_instance"),
    ("attr:State.=running", "character 1", "a name is missing after the dot", "attr:State.Name=running"),
    ('tag:team="pay', 'character 10, `"pay`', "the quote is not closed", "tag:team=payments"),
    ('"web"x', 'character 1, `"web"x`', "a blank must follow", 'org:"Cloud team"'),
    ("web org:nobody", "character 5, `org:nobody`", "there is no organization named 'nobody'", 'org:"Cloud team"'),
    ("a " * 21, "character 41", "at most 20 terms", "web -test"),
    ("a" * 1001, "1001 characters", "at most 1000", "web -test"),
)


def test_what_cannot_be_read_is_named_by_its_place(elder, inventory):
    for search, place, sentence, example in UNREADABLE:
        answer = elder.get("entities", 400, query_string={"q": search})
        assert place in answer["error"]
        assert sentence in answer["error"]
        assert answer["details"] == [f"for example: {example}"]


HOSTILE = ('"', '\\"', "tag:a=\\", 'attr:"".b=1', "tag:\u2028=\u202e", "attr:a=1e999", "attr:a=NaN", "attr:a=-0.5", "é:ü")


def test_no_text_breaks_the_database(elder, inventory):
    assert {elder.call("GET", "entities", query_string={"q": text}).status_code for text in HOSTILE} <= {200, 400}


def test_terms_are_plain_values():
    assert parse('-tag:team="a b" arn:aws') == (Term("tag", ("team",), "a b", True, 0), Term("word", (), "arn:aws", False, 16))


def test_the_page_shows_what_is_wrong_beside_the_search(elder, inventory):
    answer = elder.http.get("/entities?q=tags:team", headers={"Accept": "text/html"})
    assert answer.status_code == 400
    assert "The search cannot be read at character 1" in answer.text
    assert 'value="tags:team"' in answer.text
    assert "web-1" in elder.http.get("/entities?q=tag:team%3Dpayments").text


def test_an_error_is_an_api_error():
    with pytest.raises(SearchError) as raised:
        parse("tag:")
    assert raised.value.status == 400
