"""Fixtures of whole workers."""

from __future__ import annotations

import pytest
from waiting import until
from workbench import Workbench


@pytest.fixture
def workbench(database, tmp_path):
    one = Workbench(database, tmp_path)
    yield one
    try:
        for worker in one.workers:
            if worker.process.poll() is None:
                worker.stop()
            until(lambda worker=worker: not worker.processes(), "processes are left")
        assert one.one("select count(*) from elder_worker.claims where owner is not null") == 0
    finally:
        one.sql.close()
        for worker in one.workers:
            print(worker.log.read_text(errors="replace")[-8000:])
