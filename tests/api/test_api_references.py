"""References to secrets in a job's config: stored and shown as they are, checked for their form, and never for what the worker has."""

from __future__ import annotations

import html
import itertools
import json

import pytest

REFERENCE = {"$env": "JOB_TOKEN"}
CONFIG = {"server": "https://cluster.example:6443", "cluster_name": "prod", "token": REFERENCE}
SHOWN = (REFERENCE, {"$aws": "jobs/cluster"}, {"$aws": "jobs/cluster", "key": "token"})


@pytest.mark.parametrize("reference", SHOWN, ids=json.dumps)
def test_a_reference_is_stored_and_shown_as_it_is(elder, sql, reference):
    job = elder.job(provider="kubernetes", config={**CONFIG, "token": reference})

    [stored] = sql.execute("select config from discovery_jobs").fetchone()
    assert stored == {**CONFIG, "token": reference}
    assert elder.get(f"discovery/jobs/{job['id']}")["config"]["token"] == reference
    page = html.unescape(elder.call("GET", f"/jobs/{job['id']}").get_data(as_text=True))
    spelt = {"".join(json.dumps(dict(items)).split()) for items in itertools.permutations(reference.items())}
    assert any(one in "".join(page.split()) for one in spelt)  # PostgreSQL has keys in an order of its own
    [line] = elder.get("audit")["audit"]
    assert line["after"]["config"]["token"] == reference


def test_a_reference_takes_the_place_of_a_secret_and_back(elder, sql):
    job = elder.job(provider="kubernetes", config={**CONFIG, "token": "s3cret-canary"})
    path = f"discovery/jobs/{job['id']}"

    assert elder.patch(path, {"config": {"token": {"$file": "/run/secrets/cluster"}}})["config"]["token"] == {
        "$file": "/run/secrets/cluster"
    }
    shown = elder.get(path)
    assert elder.put(path, {"name": shown["name"], "config": shown["config"]})["config"]["token"] == {"$file": "/run/secrets/cluster"}
    elder.patch(path, {"config": {"token": "s3cret-again"}})
    assert "s3cret" not in str(sql.execute("select config from discovery_jobs").fetchone())
    assert elder.get(path)["config"]["token"] == "***REDACTED***"


def test_a_reference_inside_an_object_is_sealed_with_it(elder, sql):
    key = {"type": "service_account", "private_key": {"$file": "/run/secrets/key"}}
    elder.job(provider="gcp", config={"project_ids": ["my-gcp-project-123"], "credentials_json": key})
    [stored] = sql.execute("select config from discovery_jobs").fetchone()
    assert set(stored["credentials_json"]) == {"$fernet"}


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ({**CONFIG, "token": {"$env": "not a name"}}, "`token`: $env takes the name of a variable of the worker's environment"),
        ({**CONFIG, "token": {"$file": "x"}}, "`token`: $file takes the absolute path of a file of the worker's"),
        ({**CONFIG, "server": REFERENCE}, "`server`: a reference stands for a secret, and this is none"),
        ({**CONFIG, "tokken": REFERENCE}, "unknown config key `tokken`, did you mean `token`?"),
        ({**CONFIG, "page_size": "x"}, "`page_size` must be a whole number, and is a text"),
        ({**CONFIG, "token": {"$gcp": "x"}}, "`token` must be a text, and is an object"),
        ({**CONFIG, "token": {"$aws": "a b"}}, "`token`: $aws takes the name or the ARN of a secret in AWS Secrets Manager"),
        ({**CONFIG, "token": {"$aws": "x", "token": "y"}}, "`token`: $aws stands alone in its object, but for `key`"),
        ({**CONFIG, "server": {"$aws": "x"}}, "`server`: a reference stands for a secret, and this is none"),
    ],
)
def test_what_is_wrong_with_a_reference_is_told(elder, config, complaint):
    answer = elder.post("discovery/jobs", {"name": "x", "provider": "kubernetes", "config": config}, 400)
    assert complaint in answer["details"]


def test_the_form_shows_a_reference_and_takes_one(elder, sql):
    job = elder.job(provider="kubernetes", config=CONFIG)
    page = elder.call("GET", f"/jobs/{job['id']}/edit").get_data(as_text=True)
    field = page.partition('id="config.token"')[2].partition(">")[0]
    assert "JOB_TOKEN" in field
    assert "password" not in field

    form = {
        "name": "x",
        "config.server": "https://cluster.example:6443",
        "config.token": '{"$file": "/run/secrets/cluster"}',
        "action": "save",
    }
    elder.call("POST", f"/jobs/{job['id']}/edit", data=form)
    [stored] = sql.execute("select config from discovery_jobs").fetchone()
    assert stored["token"] == {"$file": "/run/secrets/cluster"}
