"""The manual page ``elder(1)``, made from the commands themselves: docs/man/elder.1, which the wheel installs."""

from __future__ import annotations

from collections.abc import Iterator

import click

from api.client import manual_page
from api.client.errors import EXIT_CODES
from api.client.manual_page import Command, Manual, Option

VARIABLES = {
    "ELDER_API_URL": "URL of the API, where --url is not given.",
    "ELDER_API_KEY": "Key of the API.",
    "ELDER_CONFIG": "The config file, in place of ~/.config/elder/config.toml.",
}
FILES = {"~/.config/elder/config.toml": "`url` and `key` of the API. Only its owner may read it where it holds a key."}
SEE_ALSO = "elder-worker(1): the command of the machine that runs workers. elder completion bash: a shell's completion."


def page(command: click.Group) -> str:
    """The manual page of a command and all commands below it, as source of man(7)."""
    top = click.Context(command, info_name="elder")
    return manual_page.page(
        Manual(
            summary="command line of the Elder inventory of clouds and directories",
            top=_described(top),
            commands=[_described(context) for context in _contexts(top)],
            lists={"EXIT STATUS": {str(code): meaning for code, meaning in EXIT_CODES.items()}, "ENVIRONMENT": VARIABLES, "FILES": FILES},
            see_also=SEE_ALSO,
        )
    )


def _contexts(above: click.Context) -> Iterator[click.Context]:
    """A context for each command that does something, in order of their names."""
    group = above.command
    if not isinstance(group, click.Group):
        yield above
        return
    for name in group.list_commands(above):
        command = group.get_command(above, name)
        if command is not None and not command.hidden:
            yield from _contexts(click.Context(command, info_name=name, parent=above))


def _described(context: click.Context) -> Command:
    command = context.command
    paragraphs = [" ".join(paragraph.split()) for paragraph in (command.help or "").split("\n\n")]
    return Command(context.command_path, " ".join(_usage(command)), paragraphs, list(_options(command)))


def _usage(command: click.Command) -> Iterator[str]:
    yield "[OPTIONS]"
    for argument in command.params:
        if isinstance(argument, click.Argument):
            name = _value(argument) if isinstance(argument.type, click.Choice) else str(argument.name).upper()
            yield f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs == -1 else ''}"
    if isinstance(command, click.Group):
        yield "COMMAND [ARGS]..."


def _options(command: click.Command) -> Iterator[Option]:
    for option in command.params:
        if isinstance(option, click.Option):
            default = f" [default: {option.default}]" if option.show_default else ""
            names = ", ".join([*option.opts, *option.secondary_opts])
            yield Option(names, "" if option.is_flag else _value(option), f"{option.help}{default}")


def _value(param: click.Parameter) -> str:
    """The name of a value, or those that there are."""
    return param.metavar or ("|".join(param.type.choices) if isinstance(param.type, click.Choice) else _KINDS.get(param.type.name, "TEXT"))


_KINDS = {"integer": "NUMBER", "integer range": "NUMBER", "interval": "INTERVAL"}
