"""A job whose secret is named and not held: read by the writer when the job starts, in no row and no log, and missing ones end the run."""

from __future__ import annotations

SECRET = "s3cret-of-the-operator-77"


def test_a_named_secret_reaches_the_job_and_is_masked_where_the_job_tells_it(workbench):
    worker = workbench.worker(secret_reference_env=("JOB_PASSWORD",), referenced={"JOB_PASSWORD": SECRET})

    run = workbench.ended(workbench.job(behaviour="blurt", password={"$env": "JOB_PASSWORD"}))

    told = str(run) + str(workbench.scopes(run)) + worker.log.read_text()
    assert "cannot log in with ***" in told
    assert SECRET not in told
    assert workbench.one("select config -> 'password' from discovery_jobs") == {"$env": "JOB_PASSWORD"}


def test_a_secret_that_is_not_allowed_or_not_there_ends_the_run_as_config(workbench, tmp_path):
    workbench.worker(secret_reference_dirs=(str(tmp_path),), discovery_max_concurrent=2)

    for reference, words in (
        ({"$env": "DATABASE_URL"}, '{"$env": "DATABASE_URL"} is not a variable that jobs may name'),
        ({"$file": f"{tmp_path}/none"}, f'{{"$file": "{tmp_path}/none"}} cannot be read by the worker: No such file or directory'),
    ):
        run = workbench.ended(workbench.job(password=reference))
        assert (run["status"], run["error_kind"]) == ("error", "config")
        assert words in run["error"]
