"""``elder-worker keygen``."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from cryptography.fernet import Fernet


def main(_options: argparse.Namespace, _environ: Mapping[str, str]) -> int:
    """Prints a new key."""
    print(Fernet.generate_key().decode())
    return 0
