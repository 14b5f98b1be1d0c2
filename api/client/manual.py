"""The manual page ``elder(1)``, made from the commands themselves: docs/man/elder.1, which the wheel installs."""

from __future__ import annotations

from collections.abc import Iterator

import click

NAME = "elder \\- command line of the Elder inventory of clouds and directories"

EXIT_CODES = {
    "0": "Done.",
    "1": "The API refused, or a run did not complete.",
    "2": "Wrong usage.",
    "3": "The key is wrong, or its role does not allow this.",
    "4": "The API cannot be reached.",
}
VARIABLES = {
    "ELDER_API_URL": "URL of the API, where --url is not given.",
    "ELDER_API_KEY": "Key of the API.",
    "ELDER_CONFIG": "The config file, in place of ~/.config/elder/config.toml.",
}
FILES = {"~/.config/elder/config.toml": "`url` and `key` of the API. Only its owner may read it where it holds a key."}


def page(command: click.Group) -> str:
    """The manual page of a command and all commands below it, as source of man(7)."""
    top = click.Context(command, info_name="elder")
    return "\n".join(
        (
            '.TH ELDER 1 "" "Elder Worker" "User Commands"',
            ".SH NAME",
            NAME,
            ".SH SYNOPSIS",
            *_synopsis(top),
            ".SH DESCRIPTION",
            *_paragraphs(command),
            ".SH OPTIONS",
            *_options(command),
            ".SH COMMANDS",
            *(line for context in _contexts(top) for line in _section(context)),
            *_listed("EXIT STATUS", EXIT_CODES),
            *_listed("ENVIRONMENT", VARIABLES),
            *_listed("FILES", FILES),
            ".SH SEE ALSO",
            _text("elder-worker --help: the command of the machine that runs workers. elder completion bash: a shell's completion."),
            "",
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


def _section(context: click.Context) -> Iterator[str]:
    yield f".SS {_text(context.command_path)}"
    yield from _synopsis(context)
    yield ".PP"
    yield from _paragraphs(context.command)
    yield from _options(context.command)


def _synopsis(context: click.Context) -> Iterator[str]:
    yield f".B {_text(context.command_path)}"
    yield f".I {_text(' '.join(_usage(context.command)))}"


def _usage(command: click.Command) -> Iterator[str]:
    yield "[OPTIONS]"
    for argument in command.params:
        if isinstance(argument, click.Argument):
            name = _value(argument) if isinstance(argument.type, click.Choice) else str(argument.name).upper()
            yield f"{name if argument.required else f'[{name}]'}{'...' if argument.nargs == -1 else ''}"
    if isinstance(command, click.Group):
        yield "COMMAND [ARGS]..."


def _paragraphs(command: click.Command) -> Iterator[str]:
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _options(command: click.Command) -> Iterator[str]:
    for option in command.params:
        if isinstance(option, click.Option):
            yield ".TP"
            names = ", ".join([*option.opts, *option.secondary_opts])
            yield f".BI {_quoted(names)} {_quoted('' if option.is_flag else f' {_value(option)}')}"
            default = f" [default: {option.default}]" if option.show_default else ""
            yield _text(f"{option.help}{default}")


def _value(param: click.Parameter) -> str:
    """The name of a value, or those that there are."""
    return param.metavar or ("|".join(param.type.choices) if isinstance(param.type, click.Choice) else _KINDS.get(param.type.name, "TEXT"))


_KINDS = {"integer": "NUMBER", "integer range": "NUMBER", "interval": "INTERVAL"}


def _listed(title: str, entries: dict[str, str]) -> Iterator[str]:
    yield f".SH {title}"
    for name, meaning in entries.items():
        yield ".TP"
        yield f".B {_text(name)}"
        yield _text(meaning)


def _text(text: str) -> str:
    """Text as man(7) prints it: no backslash, hyphen or first character of a line has a meaning of its own."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def _quoted(text: str) -> str:
    """Text as one argument of a macro."""
    return f'"{_text(text)}"'
