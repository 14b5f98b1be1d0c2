"""The person at the terminal: as the audit log names them, and asked before something is lost."""

from __future__ import annotations

import getpass
import sys

from supervisor.plain import plain
from worker.cli.main import EXIT_CONFIG, EXIT_INTERRUPTED, CommandError
from worker.store.audit import Actor


def person() -> Actor:
    """The user of this process. Whoever has DATABASE_URL may do everything, so the role is `admin`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "unknown"
    return Actor(f"cli:{user}", "admin")


def confirm(question: str) -> None:
    """Asks for yes or no on stderr. Raises `CommandError` for no, and where nobody is there to answer."""
    print(f"{plain(question)} [y/N]: ", end="", file=sys.stderr, flush=True)
    if not sys.stdin.isatty():
        print(file=sys.stderr)
        raise CommandError("nobody has said yes: --yes answers", EXIT_CONFIG)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        raise CommandError("nothing is changed", EXIT_INTERRUPTED)
