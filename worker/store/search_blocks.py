"""Blocks of entities with their signatures: a search for something rare looks at the blocks that may have it, not at a million entities.

A block is SPAN ids in a row. Triggers record which ids were stored or changed as pending, in the same transaction, and a search looks at
all blocks that have pending ids. The worker adds those to the signatures, beside its other work.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, LiteralString

from worker.store import statements
from worker.store.connection import Connection, transaction
from worker.store.signature import Bits, Needle, Signature

SPAN = 32
"""Ids of a block."""

ENTITIES, RANGES, WORN = 2_000, 1_000, 64
"""Entities that are added at once, in a tenth of a second; pending ranges that are looked at for them; signatures replaced at once."""

CANDIDATES = 3_000
"""Most blocks whose entities a search looks up; where more may have it, it looks at all entities."""

_OF_BLOCK: LiteralString = "(select * from entities where id between block * 32 and block * 32 + 31 offset 0)"
OF_BLOCKS: LiteralString = "unnest(%s::bigint[]) as block cross join lateral " + _OF_BLOCK + " as entities"
"""The table `entities` as far as it is in blocks, a parameter. The offset keeps out other indexes, which know nothing of blocks."""

_PENDING: LiteralString = "select generate_series(first_id / 32, last_id / 32) from elder_worker.search_pending"
_BLOCKS: LiteralString = "select block from elder_worker.search_blocks where "
_PART: LiteralString = "((names & %s::bit(2048)) = %s::bit(2048) or (ids & %s::bit(2048)) = %s::bit(2048))"
_REPEATS: LiteralString = "(repeats is null or (repeats & %s::bit(128)) = %s::bit(128))"
_ATTRIBUTE: LiteralString = "(attributes & %s::bit(8192)) = %s::bit(8192)"


def candidates(connection: Connection, needles: Sequence[Needle]) -> list[int] | None:
    """The blocks in which entities that meet all needles can be; None when they are too many for a look at each to help."""
    if not needles:
        return None
    clauses = [clause for needle in needles for clause in _clauses(needle)]
    where: LiteralString = " and ".join(clause for clause, _ in clauses)
    values = [bits for clause, bits in clauses for _ in range(clause.count("%s"))]
    rows = connection.execute(_PENDING + " union all " + _BLOCKS + where + " limit %s", [*values, CANDIDATES + 1])
    blocks = [block for (block,) in rows]
    return sorted({*blocks}) if len(blocks) <= CANDIDATES else None


def _clauses(needle: Needle) -> list[tuple[LiteralString, str]]:
    """Conditions on a block, each with the bits of all its parameters."""
    every = ((_PART, needle.part), (_REPEATS, needle.repeats), (_ATTRIBUTE, needle.attribute))
    return [(clause, bits) for clause, bits in every if bits]


def add_pending(connection: Connection) -> bool:
    """Adds a batch of pending entities to the signatures, and makes signatures anew that had many added; True when there may be more.

    Raises `StoreError`.
    """
    with transaction(connection):
        ranges = connection.execute(statements.get("take_pending"), {"ranges": RANGES, "entities": ENTITIES}).fetchall()
        _store(connection, statements.get("add_to_signatures"), _read(connection, ranges))
    with transaction(connection):
        worn = [block for (block,) in connection.execute(statements.get("lock_worn_signatures"), {"limit": WORN})]
        made = _read(connection, [(block * SPAN, block * SPAN + SPAN - 1) for block in worn])
        _store(connection, statements.get("replace_signatures"), {block: made.get(block, Signature()) for block in worn})
    return bool(ranges or worn)


def _read(connection: Connection, ranges: Sequence[tuple[Any, ...]]) -> dict[int, Signature]:
    """Signatures of the entities of ranges of ids, by block."""
    made: dict[int, Signature] = {}
    values = [[first for first, _ in ranges], [last for _, last in ranges]]
    for number, *entity in connection.execute(statements.get("entities_of_ranges"), values) if ranges else ():
        made.setdefault(number // SPAN, Signature()).add(*entity)
    return made


def _store(connection: Connection, statement: bytes, made: dict[int, Signature]) -> None:
    """Stores signatures in the order of their blocks, so that of two who store neither waits for the other in a circle."""
    if not made:
        return
    blocks = sorted(made)
    bits = [made[block].bits() for block in blocks]
    columns = {name: [getattr(one, name) for one in bits] for name in Bits._fields}
    connection.execute(statement, columns | {"blocks": blocks, "entities": [made[block].entities for block in blocks]})
