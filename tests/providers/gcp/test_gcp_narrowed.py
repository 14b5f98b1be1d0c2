"""A role that becomes narrower between two runs: datasets that BigQuery does not show any more are not read as deleted."""

from __future__ import annotations

import pytest
from peers import google_refusals as refusals
from peers.google_cloud import PROJECTS
from peers.google_contract import TEST
from store_runs import Run, add_job

from providers.errors import Outcome

ONE = PROJECTS[0]
LIST, PERMISSION = "bigquery.datasets.list", "bigquery.datasets.get"
KINDS = ("gcp_bigquery_dataset", "gcp_bigquery_table", "gcp_bigquery_dataset_binding")


@pytest.fixture
def datasets(google, company):
    """Five datasets with a table each."""
    company.enabled = [*company.enabled, "bigquery"]

    def named(number: int) -> dict:
        return {"kind": "bigquery#dataset", "id": f"{ONE}:d{number}", "datasetReference": {"projectId": ONE, "datasetId": f"d{number}"}}

    google.items[LIST] = list(map(named, range(5)))
    google.items[PERMISSION] = lambda _call: {"access": [{"role": "READER", "userByEmail": "alice@example.com"}]}
    google.items["bigquery.tables.list"] = lambda call: [
        {"id": "t", "tableReference": {"projectId": ONE, "datasetId": call.path["datasetId"], "tableId": "t"}}
    ]
    return google


def narrowed(google) -> None:
    """The role is on one of the datasets, and no more on the project."""
    google.items[LIST] = google.items[LIST][:1]
    google.items[TEST] = {}


def outcomes(sink) -> dict[str, tuple[Outcome, int]]:
    return {kind: (sink.report(kind).outcome, sink.report(kind).resources) for kind in KINDS}


def test_datasets_are_believed_with_the_permission_on_the_project(datasets, read):
    assert outcomes(read(project_ids=[ONE])) == dict.fromkeys(KINDS, (Outcome.COMPLETE, 5))
    assert [call.body for call in datasets.asked(TEST)] == [{"permissions": [PERMISSION]}]


def test_a_role_on_one_dataset_in_place_of_one_on_the_project_deletes_nothing(datasets, read, database, sql):
    job = add_job(sql, provider="gcp")

    def ran():
        run, sink = Run(database, job), read(project_ids=[ONE])
        run.reading(sink)
        run.finish()
        return sink, run.inventory.totals.deleted

    ran()
    active = "select external_id from entities where is_active order by 1"
    before = sql.execute(active).fetchall()
    narrowed(datasets)
    sink, deleted = ran()

    assert deleted == 0
    assert sql.execute(active).fetchall() == before
    assert outcomes(sink) == dict.fromkeys(KINDS, (Outcome.DENIED, 1)), "what is shown is stored"
    assert {sink.report(kind).permission for kind in KINDS} == {PERMISSION}
    assert "leaves out the rest without a word" in sink.report(KINDS[0]).message


def test_a_question_for_permissions_that_is_not_answered_proves_nothing(datasets, read):
    with datasets.failing(refusals.Refusal(503, "backendError", "try later", "UNAVAILABLE"), TEST):
        assert {outcome for outcome, _ in outcomes(read(project_ids=[ONE])).values()} == {Outcome.TIMEOUT}
