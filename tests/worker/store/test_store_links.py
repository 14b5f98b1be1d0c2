"""Links whose targets are stored later than they are."""

from __future__ import annotations

import msgspec
import pytest
from store_runs import Link, Run, add_job, resources

from providers.records import Scope
from worker.run.inventory import InventoryError
from worker.store import claims
from worker.store.connection import connect


def test_links_that_a_lost_run_left_are_resolved_by_the_next_one_though_nothing_has_changed(database, sql):
    """The worker dies after the rows are stored: the source of the link was stored before its target."""
    job = add_job(sql)
    volumes = Scope("aws", "111", "us-east-1", "ebs_volume")
    machine = msgspec.structs.replace(resources(1)[0], links=(Link("uses", "arn:ebs_volume:0"),))

    def read() -> Run:
        run = Run(database, job)
        run.scope([machine])
        run.scope(resources(1, kind="ebs_volume"), volumes)
        return run

    dead = read()
    sql.execute("update elder_worker.claims set expires_at = now() - interval '1 second'")
    with connect(database) as connection:
        claims.sweep(connection)
    with pytest.raises(InventoryError, match="lost"):
        dead.finish()
    unresolved = "select count(*) from dependencies where target_id is null"
    assert sql.execute(unresolved).fetchone() == (1,)

    run = read()
    run.finish()
    assert (run.inventory.totals.created, run.inventory.totals.updated) == (0, 0)
    assert sql.execute(unresolved).fetchone() == (0,)
