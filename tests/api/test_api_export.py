"""Exports of entities: every row once, safe for spreadsheets, and never whole in memory."""

from __future__ import annotations

import csv
import io
import json
import tracemalloc

import pytest
from psycopg.types.json import Jsonb

MANY = 100_000
FORMULA = '=HYPERLINK("http://evil")'


@pytest.fixture
def inventory(sql):
    """One entity that a spreadsheet would run, one that is plain, and one that is deleted."""
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    for n, (name, active) in enumerate(((FORMULA, True), ('two\n"lines"', True), ("gone", False))):
        sql.execute(
            "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, tags, is_active, scope_id, key, content) "
            "values (1, %s, 'compute', 'ec2_instance', %s, 'aws', %s, %s, 1, 1, 1)",
            [f"id-{n}", name, Jsonb({"n": str(n)}), active],
        )


def test_csv_is_safe_for_spreadsheets_and_raw_for_programs(elder, inventory):
    answer = elder.http.get("/api/v1/entities?format=csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    raw = list(csv.DictReader(io.StringIO(elder.http.get("/api/v1/entities?format=csv-raw").text)))

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="entities.csv"'
    assert [row["name"] for row in rows] == ["'" + FORMULA, 'two\\n"lines"']
    assert [row["name"] for row in raw] == [FORMULA, 'two\n"lines"']
    assert json.loads(rows[0]["tags"]) == {"n": "0"}
    assert rows[0]["first_seen_at"].endswith("Z")


def test_accept_chooses_the_form_and_filters_hold(elder, inventory):
    def lines(path: str) -> list[dict]:
        return [json.loads(line) for line in elder.http.get(path, headers={"Accept": "application/x-ndjson"}).text.splitlines()]

    listed = elder.get("entities")["entities"]
    assert lines("/api/v1/entities") == listed
    assert lines("/api/v1/entities?q=tag:n=1&fields=id,name") == [{"id": listed[1]["id"], "name": listed[1]["name"]}]
    assert [one["name"] for one in lines("/api/v1/entities?is_active=false")] == ["gone"]
    assert lines("/api/v1/entities?q=nothing-fits") == []
    assert elder.http.get("/api/v1/entities", headers={"Accept": "text/html,*/*;q=0.8"}).is_json


def test_an_export_of_nothing_has_its_head(elder):
    assert elder.http.get("/api/v1/entities?format=csv&fields=id,name").text == "id,name\r\n"


def test_what_is_wrong_is_answered_before_the_first_byte(elder, inventory):
    assert "leave out `page`" in elder.get("entities?format=csv&page=2", 400)["error"]
    assert "`format`" in " ".join(elder.get("entities?format=xml", 400)["details"])
    assert "there is no field" in elder.get("entities?format=csv&q=tags:x", 400)["error"]


def test_a_hundred_thousand_rows_take_no_more_memory_than_a_few(elder, elder_app, sql):
    """Bounded: each part is let go before the next is read. The connection comes back, also from an export that nobody reads on."""
    sql.execute("insert into organizations (id, name) values (1, 'one')")
    sql.execute(
        "insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, attributes, scope_id, key, content) "
        "select 1, 'id-' || n, 'compute', 'ec2_instance', 'name', 'aws', jsonb_build_object('padding', repeat('x', 300)), 1, n, n "
        "from generate_series(1, %s) n",
        [MANY],
    )
    tracemalloc.start()
    try:
        response = elder.http.get("/api/v1/entities?format=jsonl", buffered=False)
        before, count, sent = tracemalloc.get_traced_memory()[0], 0, 0
        tracemalloc.reset_peak()
        for part in response.response:
            count += part.count(b"\n")
            sent += len(part)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    response.close()

    assert count == MANY
    assert peak < 10_000_000 < 50_000_000 < sent

    for _ in range(elder_app.extensions["elder"].pool._size + 1):
        elder.http.get("/api/v1/entities?format=csv", buffered=False).close()
    assert elder.get("entities?per_page=1")["total"] == MANY
