"""``elder-worker discover PROVIDER``: one scan without a database; progress on stderr, what was found on stdout."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from providers import registry, schema
from providers.collected import Collected, canonical
from providers.errors import ConfigError, Outcome
from providers.provider import Source
from providers.records import Resource, Scope
from providers.runner import ScopeReport, run
from worker.settings import load

COLUMNS = ("sub_type", "name", "region", "external_id")


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Reads, prints; 0 when every scope was read in full, else 1."""
    provider = registry.get(options.provider)
    given = load(environ).environment()
    config = _config(options)
    if not config and provider.connector:
        config = provider.connector_config(given)
    operator = {name: given[name] for name in provider.operator_variables if name in given}
    source: Source = provider.open(schema.parse(provider.config, config), operator)
    printer = _PRINTERS[options.format]()
    try:
        tally = run(source, printer)
    finally:
        source.close()
    printer.finish()
    print(f"{tally.resources} resources in {tally.scopes} scopes", file=sys.stderr)
    return 0 if tally.complete else 1


def _config(options: argparse.Namespace) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if options.config_file:
        try:
            config = json.loads(Path(options.config_file).read_text())
        except (OSError, ValueError) as error:
            raise ConfigError(f"{options.config_file} is not a JSON file: {error}") from None
    for pair in options.config:
        key, equals, value = pair.partition("=")
        if not equals:
            raise ConfigError(f"--config takes KEY=VALUE, not '{pair}'")
        config[key] = _value(value)
    return config


def _value(text: str) -> Any:
    """JSON where it is some, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


class _Printer(Collected):
    """Tells how scopes end, and keeps what was found for the end."""

    def end(self, report: ScopeReport) -> None:
        """One line on stderr for each scope that has something to tell."""
        super().end(report)
        scope = report.scope
        if report.outcome is not Outcome.COMPLETE:
            where = " ".join(part for part in (scope.account, scope.region) if part)
            print(f"{report.outcome:<12} {scope.resource_type} {where}: {report.message}", file=sys.stderr)

    def rows(self) -> list[tuple[str, ...]]:
        """What was found, sorted."""
        return sorted((r.sub_type, r.name, r.region or scope.region, r.external_id) for scope, r in self.all())

    def finish(self) -> None:
        """Prints a table."""
        rows = [COLUMNS, *self.rows()]
        widths = [min(48, max(len(row[column]) for row in rows)) for column in range(len(COLUMNS))]
        for row in rows:
            print("  ".join(f"{value[:width]:<{width}}" for value, width in zip(row[:-1], widths, strict=False)) + f"  {row[-1]}")


class _Lines(_Printer):
    """JSON lines, as they come."""

    def resources(self, scope: Scope, resources: list[Resource]) -> None:
        """Prints them at once, and keeps nothing."""
        names = Resource.__struct_fields__
        for resource in resources:
            record = dict(zip(names, json.loads(canonical(resource)), strict=True))
            print(json.dumps({"provider": scope.provider, "account": scope.account, **record, "region": resource.region or scope.region}))

    def finish(self) -> None:
        """All is printed."""


class _Csv(_Printer):
    """Comma-separated values."""

    def finish(self) -> None:
        """Prints them."""
        writer = csv.writer(sys.stdout)
        writer.writerow(COLUMNS)
        writer.writerows(self.rows())


_PRINTERS: dict[str, type[_Printer]] = {"table": _Printer, "jsonl": _Lines, "csv": _Csv}
