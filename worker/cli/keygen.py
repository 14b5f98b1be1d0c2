"""``elder-worker keygen``: makes a key for ELDER_SECRET_KEYS."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from cryptography.fernet import Fernet


def main(_options: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Prints a new Fernet key."""
    print(Fernet.generate_key().decode())
    return 0
