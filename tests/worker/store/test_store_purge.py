"""The purge: what is masked today is taken out of what was stored before, with the names that each job's config masks."""

from __future__ import annotations

import pytest
from psycopg.types.json import Jsonb
from store_runs import Run, add_job, resources

from providers.schema import REDACTED
from worker.store import purge as purge_module
from worker.store.connection import connect
from worker.store.purge import purge

CANARY = "hunter2canary"


def purged(database):
    with connect(database) as connection, connection.transaction():
        return purge(connection)


def stored(database, sql, config, attributes, *, tags=None):
    """A job with a config, its one entity with these attributes, a change that tells them, and a loss of each."""
    run = Run(database, add_job(sql, config=Jsonb(config)))
    run.scope(resources(1))
    run.finish()
    [entity] = sql.execute("update entities set attributes = %s, tags = %s returning id", [Jsonb(attributes), Jsonb(tags or {})]).fetchone()
    told = {f"attributes.{key}": [value, None] for key, value in attributes.items()}
    sql.execute("insert into entity_changes (entity_id, operation, changes) values (%s, 'updated', %s)", [entity, Jsonb(told)])
    return entity


def everything(sql) -> str:
    return str(
        sql.execute("select attributes, tags from entities").fetchall() + sql.execute("select changes from entity_changes").fetchall()
    )


def test_the_names_of_the_jobs_own_config_are_masked_in_entities_and_history(database, sql):
    stored(database, sql, {"mask_names": ["licence-code"]}, {"LicenceCode": CANARY, "args": [f"--licence-code={CANARY}"], "zone": "a"},
           tags={"licence_code": CANARY})  # fmt: skip
    found = purged(database)

    assert (found.entities, found.changes) == (1, 1)
    assert CANARY not in everything(sql)
    assert sql.execute("select attributes from entities").fetchone()[0] == {
        "LicenceCode": REDACTED, "args": [f"--licence-code={REDACTED}"], "zone": "a",
    }  # fmt: skip
    assert purged(database) == (0, 0, 0), "a second time there is nothing left to do"


@pytest.mark.parametrize("config", [{}, {"mask_names": []}, {"mask_names": None}, {"mask_names": "licence"}, {"mask_names": [7]}])
def test_a_job_without_such_names_keeps_what_is_no_secret(database, sql, config):
    stored(database, sql, config, {"LicenceCode": "kept", "password": CANARY})
    purged(database)

    assert sql.execute("select attributes from entities").fetchone()[0] == {"LicenceCode": "kept", "password": REDACTED}
    assert CANARY not in everything(sql)


def test_what_belongs_to_no_job_any_more_is_purged_by_the_usual_rule(database, sql):
    stored(database, sql, {"mask_names": ["licence"]}, {"LicenceCode": "kept", "password": CANARY})
    sql.execute("update elder_worker.scopes set owner = 'job:999999'")
    purged(database)

    assert sql.execute("select attributes from entities").fetchone()[0] == {"LicenceCode": "kept", "password": REDACTED}


def test_the_words_of_a_provider_hold_for_what_is_stored_too(database, sql):
    stored(database, sql, {}, {"properties": {"authorizationKey": CANARY, "zone": "a"}})
    sql.execute("update entities set provider = 'azure', sub_type = 'azure_express_route'")
    purged(database)

    assert CANARY not in everything(sql)
    assert '"zone"' in everything(sql).replace("'", '"')


def test_what_a_run_writes_meanwhile_is_kept(database, sql, monkeypatch):
    """The purge has read the row; then a run writes it; what is masked is what the run wrote."""
    stored(database, sql, {}, {"password": CANARY, "zone": "a"})
    cleaned, written = purge_module._cleaned, []

    def written_meanwhile(origin, attributes, tags):
        if not written:
            written.append(sql.execute('update entities set attributes = attributes || \'{"zone": "b"}\''))
        return cleaned(origin, attributes, tags)

    monkeypatch.setattr(purge_module, "_cleaned", written_meanwhile)
    with connect(database) as connection:
        assert purge(connection).entities == 1

    assert sql.execute("select attributes from entities").fetchone()[0] == {"password": REDACTED, "zone": "b"}
