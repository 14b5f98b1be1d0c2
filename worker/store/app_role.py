"""The database role of workers and the API: it reads and writes rows, and owns nothing."""

from __future__ import annotations

from psycopg import sql

from worker.store.connection import Connection, transaction
from worker.store.errors import Misconfigured

RIGHTS = (
    "grant connect, temporary on database {database} to {role}",
    "grant usage on schema public, elder_worker to {role}",
    "grant select, insert, update, delete on all tables in schema public, elder_worker to {role}",
    "alter default privileges grant select, insert, update, delete on tables to {role}",
    "alter default privileges grant usage on schemas to {role}",
)


def grant(connection: Connection, role: str, password: str) -> None:
    """Makes the role, or gives it this password, and what it needs of the schema as it stands and as it will be. Raises `StoreError`."""
    if role == connection.info.user:
        raise Misconfigured(f"'{role}' is the role that owns the schema: workers and the API get another one")
    names = {"role": sql.Identifier(role), "database": sql.Identifier(connection.info.dbname)}
    sealed = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    with transaction(connection):
        found = connection.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
        verb = sql.SQL("alter" if found else "create")
        connection.execute(sql.SQL("{} role {} login password {}").format(verb, names["role"], sql.Literal(sealed)))
        for right in RIGHTS:
            connection.execute(sql.SQL(right).format(**names))
