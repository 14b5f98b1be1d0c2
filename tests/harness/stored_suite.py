"""The inherited suite with the store behind the provider: what a source that nobody has changed writes, which is nothing."""

from __future__ import annotations

import psycopg
import pytest
from store_runs import Run, add_job

from providers.collected import Collected, canonical
from providers.schema import REDACTED
from providers.testing import ProviderSuite
from worker.run.inventory import Totals

ROWS = """
select 'entity', id, xmin::text, ctid::text from entities
union all select 'link', id, xmin::text, ctid::text from dependencies
union all select 'change', id, '', '' from entity_changes
order by 1, 2
"""
"""Each row with the transaction that wrote it, so that a row that was written again with the same values is found too."""


class StoredSuite(ProviderSuite):
    """What holds for every provider, to the row."""

    @pytest.fixture(autouse=True)
    def store(self, database: str, sql: psycopg.Connection) -> None:
        """A database of the test's own."""
        self.database, self.sql = database, sql

    def test_two_runs_are_the_same_bytes(self) -> None:
        """The second one, after all has moved that moves without meaning, writes no entity, no link and no change."""
        writes_nothing(self.database, self.sql, self.provider, *self.readings())

    def test_the_names_in_mask_names_say_secret_in_whatever_is_read(self) -> None:
        """Fields that a first reading has with a text are masked in the second, whose config names them."""
        before = self.read()
        texts = {key for _, one in before.all() for key, value in one.attributes.items() if isinstance(value, str) and len(value) > 5}
        texts |= {key for _, one in before.all() for key in one.tags}
        names = sorted(text for text in texts if sum(map(str.isalnum, text)) > 2)
        self.config = {**self.config, "mask_names": names}
        after = self.read()

        assert _marks(after) > _marks(before)
        assert set(after.found) == set(before.found)
        assert {one.external_id for _, one in after.all()} == {one.external_id for _, one in before.all()}


def writes_nothing(database: str, sql: psycopg.Connection, provider: str, one: Collected, two: Collected) -> None:
    """Asserts that two readings are the same, and that the second one, stored after the first, writes no row."""
    ProviderSuite.are_the_same_bytes(one, two)
    job = add_job(sql, provider=provider)
    first = _kept(database, job, one)
    before = sql.execute(ROWS).fetchall()
    second = _kept(database, job, two)

    assert first.resources >= first.created == len({found.external_id for _, found in one.all()}) > 0, (
        "what several scopes see is one entity"
    )
    assert (second.created, second.updated, second.deleted) == (0, 0, 0), _changes(sql)
    assert second.unchanged == second.resources == first.resources
    assert sql.execute(ROWS).fetchall() == before


def _kept(database: str, job: int, found: Collected) -> Totals:
    """Stores one run of the job."""
    run = Run(database, job)
    for scope, resources in found.found.items():
        run.scope(resources, scope, found.reports[scope].outcome)
    run.finish()
    return run.inventory.totals


def _changes(sql: psycopg.Connection) -> list[tuple[object, ...]]:
    return sql.execute(
        "select e.sub_type, e.name, c.operation, left(c.changes::text, 500) from entity_changes c join entities e on e.id = c.entity_id"
        " where c.operation <> 'created' limit 20"
    ).fetchall()


def _marks(found: Collected) -> int:
    return sum(canonical(one).count(REDACTED.encode()) for _, one in found.all())
