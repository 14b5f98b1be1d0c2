"""Invalid input is told in plain words wherever it is sent: body, bulk body, query, config, filters of a page, file of the command."""

from __future__ import annotations

import pytest

from api.client.errors import ClientError
from api.client.settings import load

AWS = {"name": "x", "provider": "aws"}


@pytest.mark.parametrize(
    ("path", "body", "complaint"),
    [
        ("discovery/jobs", {**AWS, "config": {"regions": "us-east-1"}}, "`regions` must be a list, and is a text"),
        ("discovery/jobs", {**AWS, "config": {"regions": [1]}}, "`regions[0]` must be a text, and is a whole number"),
        ("discovery/jobs", {**AWS, "config": {"secret_access_key": 12345}}, "`secret_access_key` must be a text, and is a whole number"),
        ("discovery/jobs", {**AWS, "enabled": "yes"}, "`enabled` must be true or false, and is a text"),
        ("discovery/jobs", {**AWS, "config": []}, "`config` must be an object, and is a list"),
        ("sync/batch", {"owner": "ldap", "run": "1", "scope": 7}, "`scope` must be a list, and is a whole number"),
    ],
)
def test_a_body_is_refused_in_words_of_its_own(elder, path, body, complaint):
    answer = elder.post(path, body, 400)

    assert complaint in answer["details"], answer


def test_a_query_is_refused_in_words_of_its_own(elder):
    answer = elder.get("discovery/jobs?status=sleeping&page=first", 400)

    assert "`status` must be cancelled, completed, error, parked, partial, pending or running, and is 'sleeping'" in answer["details"]
    assert "`page` must be a whole number, and is a text" in answer["details"]


def test_the_filters_of_a_page_are_refused_in_words_of_their_own(elder):
    page = elder.call("GET", "/scopes?state=lost", headers={"Accept": "text/html"})

    assert page.status_code == 400
    assert "must be abandoned, current or retired, and is " in page.get_data(as_text=True)


def test_the_file_of_the_command_is_refused_in_words_of_its_own(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('url = 7\nkey = "canary"\n')

    with pytest.raises(ClientError) as caught:
        load(None, {"ELDER_CONFIG": str(path)})

    assert str(caught.value) == f"{path} cannot be used: `url` must be a text, and is a whole number"
