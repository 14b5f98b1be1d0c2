"""The person at the terminal, as the audit log names them."""

from __future__ import annotations

import getpass

from worker.store.audit import Actor


def person() -> Actor:
    """The user of this process. Whoever has DATABASE_URL may do everything, so the role is `admin`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        user = "unknown"
    return Actor(f"cli:{user}", "admin")
