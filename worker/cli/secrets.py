"""``elder-worker secrets rotate``: seals every stored secret again with the first key of ELDER_SECRET_KEYS.

``elder-worker secrets mask``: takes what the rules of today mask out of what was stored before: entities and their history.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence

from providers.counted import are, counted
from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, CommandError
from worker.cli.person import person
from worker.config.secretbox import MARK, SecretBox, SecretBoxError
from worker.config.settings import Settings, load
from worker.store import audit
from worker.store.connection import Connection, connect
from worker.store.connectors import PREFIX
from worker.store.errors import StoreError
from worker.store.purge import purge
from worker.store.sealed_configs import SealedConfig, change_config, sealed_configs

NAMED = 10
"""Jobs and webhooks that an error names."""

NOUNS = {"discovery_jobs": "job", "tests": "connectivity test", "webhooks": "webhook"}
"""Table of a sealed secret -> what people call a row of it."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Rotates or masks, or with ``--dry-run`` counts."""
    return (_mask if options.action == "mask" else _rotate)(load(environ), dry_run=options.dry_run)


def _mask(settings: Settings, *, dry_run: bool) -> int:
    if not settings.database_url:
        raise CommandError("DATABASE_URL must be set", EXIT_CONFIG)
    names = {f"{PREFIX}{name}": source.connector.get("mask_names", ()) for name, source in settings.sources.items()}
    try:
        with connect(settings.database_url) as connection:
            found = purge(connection, names, write=not dry_run)
            if not dry_run:
                audit.add(connection, person(), "secrets masked", "every entity", after=found._asdict())
    except StoreError as error:
        raise CommandError(str(error)) from None
    entries = f"{counted(found.changes, 'entry')} of their history"
    held = f"{counted(found.entities, 'entity')}, {entries} and {counted(found.losses, 'attribute')} that wait"
    print(f"{held} hold what is to be masked" if dry_run else f"{held} held what is masked now")
    return 0


def _rotate(settings: Settings, *, dry_run: bool) -> int:
    if not settings.database_url or not settings.elder_secret_keys:
        raise CommandError("DATABASE_URL and ELDER_SECRET_KEYS must be set", EXIT_CONFIG)
    box = SecretBox(settings.elder_secret_keys)
    try:
        with connect(settings.database_url) as connection:
            old = _on_older_keys(connection, box)
            if dry_run:
                print(_left(_sum(old)))
                return 0
            for config, _ in old:
                change_config(connection, config, box.renewed)
            left = _sum(_on_older_keys(connection, box))
            audit.add(connection, person(), "secrets rotated", "every job", after={"secrets": _sum(old), "jobs": len(old), "left": left})
    except (StoreError, SecretBoxError) as error:
        raise CommandError(str(error)) from None
    print(f"{counted(_sum(old), 'secret')} of {_owners(old)} {are(_sum(old))} sealed with the first key now; {_left(left)}")
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


def _owners(old: Sequence[tuple[SealedConfig, int]]) -> str:
    """The owners of these secrets, counted: `2 jobs and 1 webhook`."""
    counts = [(sum(config.table == table for config, _ in old), noun) for table, noun in NOUNS.items()]
    return " and ".join(counted(count, noun) for count, noun in counts if count) or "no job or webhook"


def _lost(closed: Sequence[SealedConfig]) -> str:
    names = ", ".join(plain(f"{NOUNS[found.table]} {found.id} ({found.name})") for found in closed[:NAMED])
    more = f" and {len(closed) - NAMED} more" if len(closed) > NAMED else ""
    return (
        f"nothing was changed: no key in ELDER_SECRET_KEYS opens the secrets of {names}{more}. Add the key that they were sealed with, "
        "or enter these secrets again"
    )


def _left(number: int) -> str:
    if number == 0:
        return "none is left on older keys, which may be dropped"
    return (
        f"{number} {are(number)} left on older keys: do not drop these yet. Give every API and worker the new key first, then rotate again"
    )
