"""A connector from end to end: a directory, a worker without a database, the API, PostgreSQL; first and unchanged."""

from __future__ import annotations

import pathlib
import re
import statistics
import tempfile

import psycopg
from peers import certificates, slapd
from peers.service import Part, get

from worker.local.postgres import running
from worker.store.migrate import migrate

ROUNDS = 3
BARS = (("first", 5_000), ("unchanged", 12_000))
_DURATIONS = re.compile(r'^connector_sync_duration_seconds_(sum|count)\{connector="ldap"\} ([\d.e+-]+)$', re.MULTILINE)


def measure() -> list[tuple[str, str, str, str]]:
    """Rows of the table."""
    rates: dict[str, list[float]] = {name: [] for name, _ in BARS}
    with tempfile.TemporaryDirectory() as folder:
        base = pathlib.Path(folder)
        (base / "slapd").mkdir()
        with (
            slapd.running(base / "slapd", certificates.Authority(base)) as directory,
            running(base / "postgres") as server,
        ):
            migrate(server.url())
            for number in range(ROUNDS):
                with psycopg.connect(server.url(), autocommit=True) as connection:
                    connection.execute("truncate organizations, entities, connector_history, elder_worker.scopes cascade")
                for (name, _), seconds in zip(BARS, _syncs(base, server.url(), directory, str(number)), strict=True):
                    rates[name].append(slapd.USERS / seconds)
    return [
        (
            f"LDAP into the API, {slapd.USERS:,} users with groups, {name}",
            f"{statistics.median(rates[name]):,.0f} users/s ({min(rates[name]):,.0f} to {max(rates[name]):,.0f})",
            f">= {bar:,} users/s",
            "",
        )
        for name, bar in BARS
    ]


def _syncs(base: pathlib.Path, database: str, directory: slapd.Slapd, name: str) -> tuple[float, float]:
    """Seconds of the first sync and of the one after, as the worker measures them."""
    api = Part(base / f"api-{name}.log", "api", {"DATABASE_URL": database}, "ELDER_API_PORT")
    api.wait(lambda: get(f"{api.url}/healthz"), "the API does not answer")
    worker = Part(base / f"worker-{name}.log", "run", {"ELDER_API_URL": api.url, **_settings(directory)}, "HEALTH_CHECK_PORT")
    try:
        first, _ = worker.wait(lambda: (found := _durations(worker))[1] >= 1 and found, "there was no sync")
        both, count = worker.wait(lambda: (found := _durations(worker))[1] >= 2 and found, "there was no second sync")
        return first, (both - first) / (count - 1)
    finally:
        worker.stop()
        api.stop()


def _settings(directory: slapd.Slapd) -> dict[str, str]:
    return {
        "LDAP_ENABLED": "true",
        "LDAP_SERVER": "localhost",
        "LDAP_PORT": str(directory.port),
        "LDAP_START_TLS": "true",
        "LDAP_CA_CERT": str(directory.ca),
        "LDAP_BIND_DN": directory.config()["bind_dn"],
        "LDAP_BIND_PASSWORD": directory.config()["bind_password"],
        "LDAP_BASE_DN": directory.config()["base_dn"],
        "LDAP_USER_FILTER": "(objectClass=inetOrgPerson)",
        "LDAP_SYNC_INTERVAL": "10",
    }


def _durations(worker: Part) -> tuple[float, int]:
    """The sum and the number of the syncs' durations."""
    found = dict(_DURATIONS.findall(get(f"{worker.url}/metrics")))
    return float(found.get("sum", 0)), int(float(found.get("count", 0)))


if __name__ == "__main__":
    for row in measure():
        print(row)
