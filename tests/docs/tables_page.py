"""The page docs/tables.md: the tables that people may query, each column with its type and meaning, and a role for them."""

from __future__ import annotations

from collections.abc import Iterator

from table_meanings import INTERNAL, NOT_GRANTED, TABLES

HEAD = """# Tables for those who query

Dashboards and reports may read the database itself; the [API](api.md) has most of this too, and stays as it is for longer. This page is made by `make generated`;
a test fails when a table or column is there without a meaning, or a type differs. What stands here may get columns with any release. What is renamed or goes is named
in the [changes](../CHANGELOG.md).

Times are `timestamptz`. Long queries hold up the clean-up of old rows: a replica is the better place for them.

## A role that reads

<!-- executed by tests/docs/test_docs_tables.py: role -->
```sql
"""


def columns(name: str) -> Iterator[tuple[str, str, str]]:
    """Name, type and meaning of each column of a table."""
    for line in filter(None, map(str.strip, TABLES[name][1].splitlines())):
        head, _, meaning = line.partition(": ")
        column, _, kind = head.partition(" ")
        yield column, kind, meaning


def role() -> str:
    """The statements that make a role which reads the tables of this page, and nothing else."""
    whole = ", ".join(name for name in TABLES if name not in NOT_GRANTED)
    lines = [
        "create role elder_reader login password '...';",
        "alter role elder_reader set default_transaction_read_only = on;",
        "alter role elder_reader set statement_timeout = '60s';",
        "grant usage on schema public, elder_worker to elder_reader;",
        f"grant select on {whole} to elder_reader;",
    ]
    for name, hidden in NOT_GRANTED.items():
        lines.append(
            f"grant select ({', '.join(column for column, _, _ in columns(name) if column not in hidden)}) on {name} to elder_reader;"
        )
    return "\n".join(lines) + "\n"


def page() -> str:
    """The page as the meanings have it."""
    parts = [HEAD, role(), "```\n"]
    for name, (sentence, _) in TABLES.items():
        parts.append(f"\n## {name}\n\n{sentence}\n\n| column | type | |\n|---|---|---|\n")
        parts += [f"| `{column}` | {kind} | {meaning} |\n" for column, kind, meaning in columns(name)]
    parts.append(
        "\n## Everything else\n\nThese tables of the schema `elder_worker` (`run_scopes`: of `public`) change without notice:\n\n| table | |\n|---|---|\n"
    )
    parts += [f"| `{name}` | {reason} |\n" for name, reason in INTERNAL.items()]
    return "".join(parts)
