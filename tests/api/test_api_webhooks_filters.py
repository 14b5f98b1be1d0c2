"""Lists of webhooks by organization, and of deliveries by state and event, over the API and on the pages; payloads on the page."""

from __future__ import annotations

import html

import pytest

from api.filters import number
from api.pages.webhooks import PAYLOAD

BROWSER = {"Accept": "text/html"}
BODY = {"url": "https://example.com/hooks/elder", "events": ["run.ended"]}


@pytest.fixture
def page(elder):
    def get(path: str, status: int = 200) -> str:
        response = elder.call("GET", path, headers=BROWSER)
        assert response.status_code == status
        return response.get_data(as_text=True)

    return get


@pytest.fixture
def hook(elder, sql) -> int:
    """A webhook with a delivery in each state, of two events."""
    number = elder.post("webhooks", {**BODY, "name": "on-call"})["id"]
    row = "insert into elder_worker.webhook_deliveries (webhook_id, event, payload, delivered_at, failed_at, next_attempt_at) values "
    sql.execute(row + "(%s, 'run.ended', '{\"type\": \"run.ended\"}', now(), null, null)", [number])
    sql.execute(row + "(%s, 'run.ended', '{\"type\": \"run.ended\"}', null, now(), null)", [number])
    sql.execute(row + "(%s, 'job.parked', '{\"type\": \"<b>&\"}', null, now(), null)", [number])
    sql.execute(row + "(%s, 'job.parked', '{\"type\": \"job.parked\"}', null, null, now() + interval '1 hour')", [number])
    return number


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("", [4, 3, 2, 1]),
        ("?state=given_up", [3, 2]),
        ("?state=delivered", [1]),
        ("?state=pending", [4]),
        ("?event=run.ended", [2, 1]),
        ("?state=given_up&event=job.parked", [3]),
        ("?event=webhook.test", []),
    ],
)
def test_deliveries_of_a_state_and_of_an_event(elder, page, hook, query, ids):
    found = elder.get(f"webhooks/{hook}/deliveries{query}")
    assert ([one["id"] for one in found["deliveries"]], found["total"]) == (ids, len(ids))
    shown = page(f"/webhooks/{hook}{query}")
    assert shown.count("<summary>Payload</summary>") == len(ids)
    assert ("No delivery fits these filters" in shown) is (not ids)


@pytest.mark.parametrize("query", ["state=lost", "event=run.began", "state=%00"])
def test_a_filter_that_there_is_not_is_refused(elder, page, hook, query):
    elder.get(f"webhooks/{hook}/deliveries?{query}", status=400)
    page(f"/webhooks/{hook}?{query}", status=400)


def test_filters_are_kept_by_pages_and_by_sending_again(elder, hook, page, sql):
    sql.execute(
        "insert into elder_worker.webhook_deliveries (webhook_id, event, payload, failed_at, next_attempt_at, attempts) "
        "select %s, 'run.ended', '{}', now(), null, 10 from generate_series(1, 30)",
        [hook],
    )
    shown = html.unescape(page(f"/webhooks/{hook}?state=given_up&page=2"))
    assert f'href="/webhooks/{hook}?state=given_up&page=1"' in shown
    action = f"/webhooks/{hook}/deliveries/5/retry?state=given_up&page=2"
    assert f'action="{action}"' in shown
    assert elder.call("POST", action, headers=BROWSER).headers["Location"] == f"/webhooks/{hook}?state=given_up&page=2"


def test_a_payload_is_shown_escaped_and_bounded(elder, hook, page, sql):
    assert "&lt;b&gt;&amp;" in page(f"/webhooks/{hook}")
    assert "<b>&" not in page(f"/webhooks/{hook}")
    sql.execute("update elder_worker.webhook_deliveries set payload = jsonb_build_object('type', repeat('x', 30000)) where id = 1")
    shown = page(f"/webhooks/{hook}?state=delivered")
    assert PAYLOAD - 100 < shown.count("x") < PAYLOAD + 500
    assert f"These are its first {number(PAYLOAD)} characters" in shown


def test_webhooks_that_are_told_of_an_organization(elder, page, sql):
    sql.execute("insert into organizations (id, name, parent_id) values (1, 'company', null), (2, 'team', 1), (3, 'other', null)")
    for organization, name in ((2, "team"), (3, "other")):
        job = elder.job(name=name, organization_id=organization)["id"]
        elder.post("webhooks", {**BODY, "name": f"of {name}", "job_id": job})
    elder.post("webhooks", {**BODY, "name": "of all"})

    def told(organization: int) -> list[str]:
        found = elder.get(f"webhooks?organization_id={organization}")
        assert found["total"] == len(found["webhooks"])
        return [one["name"] for one in found["webhooks"]]

    assert told(1) == told(2) == ["of all", "of team"]
    assert told(3) == ["of all", "of other"]
    assert told(99) == ["of all"]
    shown = page("/webhooks?organization_id=2")
    assert ("of team</a>" in shown, "of other</a>" in shown) == (True, False)
    assert '<option value="2" selected>team</option>' in shown
    page("/webhooks?organization_id=x", status=400)
