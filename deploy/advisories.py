"""A look whether advisories can be had: ``advisories.py LOCK [INDEX]`` asks the index for those of the first package of the lock.

A mirror of PyPI may have packages and no advisories. pip-audit then reports that it could not audit them, and is content.
Exits with 0 where `make audit` can go on, else with 1 and a sentence.
"""

from __future__ import annotations

import json
import re
import sys
import urllib.request
from pathlib import Path

PYPI = "https://pypi.org"


def problem(lock: str, index: str) -> str:
    """The reason why nothing can be audited; empty where it can."""
    name, version = re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock, re.MULTILINE)[0]
    address = f"{index}/pypi/{name}/{version}/json"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - the address is ours
            found = json.load(answer)
    except (OSError, ValueError) as error:  # an HTTPError is an OSError
        return f"{address} cannot be read ({error})"
    return "" if isinstance(found, dict) and isinstance(found.get("vulnerabilities"), list) else f"{address} has no advisories"


if __name__ == "__main__":
    if why := problem(Path(sys.argv[1]).read_text(), sys.argv[2] if len(sys.argv) > 2 else PYPI):
        sys.exit(f"not audited: {why}; run it where pypi.org itself can be reached")
