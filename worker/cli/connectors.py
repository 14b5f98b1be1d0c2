"""``elder-worker connectors release NAME``: through the Elder API, because a connector's worker may have no database."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from providers.counted import are, counted
from worker.cli.main import CommandError
from worker.cli.person import confirm
from worker.config.settings import load
from worker.sync.client import ApiError, ElderApi


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Releases the tombstones that the guard against mass deletion held back."""
    settings = load(environ)
    connectors = settings.connectors()
    if options.name not in connectors:
        raise CommandError(f"there is no connector '{options.name}'; there are {', '.join(connectors)}")
    if not options.yes:
        confirm(f"Apply all deletions that are held back of connector {options.name}?")
    api = ElderApi(settings.elder_api_url, settings.elder_api_key, ca_file=settings.elder_api_ca_bundle)
    try:
        released = api.release(f"connector:{options.name}")
    except ApiError as error:
        raise CommandError(str(error)) from None
    finally:
        api.close()
    both = f"; {counted(released.links, 'link')} and {counted(released.attributes, 'attribute')} are gone"
    besides = both if released.links or released.attributes else ""
    count = released.released
    print(f"{counted(count, 'entity')} of connector {options.name} {are(count)} now marked as deleted{besides}")
    return 0
