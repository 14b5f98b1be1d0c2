"""The command ``elder`` and its options."""

from __future__ import annotations

from typing import Any

import click
from click.shell_completion import get_completion_class

from api.client import inventory, jobs, keys, manual, runs, sources, webhooks
from api.client.errors import EXIT_INTERRUPTED
from api.client.output import FORMATS
from api.client.session import Session
from worker.version import __version__


class Commands(click.Group):
    """All commands. Ctrl-C ends each of them without a word."""

    def invoke(self, ctx: click.Context) -> Any:
        """Carries out a command. Exits with 130 when it is interrupted."""
        try:
            return super().invoke(ctx)
        except (KeyboardInterrupt, click.Abort):
            click.echo(err=True)
            raise SystemExit(EXIT_INTERRUPTED) from None


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="elder", help="Show the version and exit.")
@click.option("--url", help="URL of the API; without, ELDER_API_URL, the config file, http://localhost:5000.")
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", show_default=True, help="Form of the output.")
@click.pass_context
def main(context: click.Context, url: str | None, output: str) -> None:
    """Shows and changes what Elder keeps: jobs, runs, entities, connectors, scopes, webhooks, keys.

    The URL and the key of the API come from ELDER_API_URL and ELDER_API_KEY, else from `url` and `key` in ~/.config/elder/config.toml
    (or ELDER_CONFIG). Exit codes: 0 done, 1 failed, 2 wrong usage, 3 wrong key, 4 the API cannot be reached, 5 done in part, 6 not there,
    7 its state does not allow it, 130 interrupted; 'elder manual' says more.
    """
    context.obj = Session(url, output)


for group in (
    jobs.group,
    runs.group,
    inventory.entities,
    inventory.changes,
    inventory.organizations,
    sources.connectors,
    sources.scopes,
    webhooks.group,
    keys.group,
    keys.audit,
):
    main.add_command(group)


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Prints the completion of a shell. To switch it on: eval "$(elder completion bash)"."""
    found = get_completion_class(shell)
    if found is not None:
        click.echo(found(main, {}, "elder", "_ELDER_COMPLETE").source())


@main.command("manual")
def print_manual() -> None:
    """Prints the manual page: elder manual | man -l -."""
    click.echo(manual.page(main), nl=False)
