"""Blocks and their signatures: a search by them finds what a look at all entities finds, whatever is stored, changed and added meanwhile."""

from __future__ import annotations

import json
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from store_runs import add_job, resources, run_once
from waiting import until

from worker.store import entity_list, search_blocks, signature, statements
from worker.store.connection import connect, transaction
from worker.store.errors import StoreError
from worker.store.search import Term, condition

WAITS = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()"

STORE = """
insert into entities (organization_id, external_id, entity_type, sub_type, name, provider, attributes, scope_id, key, content)
select 1, 'id/' || n || '/' || gen_random_uuid(), 'compute', 'type ' || n %% 3, 'host-' || n, 'aws',
       jsonb_build_object('Number', n, 'State', jsonb_build_object('Name', 'running')), 1, n, n
from generate_series(%s::integer, %s::integer) n"""

TERMS = (
    *(Term("word", (), word) for word in ("host-77", "HOST-1", "777", "renamed-3", "s", "id/41", "777777", "zyzyz")),
    *(Term("attr", ("Number",), str(n)) for n in (7, 300, 9_999)),
    Term("attr", ("State", "Name"), "stopped"),
    Term("attr", ("Zone",), None),
)

STATEMENTS = (
    "update entities set name = 'renamed-' || id % 7 where id % 61 = {n} % 61",
    "update entities set external_id = external_id || '/777' where id % 97 = {n} % 97",
    "update entities set external_id = external_id || '/77777777' where id % 131 = {n} % 131",
    "update entities set name = 'zyzyzy-' || id where id % 113 = {n} % 113",
    """update entities set attributes = attributes || '{{"State": {{"Name": "stopped"}}}}' where id % 53 = {n} % 53""",
    """update entities set attributes = attributes || '{{"Zone": [{{"a": 1}}]}}' where id % 211 = {n} % 211""",
    "update entities set is_active = not is_active where id % 5 = {n} % 5",
    "delete from entities where id % 17 = {n} % 17",
)


@pytest.fixture
def connection(database):
    with connect(database) as opened:
        opened.execute("insert into organizations (id, name) values (1, 'one')")
        yield opened


def add_all(connection) -> int:
    """Adds all that is pending; returns in how many batches."""
    batches = 0
    while search_blocks.add_pending(connection):
        batches += 1
        assert batches < 1_000
    return batches


def pending(connection) -> int:
    return connection.execute("select count(*) from elder_worker.search_pending").fetchone()[0]


def found(connection, *terms: Term) -> tuple[set[int], set[int]]:
    """Ids that a search finds, and those that a look at all entities finds."""
    selection = entity_list.selection({"is_active": None}, [condition(term) for term in terms])
    everything = connection.execute("select id from entities" + selection._where(), selection.values).fetchall()
    return set(selection.sample(connection)), {number for (number,) in everything}


def assert_found(connection, *terms: Term) -> set[int]:
    by_blocks, by_all = found(connection, *terms)
    assert by_blocks == by_all, terms
    return by_all


def blocks(connection, term: Term) -> list[int] | None:
    needle = condition(term).needle
    assert needle
    return search_blocks.candidates(connection, [needle])


def test_searches_find_the_same_by_signatures_as_without_after_random_statements(connection):
    dice = random.Random(3)
    connection.execute(STORE, [1, 400])
    seen, stored = set(), 400
    for step in range(80):
        if step % 8 == 0:
            connection.execute(STORE, [stored + 1, stored + 100])
            stored += 100
        connection.execute(dice.choice(STATEMENTS).format(n=dice.randrange(1_000)))
        if dice.random() < 0.6:
            search_blocks.add_pending(connection)
        for term in dice.sample(TERMS, 3):
            seen |= {term} if assert_found(connection, term) else set()
        assert_found(connection, *dice.sample(TERMS, 2))
    assert len(seen) > len(TERMS) / 2
    assert add_all(connection)


def test_what_few_have_is_looked_for_in_few_blocks(connection):
    connection.execute(STORE, [1, 5_000])
    assert add_all(connection) > 2
    assert pending(connection) == 0
    assert len(blocks(connection, Term("word", (), "host-4321")) or ()) < 10
    assert len(blocks(connection, Term("attr", ("Number",), "4321")) or ()) < 10
    assert blocks(connection, Term("attr", ("Zone",), None)) == []
    assert len(assert_found(connection, Term("word", (), "host-4321"))) == 1


def test_a_part_that_repeats_a_character_is_looked_for_in_few_blocks(connection):
    connection.execute(STORE, [1, 5_000])
    connection.execute("update entities set external_id = replace(external_id, '-', '-777-')")
    add_all(connection)
    assert len(blocks(connection, Term("word", (), "777"))) > 100
    assert len(blocks(connection, Term("word", (), "777777")) or ()) < 10
    connection.execute("update entities set name = 'a-777777' where id = (select max(id) from entities)")
    for _ in range(2):
        assert len(assert_found(connection, Term("word", (), "777777"))) == 1
        add_all(connection)


OF_A_RELEASE_BEFORE = """
insert into elder_worker.search_blocks as b (block, names, ids, attributes, additions)
select * from unnest(%(blocks)s::bigint[], %(names)s::bit(2048)[], %(ids)s::bit(2048)[], %(attributes)s::bit(8192)[], %(entities)s::integer[])
on conflict (block) do update set names = b.names | excluded.names, ids = b.ids | excluded.ids,
    attributes = b.attributes | excluded.attributes, additions = b.additions + excluded.additions"""


def test_what_a_worker_of_a_release_before_adds_is_found(connection, monkeypatch):
    """It knows nothing of parts that repeat: its blocks are looked at, until a worker of this release makes their signatures."""
    get, word = statements.get, Term("word", (), "777777")
    before = {"add_to_signatures": OF_A_RELEASE_BEFORE.encode(), "lock_worn_signatures": b"select 1::bigint where %(limit)s < 0"}
    unknown = "select count(*) from elder_worker.search_blocks where repeats is null"
    connection.execute(STORE, [1, 400])
    add_all(connection)
    connection.execute("update entities set name = 'b-777777-' || id where id % 200 = 7")
    connection.execute(STORE, [777_777, 777_777 + 2 * search_blocks.SPAN])
    with monkeypatch.context() as older:
        older.setattr(statements, "get", lambda name: before.get(name) or get(name))
        add_all(connection)
    assert len(assert_found(connection, word)) == 3
    assert connection.execute(unknown).fetchone()[0] > 3, "those of ours that it added to, and its own"
    add_all(connection)
    assert connection.execute(unknown).fetchone()[0] == 0
    assert len(assert_found(connection, word)) == 3
    assert len(blocks(connection, word)) < 6


def test_where_many_blocks_may_have_it_all_entities_are_looked_at(connection, monkeypatch):
    connection.execute(STORE, [1, 200])
    add_all(connection)
    monkeypatch.setattr(search_blocks, "CANDIDATES", 3)
    assert blocks(connection, Term("word", (), "host-")) is None
    assert len(assert_found(connection, Term("word", (), "host-"))) == 200


def test_only_what_a_search_can_find_is_pending_again(connection):
    connection.execute(STORE, [1, 200])
    add_all(connection)
    connection.execute("update entities set is_active = false, changed_at = now(), tags = '{\"a\": \"b\"}', region = 'x'")
    assert pending(connection) == 0
    connection.execute("update entities set name = name")
    assert pending(connection) == 0
    connection.execute("update entities set name = 'new' where id in (select id from entities limit 3)")
    assert pending(connection) == 3


def test_what_a_transaction_stores_while_signatures_are_made_is_found_when_it_is_committed(connection, database):
    connection.execute(STORE, [1, 10])
    with connect(database) as other:
        with transaction(other):
            other.execute(STORE, [777, 777])
            other.execute("update entities set name = 'late' where id in (select min(id) from entities)")
            add_all(connection)
            assert not found(connection, Term("word", (), "late"))[1]
        assert len(assert_found(connection, Term("word", (), "late"))) == 1
        assert len(assert_found(connection, Term("word", (), "host-777"))) == 1
    add_all(connection)
    assert pending(connection) == 0
    assert len(assert_found(connection, Term("word", (), "late"))) == 1


def test_what_is_added_while_a_signature_is_made_anew_is_not_lost(connection, database):
    """Whoever makes a signature anew locks it before it reads: what another adds comes after."""
    connection.execute(STORE, [1, 31])
    add_all(connection)
    connection.execute("update elder_worker.search_blocks set additions = 1000")
    reached, go_on = threading.Event(), threading.Event()
    with connect(database) as other:
        read = search_blocks._read

        def waiting(via, ranges):
            made = read(via, ranges)
            if via is other and ranges:
                reached.set()
                assert go_on.wait(30)
            return made

        search_blocks._read = waiting
        try:
            anew = threading.Thread(target=search_blocks.add_pending, args=(other,))
            anew.start()
            assert reached.wait(30)
            connection.execute("update entities set name = 'meanwhile' where id = (select min(id) from entities)")
            added = threading.Thread(target=search_blocks.add_pending, args=(connection,))
            added.start()
            with connect(database) as watching:
                until(lambda: not added.is_alive() or watching.execute(WAITS).fetchone()[0], "the second to add, or to wait for the first")
            go_on.set()
            anew.join(30)
            added.join(30)
        finally:
            search_blocks._read = read
            go_on.set()
    assert not anew.is_alive()
    assert not added.is_alive()
    assert len(assert_found(connection, Term("word", (), "meanwhile"))) == 1


def test_what_is_pending_stays_so_when_whoever_adds_it_dies_on_the_way(connection, database, monkeypatch):
    connection.execute(STORE, [1, 100])
    before = pending(connection)

    def cut_off(_: object, ranges: list[tuple]) -> dict:
        other.pgconn.finish()
        return {}

    with connect(database) as other, monkeypatch.context() as patched:
        patched.setattr(search_blocks, "_read", cut_off)
        patched.setattr(search_blocks, "_store", lambda via, *_: via.execute("select 1"))
        with pytest.raises((StoreError, psycopg.OperationalError)):
            search_blocks.add_pending(other)
    until(lambda: pending(connection) == before, "the server to undo what the lost session had taken")
    assert assert_found(connection, Term("word", (), "host-77"))
    add_all(connection)
    assert assert_found(connection, Term("word", (), "host-77"))


def test_several_workers_add_at_once(connection, database):
    connection.execute(STORE, [1, 6_000])
    connection.execute("update entities set name = 'new-' || id where id % 3 = 0")

    def work(_: int) -> int:
        with connect(database) as own:
            return add_all(own)

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4), timeout=60)) > 3
    assert pending(connection) == 0
    for word in ("new-300", "host-299", "id/5999"):
        assert assert_found(connection, Term("word", (), word))


def test_a_signature_to_which_much_was_added_is_made_anew_without_what_is_gone(connection):
    connection.execute(STORE, [1, 20])
    for number in range(search_blocks.SPAN):
        connection.execute("update entities set attributes = jsonb_build_object('Stamp', 'at ' || %s::integer)", [number])
        add_all(connection)
    assert assert_found(connection, Term("attr", ("Stamp",), f"at {search_blocks.SPAN - 1}"))
    additions, bits = connection.execute("select max(additions), max(bit_count(attributes)) from elder_worker.search_blocks").fetchone()
    assert additions <= 128
    assert bits < search_blocks.SPAN * signature.HASHES


def test_a_block_whose_entities_are_all_gone_is_made_anew_once(connection):
    connection.execute(STORE, [1, 20])
    add_all(connection)
    connection.execute("delete from entities")
    connection.execute("update elder_worker.search_blocks set additions = 1000")
    assert add_all(connection) == 1
    assert connection.execute("select max(bit_count(names)) from elder_worker.search_blocks").fetchone() == (0,)


def test_entities_of_a_run_are_found_before_and_after_their_signatures_are_made(database, sql):
    job = add_job(sql)
    run_once(database, job, resources(300))
    name = sql.execute("select name from entities order by id desc limit 1").fetchone()[0]
    with connect(database) as connection:
        assert assert_found(connection, Term("word", (), name))
        add_all(connection)
        assert assert_found(connection, Term("word", (), name))
        assert blocks(connection, Term("word", (), "nothing-of-the-kind")) == []


def test_a_document_with_many_levels_is_added_too(connection):
    connection.execute(STORE, [1, 1])
    deep = json.loads("[" * 900 + "]" * 900)
    connection.execute("update entities set attributes = %s::jsonb", [json.dumps({"deep": deep})])
    add_all(connection)
    assert pending(connection) == 0
    assert assert_found(connection, Term("attr", ("deep",), None))
