"""The command line. Each command is a module of `worker.cli`, imported when it is used."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

from providers.errors import ConfigError, ProviderError
from supervisor.plain import plain
from worker.config.durations import seconds
from worker.config.environment import SettingsError
from worker.version import __version__

EXIT_CONFIG, EXIT_FAILED, EXIT_INTERRUPTED = 78, 1, 130

COMMANDS = {
    "run": "runs the worker: discovery jobs, connectors and health endpoints",
    "api": "runs the Elder API",
    "up": "runs everything on one machine: an embedded PostgreSQL, the API and the worker; data under ./.elder",
    "demo": "changes the simulated AWS account of 'up --demo', to show what a run makes of it",
    "bootstrap": "makes once the secrets of a Compose installation that its environment does not set",
    "migrate": "creates or upgrades the database schema, and the role that workers and the API have in it",
    "check": "tests whether everything that is enabled can be reached, and as whom",
    "discover": "reads a source once, without a database",
    "providers": "lists what can be read, with which settings and permissions",
    "runs": "lists or releases what the guard against mass deletion holds back of a run",
    "jobs": "lets a parked job run again, or a job read another source than before",
    "scopes": "lists scopes, and retires those that no plan contains any more",
    "connectors": "releases what the guard against mass deletion holds back of a connector",
    "settings": "prints every setting with its default, as a page or an .env file",
    "secrets": "rotate: seals every stored secret again with the first key of ELDER_SECRET_KEYS, so that older keys can be dropped; "
    "mask: takes what `mask_names` name out of entities and their history",
    "keys": "makes, lists, rotates and revokes keys of the Elder API",
    "sessions": "lists the sessions of people who are signed in to the pages, and ends those of one person",
    "keygen": "makes a key for ELDER_SECRET_KEYS",
}


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(prog="elder-worker", description="Keeps an inventory of clouds and directories true.")
    top.add_argument("--version", action="version", version=f"elder-worker {__version__}", help="show the version and exit")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".")
        _ARGUMENTS.get(name, lambda _: None)(command)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """The console script. An error is one sentence on stderr and an exit code: 78 for configuration, 1 otherwise."""
    options = parser().parse_args(arguments)
    try:
        command = importlib.import_module(f"worker.cli.{options.command}")
        return int(command.main(options, os.environ))
    except (SettingsError, ConfigError) as error:
        return _complain(getattr(error, "complaints", ()) or (str(error),), EXIT_CONFIG)
    except ProviderError as error:
        return _complain((str(error),), EXIT_FAILED)
    except CommandError as error:
        return _complain((str(error),), error.code)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED


class CommandError(Exception):
    """A command cannot do what it was asked to do; the message is for the person who typed it."""

    def __init__(self, message: str, code: int = EXIT_FAILED) -> None:
        super().__init__(message)
        self.code = code


def _complain(sentences: Sequence[str], code: int) -> int:
    for sentence in sentences:
        print(f"elder-worker: {plain(sentence)}", file=sys.stderr)
    return code


def _run(command: argparse.ArgumentParser) -> None:
    command.add_argument("--once", action="store_true", help="run what is due, then exit: 0 when all of it succeeded, else 1")
    command.add_argument("--job", type=int, metavar="ID", help="with --once: run that job, due or not")


def _up(command: argparse.ArgumentParser) -> None:
    command.add_argument("--demo", action="store_true", help="add a simulated AWS account and a first job")
    _data(command)


def _data(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data", default=".elder", metavar="FOLDER", help="folder for the data (default: .elder)")


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("terminate-instances",), help="terminate all instances of one region")
    _data(command)


def _discover(command: argparse.ArgumentParser) -> None:
    command.add_argument("provider", help="name of a provider, such as aws")
    command.add_argument(
        "--config",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a config key: text, JSON, a list with commas, or @FILE that holds the value (for secrets)",
    )
    command.add_argument("--config-file", metavar="FILE", help="a JSON file with the config")
    command.add_argument("--format", choices=("table", "jsonl", "csv"), default="table", help="form of the output")
    command.add_argument(
        "--csv-raw", action="store_true", help="with csv: leave cells as they are, also those that a spreadsheet would run"
    )


def _providers(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", nargs="?", help="name of a provider; without, all")
    command.add_argument("--policy", action="store_true", help="print the least-privilege policy")
    command.add_argument("--config", action="append", default=[], metavar="KEY=VALUE", help="with --policy: a key of the job's config")


def _check(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print JSON")
    command.add_argument("--verbose", action="store_true", help="also print as whom the worker is known there")
    command.add_argument("--timeout", type=_seconds, default=30.0, metavar="SECONDS", help="for each test (default: 30)")
    _data(command)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= 3600:
        raise argparse.ArgumentTypeError("must be above 0 and at most 3600")
    return seconds


def _runs(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("held", "release"))
    command.add_argument("run", type=int)
    command.add_argument("--yes", action="store_true", help="with release: do not ask")


def _scopes(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("list", "retire"))
    command.add_argument("--state", choices=("current", "abandoned", "retired"), help="with list: scopes in this state only")
    for name, help_ in (
        ("--owner", "such as job:42 or connector:ldap"),
        ("--provider", "such as aws"),
        ("--account", "id of an account, project, subscription, cluster or directory"),
        ("--region", "such as us-east-1"),
        ("--resource-type", "such as ec2_instance"),
    ):
        command.add_argument(name, help=help_)
    command.add_argument("--not-complete-for", type=_duration, metavar="7d", help="with list: not read in full for so long")
    command.add_argument("--never-complete", action="store_true", default=None, help="with list: never read in full")
    command.add_argument("--yes", action="store_true", help="with retire: do not ask")


def _duration(text: str) -> float:
    try:
        return seconds("--not-complete-for", text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("unpark", "accept-identity"))
    command.add_argument("job", type=int)


def _connectors(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("release",))
    command.add_argument("name", help="name of the connector, such as ldap")
    command.add_argument("--yes", action="store_true", help="do not ask")


def _secrets(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("rotate", "mask"))
    command.add_argument("--dry-run", action="store_true", help="change nothing; count what would be sealed anew or masked")


def _bootstrap(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", help="folder for the files: `owner` for PostgreSQL and the migration, `app` for API and worker")


def _migrate(command: argparse.ArgumentParser) -> None:
    command.add_argument("--app-role", metavar="ROLE", help="make this role, or give it the password and the rights that it needs now")
    command.add_argument("--app-password-file", metavar="FILE", help="file with its password")


def _keys(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list the keys, without the keys themselves")
    make = actions.add_parser("make", help="make a key and print it, this once")
    make.add_argument("name")
    make.add_argument("--role", required=True, choices=("read", "operate", "admin", "sync"), help="what the key may do")
    make.add_argument(
        "--organization-id", type=int, metavar="ID", help="let it read this organization and those below it, and nothing else"
    )
    make.add_argument("--expires-in-days", type=int, metavar="DAYS", help="refuse the key after so many days (default: never)")
    rotate = actions.add_parser("rotate", help="replace a key by a new one and print that, this once")
    rotate.add_argument("name")
    rotate.add_argument(
        "--grace", type=int, default=0, metavar="SECONDS", help="take the old key for so long beside the new one (default: 0)"
    )
    actions.add_parser("revoke", help="end a key at once").add_argument("name")


def _sessions(command: argparse.ArgumentParser) -> None:
    actions = command.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser("list", help="list the sessions that may be used now, each with the person's subject")
    actions.add_parser("end", help="end all sessions of a person at once").add_argument("subject")


def _settings(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("markdown", "env"), default="markdown", help="form of the output")


_ARGUMENTS = {
    "run": _run,
    "up": _up,
    "demo": _demo,
    "discover": _discover,
    "providers": _providers,
    "check": _check,
    "runs": _runs,
    "jobs": _jobs,
    "scopes": _scopes,
    "connectors": _connectors,
    "secrets": _secrets,
    "bootstrap": _bootstrap,
    "migrate": _migrate,
    "keys": _keys,
    "sessions": _sessions,
    "settings": _settings,
}
