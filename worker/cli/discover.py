"""``elder-worker discover PROVIDER``: one scan without a database; progress on stderr, what was found on stdout."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import signal
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from providers import keys, registry, schema
from providers.collected import Collected, canonical
from providers.counted import counted
from providers.errors import Outcome, ProviderError
from providers.provider import Provider
from providers.records import Resource, Scope
from providers.runner import Tally, run
from providers.sink import ScopeReport
from supervisor.plain import plain
from worker.cli.main import EXIT_INTERRUPTED
from worker.config.packages import installed
from worker.config.settings import load
from worker.logs.cells import cell, csv_text
from worker.logs.redact import Redactor
from worker.run.causes import Causes, Unread

COLUMNS = ("sub_type", "name", "region", "external_id")

EXIT_UNREAD = 141
"""The reader of the output has closed it, as `head` does: the code that a shell gives a program that a SIGPIPE ended."""


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Reads the source and prints what was found; 0 when every scope was read in full, else 1."""
    packages = installed() if options.provider not in registry.BUILT_IN else None
    provider = registry.load(options.provider)  # this process is the job
    settings = load(environ, packages).sources[provider.name]
    signal.signal(signal.SIGINT, _interrupted)
    config = {**settings.connector, **_config(options, provider)}
    redactor = Redactor((*schema.secret_values(provider.config, config), *settings.operator_secrets))
    source = registry.opened(provider, config, settings.operator)
    printer = _PRINTERS["csv-raw" if options.csv_raw else options.format]()
    try:
        tally = run(source, printer)
        printer.finish()
    except (ProviderError, MemoryError):
        raise
    except Exception as error:
        cause = redactor.text(f"{type(error).__name__}: {error}")
        raise ProviderError(f"the provider failed in a way it does not explain ({cause})") from error
    finally:
        source.close()
    printer.summary(tally)
    return 0 if tally.complete else 1


def _interrupted(*_: object) -> None:
    """Ends the process on Ctrl-C at once: the threads that read may hang for as long as the source does."""
    os.write(2, b"\ninterrupted: not everything was read\n")
    os._exit(EXIT_INTERRUPTED)


def _config(options: argparse.Namespace, provider: Provider) -> dict[str, Any]:
    config: dict[str, Any] = keys.read(options.config_file, json.loads) if options.config_file else {}
    return {**config, **keys.entered(options.config, provider.config)}


class _Printer(Collected):
    """Prints how scopes end, and keeps what was found for the table."""

    def __init__(self) -> None:
        super().__init__()
        self._shown = sys.stderr.isatty()
        self._stderr = threading.Lock()
        self._scopes = self._ended = self._resources = 0
        self._causes = Causes()

    def planned(self, scopes: tuple[Scope, ...]) -> None:
        """Counts more scopes to be read."""
        super().planned(scopes)
        self._scopes += len(scopes)

    def end(self, report: ScopeReport) -> None:
        """One line on stderr for each scope that has something to tell; on a terminal, how far it is."""
        super().end(report)
        scope = report.scope
        if report.outcome is not Outcome.COMPLETE:
            self._say_cause(Unread(scope, report.outcome, report.message, report.permission))
        if report.rejected:
            self.say(f"{'rejected':<12} {scope.resource_type}: {report.rejected}, the first: {report.rejection}")
        with self._stderr:
            self._ended, self._resources = self._ended + 1, self._resources + report.resources
            if self._shown:
                print(f"\r\033[K{self._ended} of {self._scopes} scopes, {self._resources} resources", end="", file=sys.stderr, flush=True)

    def _say_cause(self, unread: Unread) -> None:
        """Prints the first scope of a cause at once; the others are counted, and told at the end."""
        with self._stderr:
            cause = self._causes.add(unread)
            first = cause.sentence() if cause.scopes == 1 else ""
        if first:
            self.say(f"{cause.outcome:<12} {first}")

    def summary(self, tally: Tally) -> None:
        """Prints a line for each cause of several scopes and for each snapshot, and the line that ends every scan."""
        for cause in self._causes.all():
            if cause.scopes > 1:
                self.say(f"{cause.outcome:<12} {cause.sentence()}")
        for (moment, account), scopes in sorted(Counter(self._moments()).items()):
            self.say(f"{'as of':<12} {moment:%Y-%m-%dT%H:%M:%SZ}: {scopes} of the scopes of {account}, from a snapshot of the source's own")
        self.say(f"{counted(tally.resources, 'resource')} in {counted(tally.scopes, 'scope')}")

    def _moments(self) -> Iterator[tuple[dt.datetime, str]]:
        """Times, in UTC, and accounts of the scopes that the source gave as they were earlier."""
        for scope, report in self.reports.items():
            if report.as_of:
                yield report.as_of.astimezone(dt.UTC), scope.account

    def say(self, line: str) -> None:
        """Prints a line on stderr, in the place of the progress."""
        with self._stderr:
            print(("\r\033[K" if self._shown else "") + plain(line), file=sys.stderr, flush=True)

    def rows(self) -> list[tuple[str, ...]]:
        """The rows of the table, sorted."""
        return sorted((r.sub_type, r.name, r.region or scope.region, r.external_id) for scope, r in self.all())

    def finish(self) -> None:
        """Prints the table of what was found."""
        rows = [COLUMNS, *(tuple(map(cell, row)) for row in self.rows())]
        widths = [min(48, max(len(row[column]) for row in rows)) for column in range(len(COLUMNS))]
        for row in rows:
            _out("  ".join(f"{value[:width]:<{width}}" for value, width in zip(row[:-1], widths, strict=False)) + f"  {row[-1]}\n")
        _out(flush=True)


class _Lines(_Printer):
    """Prints JSON lines as resources come."""

    def resources(self, scope: Scope, resources: list[Resource]) -> None:
        """Prints the resources at once, and keeps none."""
        names, lines = Resource.__struct_fields__, []
        for resource in resources:
            record = dict(zip(names, json.loads(canonical(resource)), strict=True))
            whole = {"provider": scope.provider, "account": scope.account, **record, "region": resource.region or scope.region}
            lines.append(json.dumps(whole) + "\n")
        with self._lock:
            _out("".join(lines), flush=True)

    def finish(self) -> None:
        """Nothing is left to print."""


class _Csv(_Printer):
    """Prints comma-separated values at the end."""

    raw = False

    def finish(self) -> None:
        """Prints the comma-separated values."""
        _out(csv_text(COLUMNS, self.rows(), raw=self.raw), flush=True)


def _out(text: str = "", *, flush: bool = False) -> None:
    """Writes to stdout; ends the process when stdout is closed, as nobody reads the rest."""
    try:
        sys.stdout.write(text)
        if flush:
            sys.stdout.flush()
    except BrokenPipeError:
        os._exit(EXIT_UNREAD)


class _RawCsv(_Csv):
    """Prints comma-separated values as they are, for programs."""

    raw = True


_PRINTERS: dict[str, type[_Printer]] = {"table": _Printer, "jsonl": _Lines, "csv": _Csv, "csv-raw": _RawCsv}
