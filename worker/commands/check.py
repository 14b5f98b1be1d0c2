"""``elder-worker check``: the connectivity test of the quick start."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

import msgspec

from worker.connectivity import check
from worker.settings import load

LINE = "=" * 60


def main(options: argparse.Namespace, environ: Mapping[str, str]) -> int:
    """Prints an answer for each; 0 when everything that is enabled can be reached."""
    answers = check(load(environ), options.timeout)
    if options.json:
        found = list(answers)
        print(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
        return int(any(answer.success is False for answer in found))
    print(f"{LINE}\nElder Worker Service - Connectivity Test\n{LINE}")
    failed = 0
    for answer in answers:
        if answer.success is None:
            print(f"✗ {answer.name}: {answer.message}")
        elif answer.success:
            print(f"✓ {answer.name} connection successful" + (f" ({answer.message})" if answer.message else ""))
        else:
            failed += 1
            print(f"✗ {answer.name} connection failed: {answer.message}")
    print(LINE)
    print("All enabled tests passed! Worker is ready to run." if not failed else f"{failed} of the enabled tests failed.")
    print(LINE)
    return int(failed > 0)
