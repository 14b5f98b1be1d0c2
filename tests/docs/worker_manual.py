"""The manual page ``elder-worker(1)``, made from the parser of the command line: docs/man/elder-worker.1, which the wheel installs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from api.client import manual_page
from api.client.manual_page import Command, Manual, Option

EXIT_CODES = {
    "0": "Done.",
    "1": "It could not be done, or not all of what was read is complete.",
    "2": "Wrong usage.",
    "78": "The settings are wrong, or an argument is; starting again does not help.",
    "130": "It was interrupted from the keyboard.",
}
VARIABLES = {
    "DATABASE_URL": "URL of the PostgreSQL database.",
    "ELDER_SECRET_KEYS": "Keys with which secrets are sealed: elder-worker keygen makes one.",
    "All others": "elder-worker settings prints every variable with its default; so does docs/configuration.md.",
}
SEE_ALSO = "elder(1): the command that asks the Elder API."


def page(parser: argparse.ArgumentParser) -> str:
    """The manual page of a parser and all commands below it, as source of man(7)."""
    return manual_page.page(
        Manual(
            summary="runs the discovery jobs and connectors of the Elder inventory",
            top=_described(parser),
            commands=list(_commands(parser)),
            lists={"EXIT STATUS": EXIT_CODES, "ENVIRONMENT": VARIABLES},
            see_also=SEE_ALSO,
        )
    )


def _commands(above: argparse.ArgumentParser) -> Iterator[Command]:
    """The commands that do something, in the order in which help shows them."""
    for choices in _subparsers(above):
        sentences = {choice.dest: _sentence(choice.help or "") for choice in choices._choices_actions}
        for name, parser in choices.choices.items():
            if _subparsers(parser):
                yield from _commands(parser)
            else:
                yield _described(parser, sentences[name])


def _described(parser: argparse.ArgumentParser, sentence: str = "") -> Command:
    return Command(parser.prog, " ".join(_usage(parser)), [parser.description or sentence], list(_options(parser)))


def _usage(parser: argparse.ArgumentParser) -> Iterator[str]:
    if any(action.option_strings and action.dest != "help" for action in parser._actions):
        yield "[OPTIONS]"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            yield f"{action.metavar} [ARGS]..."
        elif not action.option_strings:
            yield f"[{_value(action)}]" if action.nargs == "?" else _value(action)


def _options(parser: argparse.ArgumentParser) -> Iterator[Option]:
    """The options, and the arguments that have a sentence."""
    for action in parser._actions:
        if action.dest == "help" or isinstance(action, argparse._SubParsersAction) or not (action.option_strings or action.help):
            continue
        names = ", ".join(action.option_strings)
        value = "" if action.nargs == 0 else _value(action)
        yield Option(names, value, _sentence(action.help or "", action)) if names else Option(value, "", _sentence(action.help or ""))


def _sentence(text: str, action: argparse.Action | None = None) -> str:
    """The help as a sentence, with the default where a choice has one that the help does not say."""
    default = f"[default: {action.default}]" if action and action.choices and action.default else ""
    return f"{text[:1].upper()}{text[1:]}. {default}".rstrip()


def _value(action: argparse.Action) -> str:
    """The name of a value, or those that there are."""
    if action.metavar is None and action.choices is not None:
        return "|".join(map(str, action.choices))
    return str(action.metavar or action.dest.upper().replace("_", "-"))


def _subparsers(parser: argparse.ArgumentParser) -> list[argparse._SubParsersAction[argparse.ArgumentParser]]:
    return [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
