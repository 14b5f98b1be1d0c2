"""``elder-worker settings``: the reference of all settings, made from their declarations. Those of installed packages are in it."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator, Mapping

from providers import registry
from providers.variables import Variable, shown, variables
from worker.config import sources
from worker.config.packages import installed
from worker.config.settings import Settings

WIDTH = 120
"""Characters in a line of the .env file."""


def main(options: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Prints the reference as a page or as an .env file."""
    registry.adopt(installed().descriptions)
    print(markdown() if options.format == "markdown" else env())
    return 0


def sections() -> Iterator[tuple[str, tuple[Variable, ...]]]:
    """(title, variables) of the service and of each provider; a variable of several providers stands with the first."""
    yield "The service", variables(Settings)
    seen: set[str] = set()
    for description in (*registry.descriptions(), *registry.adopted()):
        own = tuple(one for one in sources.variables(description) if one.name not in seen)
        seen.update(one.name for one in own)
        yield description.title, own


def markdown() -> str:
    """A section with a table for the service and for each provider."""
    parts = []
    for title, own in sections():
        rows = [f"| `{one.name}` | {_default(one)} | {_meaning(one)} |".replace("(|", "(\\|") for one in own]
        parts.append("\n".join((f"## {title}\n", "| variable | default | meaning |", "|---|---|---|", *rows)))
    return "\n\n".join(parts)


def env() -> str:
    """An .env file with everything commented out."""
    parts = []
    for title, own in sections():
        parts.append(f"# {'=' * 8} {title}\n")
        for one in own:
            comment = textwrap.wrap(_meaning(one).replace("`", ""), WIDTH, initial_indent="# ", subsequent_indent="# ")
            parts.append("\n".join((*comment, f"# {one.name}={shown(one.default)}\n")))
    return "\n".join(parts)


def _meaning(variable: Variable) -> str:
    """Describes a variable, and what breaks when it is too low or too high."""
    bounds = (variable.minimum is not None, variable.maximum is not None)
    allowed = {
        (True, True): f"From {shown(variable.minimum)} to {shown(variable.maximum)}.",
        (True, False): f"At least {shown(variable.minimum)}.",
    }.get(bounds, "")
    parts = (
        variable.description,
        f"One of {', '.join(variable.choices)}." if variable.choices else "",
        allowed,
        f"Too low: {variable.low}." if variable.low else "",
        f"Too high: {variable.high}." if variable.high else "",
        f"Secret: also as `{variable.name}_FILE`." if variable.secret else "",
    )
    return " ".join(part for part in parts if part)


def _default(variable: Variable) -> str:
    default = shown(variable.default)
    return f"`{default}`" if default else "none"
