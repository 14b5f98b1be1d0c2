"""Reads the process's environment: each variable once, typed by `providers.variables`, with every complaint at once.

``NAME_FILE`` names a file that holds the value of ``NAME``, where no variable of its own is called so.
"""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from pathlib import Path
from typing import Any

from providers.variables import Variable, parse

_NOT_SETTINGS = re.compile(r".*_(SERVICE_HOST|SERVICE_PORT\w*|PORT_\d+_(TCP|UDP)\w*)$|ELDER_CONFIG$")
"""Variables that Kubernetes sets for a service of that name, and the one of the command `elder`."""

_SERVICE_ADDRESS = re.compile(r"(tcp|udp)://\d")
"""The value of ``NAME_PORT`` that Docker and Kubernetes set for a service called NAME."""


KEPT = frozenset(
    {"PATH", "LANG", "TZ", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "VIRTUAL_ENV", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_RUNTIME_DIR"}
)
KEPT_PREFIXES = ("LC_", "PYTHON")
PROXIES = frozenset({"http_proxy", "https_proxy", "no_proxy", "all_proxy"})


class SettingsError(Exception):
    """The settings are wrong; `complaints` are sentences."""

    def __init__(self, complaints: tuple[str, ...]) -> None:
        super().__init__("\n".join(complaints))
        self.complaints = complaints


class Reader:
    """Reads one environment and gathers complaints and warnings."""

    def __init__(self, environ: Mapping[str, str], names: Iterable[str]) -> None:
        """`names` are those of all variables that there are."""
        self._environ, self._names = environ, frozenset(names)
        self.complaints: list[str] = []
        self.wrong: set[str] = set()
        """The variables whose values are among the complaints."""
        self.warnings: list[str] = []

    def values(self, variables: Iterable[Variable]) -> dict[str, Any]:
        """Field -> value of the variables that are set."""
        found = ((variable.field, self._value(variable)) for variable in variables)
        return {field: value for field, value in found if value is not None}

    def unknown_names(self, prefixes: tuple[str, ...]) -> None:
        """Complains about names that begin with one of the prefixes and that no variable has."""
        for name in sorted(self._environ):
            known = name in self._names or name.removesuffix("_FILE") in self._names
            if name.startswith(prefixes) and not known and not _NOT_SETTINGS.match(name) and not self._is_address(name):
                close = difflib.get_close_matches(name, self._names, n=1, cutoff=0.75)
                self.complaints.append(f"unknown setting {name}" + (f", did you mean {close[0]}?" if close else ""))

    def _value(self, variable: Variable) -> Any:
        text = self._text(variable.name)
        try:
            value = parse(variable, text)
        except ValueError as error:
            shown = "" if variable.secret else f" (it is '{text.strip()}')"
            self.complaints.append(f"{variable.name}: {error}{shown}")
            self.wrong.add(variable.name)
            return None
        if variable.secret and re.search(r"(^|\s)#", text):
            self.warnings.append(f"{variable.name} holds a ' #': a secret is taken as it stands; if that begins a comment, remove it")
        return value

    def _text(self, name: str) -> str:
        """The variable's text, else that of the file that ``NAME_FILE`` names; empty when neither is set."""
        text = self._environ.get(name, "")
        if text.strip() and not self._is_address(name):
            return text
        file = f"{name}_FILE"
        path = "" if file in self._names else parse(Variable(name=file, field="", file=True), self._environ.get(file, ""))
        if not path:
            return ""
        try:
            return Path(path).read_text()
        except (OSError, UnicodeError) as error:
            self.complaints.append(f"{file}: {path} cannot be read ({type(error).__name__})")
            return ""

    def _is_address(self, name: str) -> bool:
        return name.endswith("_PORT") and bool(_SERVICE_ADDRESS.match(self._environ.get(name, "")))


def scrub(environ: MutableMapping[str, str]) -> None:
    """Removes every variable that a process does not need to run; the settings hold the others."""
    for name in list(environ):
        if name not in KEPT and not name.startswith(KEPT_PREFIXES) and name.lower() not in PROXIES:
            del environ[name]


@contextlib.contextmanager
def scrubbed(environ: MutableMapping[str, str]) -> Iterator[None]:
    """An environment without what a process does not need to run, for as long as the context lasts."""
    whole = dict(environ)
    scrub(environ)
    try:
        yield
    finally:
        environ.update(whole)
