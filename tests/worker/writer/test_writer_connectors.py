"""Syncs of connectors as the writer starts them: what is read first is what was attempted longest ago."""

from __future__ import annotations

import pytest
from scraped_writer import ScrapedWriter
from store_syncs import StoreApi
from waiting import until

from providers.errors import Outcome
from providers.records import Scope
from providers.sink import ScopeReport
from worker.run import wire
from worker.store.connection import connect

LDAP = {"LDAP_ENABLED": "true", "LDAP_SERVER": "ldaps://directory.example", "LDAP_BASE_DN": "dc=x", "ELDER_API_URL": "http://127.0.0.1:1"}
FIRST, SECOND, THIRD = (Scope("ldap", f"dc={name}", "", "user") for name in "abc")


@pytest.fixture
def sync(database):
    """Plays a sync that begins some scopes and is cut off; returns what it was told of earlier attempts."""
    writer = ScrapedWriter(database, SYNC_ON_STARTUP="false", **LDAP)
    [connector] = writer.writer._connectors._schedule

    def play(*begun: Scope, whole: bool = False) -> list[Scope]:
        def job(sink) -> None:
            for scope in begun:
                sink.begin(scope)
                sink.end(ScopeReport(scope, Outcome.COMPLETE, 0))
            if whole:
                sink.complete()
            else:
                sink.failed(wire.Failed("source", "the directory went away"))

        until(lambda: connector.next_at is not None, "the sync before has ended")
        connector.next_at = 0.0
        writer.offer(connector=1)
        [start] = writer.started()
        return [Scope(*one) for one in writer.play(start, job).get("attempted", ())]

    try:
        with connect(database) as connection:
            writer.writer.__dict__["_api"] = StoreApi(connection)
            yield play
    finally:
        writer.close()


def test_a_sync_that_is_cut_off_each_time_reaches_every_scope_in_turn(sync):
    assert sync(FIRST, SECOND) == []
    assert sync(THIRD) == [FIRST, SECOND]
    assert sync(FIRST) == [FIRST, SECOND, THIRD]
    assert sync() == [SECOND, THIRD, FIRST]
    assert sync() == [SECOND, THIRD, FIRST], "a sync that reached nothing changes nothing"
    sync(FIRST, SECOND, whole=True)
    assert sync() == [], "what is planned no more is not kept for ever"
