"""The charts of the home page: everything drawn is inside the drawing, and says what the numbers say; and what needs attention."""

from __future__ import annotations

import datetime as dt
import re

import pytest
from store_runs import Run, add_job, resources, run_once

from api.charts import HIGH, WIDE, bars, durations, line
from providers.errors import Outcome
from worker.run.outcome import Status, Verdict
from worker.store.daily import Duration, DurationDay, Durations, EntityDay, RunDay

DAY = dt.date(2026, 11, 1)
BROWSER = {"Accept": "text/html"}


def run_days(*counts: dict[str, int]) -> list[RunDay]:
    return [RunDay(DAY + dt.timedelta(days=number), runs) for number, runs in enumerate(counts)]


def test_the_bars_of_a_day_stand_on_each_other_and_are_as_high_as_their_numbers():
    chart = bars(run_days({"completed": 6, "error": 2}, {}, {"completed": 3, "partial": 1}))

    assert (chart.highest, chart.total, chart.statuses) == (8, 12, ["completed", "partial", "error"])
    assert [(bar.status, bar.height) for bar in chart.bars] == [("completed", 75), ("error", 25), ("completed", 37.5), ("partial", 12.5)]
    assert all(bar.x >= 0 and bar.x + bar.width <= WIDE and bar.y >= 0 and bar.y + bar.height <= HIGH for bar in chart.bars)
    assert chart.bars[1].y + chart.bars[1].height == chart.bars[0].y
    assert chart.bars[0].title == "01 Nov: 6 completed"


@pytest.mark.parametrize("counts", [[5, 10, 0], [7], [1] * 30])
def test_the_line_of_entities_stays_inside_and_goes_from_edge_to_edge(counts):
    chart = line([EntityDay(DAY + dt.timedelta(days=number), count) for number, count in enumerate(counts)])

    points = [tuple(map(float, point.split())) for point in chart.line[1:].split(" L")]
    assert [round(HIGH - y, 1) for _, y in points] == [round(count * HIGH / max(counts), 1) for count in counts]
    assert points[0][0] == 0
    assert points[-1][0] == (WIDE if len(counts) > 1 else 0)
    assert (chart.lowest, chart.highest) == (min(counts), max(counts))


def took(median: float, longest: float) -> Duration:
    return Duration(3, 30.0, median, longest)


def test_durations_are_as_high_as_the_median_of_their_day():
    days = [DurationDay(DAY + dt.timedelta(days=at), one) for at, one in enumerate((took(20, 70), None, took(80, 7200)))]
    chart = durations(Durations(took(50, 7200), days, {"aws": took(50, 7200)}))

    assert [(bar.x, bar.y, bar.width, bar.height) for bar in chart.bars] == [(25, 75, 150, 25), (425, 0, 150, 100)]
    assert [bar.title for bar in chart.bars] == ["01 Nov: median 20 s, longest 70 s", "03 Nov: median 80 s, longest 2 h"]
    assert (chart.whole.median, chart.providers) == (50, {"aws": took(50, 7200)})


def test_nothing_is_no_chart():
    assert durations(Durations(None, [DurationDay(DAY, None)], {})) is None
    assert durations(Durations(took(0, 0), [DurationDay(DAY, took(0, 0))], {})) is None
    assert bars(run_days({}, {})) is None
    assert line([EntityDay(DAY, 0)]) is None


def test_the_home_page_shows_them_with_their_numbers(elder, database, sql):
    job = add_job(sql)
    run_once(database, job, resources(12))
    sql.execute("update entities set provider = 'gcp' where id in (select id from entities limit 3)")
    sql.execute("update discovery_history set completed_at = started_at + interval '42 seconds'")

    shown = elder.call("GET", "/", headers=BROWSER).get_data(as_text=True)

    assert "Runs a day" in shown
    durations_shown = shown[shown.index("Median duration") :].split("</figure>")[0]
    assert "42 s, longest 42 s" in durations_shown
    assert durations_shown.count('<rect class="took"') == 1
    numbers = '<td class="number">42 s</td>' * 3
    assert f"<td>{dt.datetime.now(dt.UTC).date()}</td>{numbers}" in durations_shown
    assert f'<td><a class="plain" href="/runs?provider=aws">aws</a></td>{numbers}' in durations_shown
    assert f'<td>{dt.datetime.now(dt.UTC).date()}</td><td class="number">1</td>' in shown
    assert f'<td>{dt.datetime.now(dt.UTC).date()}</td><td class="number">12</td>' in shown
    assert re.findall(r'aria-label="(\d+) %"', shown) == ["75", "25"]
    assert elder.call("GET", "/", headers=BROWSER).headers["Content-Security-Policy"].startswith("default-src 'none'")


def test_home_tells_everything_that_waits_for_a_person(elder, database, sql):
    """Failing, parked, denied, stale, held back, unconfirmed, abandoned, and keys and credentials that expire."""
    run_once(database, add_job(sql, name="guarded"), resources(60))
    [(guarded,)] = sql.execute("select id from discovery_jobs").fetchall()
    run_once(database, guarded, [])
    limited = Run(database, add_job(sql, name="limited"))
    limited.scope([], outcome=Outcome.DENIED, permission="ec2:DescribeInstances")
    limited.finish(Verdict(Status.PARTIAL))
    add_job(sql, name="crasher", status="parked", crashes=3)
    add_job(sql, name="refused", status="error", failures=2, enabled=True)
    sql.execute("update entities set unconfirmed_since = now() where id in (select id from entities limit 2)")
    sql.execute("update elder_worker.scopes set last_complete_at = now() - interval '8 days' where last_complete_at is not null")
    sql.execute(
        "insert into elder_worker.api_keys (name, role, hash, prefix, created_by, expires_at) values "
        "('soon', 'read', '1', 'x', 'me', now() + interval '3 days 1 hour'), ('late', 'read', '2', 'x', 'me', now() + interval '60 days'), "
        "('gone', 'read', '3', 'x', 'me', now() - interval '1 hour')"
    )
    sql.execute("update discovery_jobs set credential_expires_at = now() + interval '12 days 1 hour' where name = 'refused'")
    sql.execute(
        "insert into connector_history (connector, run, status, identity, credential_expires_at) "
        "values ('entra', '1', 'completed', '{}', now() - interval '1 hour')"
    )

    page = elder.call("GET", "/", headers=BROWSER).get_data(as_text=True)
    shown = re.sub(r"<[^>]+>", "", page)

    for sentence in (
        "crasher is parked: its process crashed 3 times in a row",
        "refused failed 2 times in a row",
        "limited: 1 scope was denied in its last run; the run says which permissions are missing",
        "60 deletions are held back, of entities, links or attributes",
        f"2 entities of job:{guarded} are unconfirmed",
        "1 scope was not read in full for 7 days",
        "the key soon expires in 3 days: elder-worker keys rotate",
        "the key gone has expired",
        "the credential of refused expires in 12 days: give it a new one",
        "the credential of entra has expired: give it a new one",
    ):
        assert sentence in shown
    assert "the key late" not in shown
    assert f'<a href="/runs/{limited.claimed.run_id}">1 scope was denied</a>' in page


def test_the_api_has_the_durations_by_day_and_by_provider(elder, database, sql):
    assert elder.get("runs/durations") == {"whole": None, "days": [], "providers": []}
    run_once(database, add_job(sql), resources(1))
    sql.execute("update discovery_history set completed_at = started_at + interval '42 seconds'")

    answer = elder.get("runs/durations?days=1")

    seconds = {"runs": 1, "average": 42.0, "median": 42.0, "longest": 42.0}
    today = str(dt.datetime.now(dt.UTC).date())
    assert answer == {"whole": seconds, "days": [{"day": today, **seconds}], "providers": [{"provider": "aws", **seconds}]}
    assert "`days` is from 1 to 366" in str(elder.get("runs/durations?days=367", 400))
