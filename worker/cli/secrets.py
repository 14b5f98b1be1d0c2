"""``elder-worker secrets rotate``: seals every stored secret again with the first key of ELDER_SECRET_KEYS."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import person
from worker.config.secretbox import MARK, SecretBox, SecretBoxError
from worker.config.settings import load
from worker.store import audit
from worker.store.connection import Connection, connect
from worker.store.errors import StoreError
from worker.store.sealed_configs import SealedConfig, change_config, sealed_configs

NAMED = 10
"""Jobs that an error names."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Rotates, or with ``--dry-run`` counts."""
    settings = load(environ)
    if not settings.database_url or not settings.elder_secret_keys:
        raise CommandError("DATABASE_URL and ELDER_SECRET_KEYS must be set", EXIT_CONFIG)
    box = SecretBox(settings.elder_secret_keys)
    try:
        with connect(settings.database_url) as connection:
            old = _on_older_keys(connection, box)
            if options.dry_run:
                print(_left(_sum(old)))
                return 0
            for config, _ in old:
                change_config(connection, config, box.renewed)
            left = _sum(_on_older_keys(connection, box))
            audit.add(connection, person(), "secrets rotated", "every job", after={"secrets": _sum(old), "jobs": len(old), "left": left})
    except (StoreError, SecretBoxError) as error:
        raise CommandError(str(error)) from None
    print(f"{_sum(old)} secrets of {len(old)} jobs are sealed with the first key now; {_left(left)}")
    return 0 if left == 0 else 1


def _on_older_keys(connection: Connection, box: SecretBox) -> list[tuple[SealedConfig, int]]:
    """The configs with secrets that the first key does not open, with their number. Raises `CommandError` if any key is missing."""
    old: list[tuple[SealedConfig, int]] = []
    closed: list[SealedConfig] = []
    for found in sealed_configs(connection, MARK):
        try:
            if number := box.older(found.config):
                old.append((found, number))
        except SecretBoxError:
            closed.append(found)
    if closed:
        raise CommandError(_lost(closed))
    return old


def _sum(old: Sequence[tuple[SealedConfig, int]]) -> int:
    return sum(number for _, number in old)


def _lost(closed: Sequence[SealedConfig]) -> str:
    names = ", ".join(plain(f"{found.id} ({found.name})") for found in closed[:NAMED])
    more = f" and {len(closed) - NAMED} more" if len(closed) > NAMED else ""
    return (
        f"nothing was changed: no key in ELDER_SECRET_KEYS opens the secrets of job {names}{more}. Add the key that they were sealed with, "
        "or enter these secrets again"
    )


def _left(number: int) -> str:
    if number == 0:
        return "none is left on older keys, which may be dropped"
    return f"{number} are left on older keys: do not drop these yet. Give every API and worker the new key first, then rotate again"
