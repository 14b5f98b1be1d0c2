"""The form of a job: every key of a provider's config can be entered, bad input is refused in the form, and no secret comes back."""

from __future__ import annotations

import pytest

from api.pages import job_form
from providers import keys, registry

BROWSER = {"Accept": "text/html"}
SECRET = "s3cret-canary"
AWS = {
    "provider": "aws",
    "name": "scan",
    "description": "all of it",
    "every": "2",
    "unit": "hours",
    "queue": "dmz",
    "enabled": "true",
    "config.access_key_id": "AKIAXXXXXXXXXXXXXXXX",
    "config.secret_access_key": SECRET,
    "config.regions": "us-east-1\r\neu-west-1",
    "action": "save",
}
DISCOVERY = [name for name in registry.BUILT_IN if registry.get(name).discovery]


@pytest.fixture
def made(send_form, elder):
    """A job that was created with the form."""
    response, _ = send_form("/jobs/new", AWS)
    assert response.status_code == 303
    return int(response.headers["Location"].rpartition("/")[2])


@pytest.mark.parametrize("name", DISCOVERY)
def test_every_key_of_every_provider_has_a_field(elder, name):
    page = elder.call("GET", f"/jobs/new?provider={name}", headers=BROWSER).get_data(as_text=True)

    for key in keys.keys(registry.get(name).config):
        assert f'name="config.{key.name}"' in page
    assert f"/jobs/new?provider={name}" in elder.call("GET", "/jobs/new", headers=BROWSER).get_data(as_text=True)


def test_names_in_descriptions_are_code(elder):
    shown = elder.call("GET", "/jobs/new?provider=aws", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "with <code>secret_access_key</code>." in shown
    assert "`" not in shown


def test_a_job_is_created_as_the_form_says(elder, made):
    job = elder.get(f"discovery/jobs/{made}")

    assert (job["name"], job["description"], job["queue"], job["enabled"]) == ("scan", "all of it", "dmz", True)
    assert job["schedule_interval"] == 7200
    assert job["config"]["regions"] == ["us-east-1", "eu-west-1"]
    assert job["config"]["secret_access_key"] == "***REDACTED***"


def test_the_form_of_a_job_shows_what_is_stored_and_no_secret(elder, made):
    page = elder.call("GET", f"/jobs/{made}/edit", headers=BROWSER).get_data(as_text=True)

    assert "us-east-1\neu-west-1" in page
    assert 'name="every" inputmode="numeric" pattern="[0-9]*" size="6" value="2"' in page
    assert "<option selected>hours</option>" in page
    assert "stored; leave empty to keep it" in page
    assert SECRET not in page
    assert "AKIAXXXXXXXXXXXXXXXX" not in page


def test_an_empty_secret_keeps_the_stored_one_and_an_empty_field_removes_its_key(elder, send_form, made, sql):
    stored = sql.execute("select config from discovery_jobs").fetchone()[0]
    response, _ = send_form(
        f"/jobs/{made}/edit", {**AWS, "config.secret_access_key": "", "config.access_key_id": "", "config.regions": "", "every": ""}
    )

    changed = sql.execute("select config, schedule_interval from discovery_jobs").fetchone()
    assert (response.status_code, response.headers["Location"]) == (303, f"/jobs/{made}")
    assert changed[0]["secret_access_key"] == stored["secret_access_key"]
    assert "regions" not in changed[0]
    assert changed[1] is None


def test_a_stored_secret_is_removed_when_the_form_says_so(send_form, made, sql):
    remove = {"remove.secret_access_key": "true", "remove.access_key_id": "true"}
    response, _ = send_form(f"/jobs/{made}/edit", {**AWS, "config.secret_access_key": "", "config.access_key_id": "", **remove})

    assert response.status_code == 303
    assert not {"secret_access_key", "access_key_id"} & sql.execute("select config from discovery_jobs").fetchone()[0].keys()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"config.regions": "nowhere"}, "nowhere"),
        ({"config.access_key_id": ""}, "secret_access_key"),
        ({"name": " "}, "`name` must have 1 to 200 characters"),
        ({"every": "-5"}, "the schedule is a whole number"),
        ({"every": "1", "unit": "fortnights"}, "the schedule is a whole number"),
        ({"config.batch_size": "many"}, "`batch_size`"),
        ({"queue": "a b"}, "`queue` has 1 to 100"),
    ],
)
def test_bad_input_is_refused_in_the_form_and_nothing_is_stored(send_form, sql, change, sentence):
    response, page = send_form("/jobs/new", {**AWS, **change})

    assert response.status_code == 400
    assert "Not saved:" in page
    assert sentence.replace("'", "&#39;") in page
    assert 'value="all of it"' in page, "what was entered stays"
    assert SECRET not in page
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)


def test_a_test_shows_the_identity_and_saves_nothing(send_form, sql, monkeypatch):
    asked = []

    def probe(_context, _connection, job):
        asked.append(job)
        return {"success": True, "message": "signed in", "identity": {"name": "arn:aws:iam::1:user/ann", "account": "1"}, "error_kind": ""}

    monkeypatch.setattr(job_form, "probe", probe)
    response, page = send_form("/jobs/new", {**AWS, "action": "test"})

    assert response.status_code == 200
    assert "The connection works" in page
    assert "arn:aws:iam::1:user/ann" in page
    assert SECRET not in page
    assert SECRET not in str(asked), "the secret is sealed before a worker is asked"
    assert sql.execute("select count(*) from discovery_jobs").fetchone() == (0,)


def test_a_test_of_a_stored_job_uses_the_stored_secret(send_form, made, sql, monkeypatch):
    asked = []
    failed = {"success": False, "message": "the key is unknown", "identity": None, "error_kind": "credentials"}
    monkeypatch.setattr(job_form, "probe", lambda _context, _connection, job: asked.append(job) or failed)
    _, page = send_form(f"/jobs/{made}/edit", {**AWS, "config.secret_access_key": "", "config.access_key_id": "", "action": "test"})

    assert "The connection does not work" in page
    assert asked[0]["config"]["secret_access_key"] == sql.execute("select config from discovery_jobs").fetchone()[0]["secret_access_key"]


def test_without_a_worker_a_test_says_so(send_form):
    response, page = send_form("/jobs/new", {**AWS, "action": "test"})

    assert response.status_code == 503
    assert "no worker is there to run the test" in page


def test_a_job_is_deleted_on_its_page(elder, send_form, made):
    response, _ = send_form(f"/jobs/{made}/delete", {})

    assert (response.status_code, response.headers["Location"]) == (303, "/")
    assert elder.get(f"discovery/jobs/{made}", 404)
    assert elder.call("GET", f"/jobs/{made}/edit", headers=BROWSER).status_code == 404


def test_a_provider_that_is_none_is_refused(elder, send_form):
    assert elder.call("GET", "/jobs/new?provider=nonsense", headers=BROWSER).status_code == 400
    assert send_form("/jobs/new", {**AWS, "provider": "../../x"})[0].status_code == 400
