"""The files that are made from the code. ``make generated`` writes them anew; a test fails when one differs from what it is made from."""

from __future__ import annotations

import logging
import pathlib
import sys
from collections.abc import Callable, Iterator

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "harness")] if __name__ == "__main__" else []

import api_page  # noqa: E402 - here and below: the path is set above, as this file is run as a script
import links_page  # noqa: E402
import metrics_page  # noqa: E402
import rooms_table  # noqa: E402
import tables_page  # noqa: E402
import types_page  # noqa: E402
import worker_manual  # noqa: E402

from api.client import manual  # noqa: E402
from api.client.main import main as elder  # noqa: E402
from worker.cli import settings  # noqa: E402
from worker.cli.main import parser as elder_worker  # noqa: E402

COMMAND = "make generated"

FIRST_SETTING = {"docs/configuration.md": "## The service\n", ".env.example": "# ======== The service\n"}
"""The line with which the generated part of a file begins; what stands above it is written by hand."""


def below(name: str, made: str) -> str:
    """The text of a file: its part that is written by hand, then what is made."""
    by_hand, found, _ = (ROOT / name).read_text().partition(FIRST_SETTING[name])
    assert found and made.startswith(found), f"{name} has to have the line {FIRST_SETTING[name]!r}, and what is made for it to begin so"
    return by_hand + made


FILES: dict[str, Callable[[], str]] = {
    "docs/configuration.md": lambda: below("docs/configuration.md", settings.markdown() + "\n"),
    ".env.example": lambda: below(".env.example", settings.env()),
    "docs/api.md": lambda: api_page.filled((ROOT / "docs/api.md").read_text()),
    "docs/types.md": types_page.page,
    "docs/links.md": links_page.page,
    "docs/tables.md": tables_page.page,
    "docs/metrics.md": metrics_page.page,
    "docs/man/elder.1": lambda: manual.page(elder),
    "docs/man/elder-worker.1": lambda: worker_manual.page(elder_worker()),
    "CONTRIBUTING.md": lambda: rooms_table.filled((ROOT / "CONTRIBUTING.md").read_text()),
}
"""The text that each generated file has to have."""


def write(folder: pathlib.Path) -> Iterator[str]:
    """Writes the files that differ into a copy of the repository. Yields their names."""
    for name, text in FILES.items():
        path, made = folder / name, text()
        if not path.exists() or path.read_text() != made:
            path.write_text(made)
            yield name


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)  # the metrics are those of an API whose database is away, which it says
    print("\n".join(f"written: {name}" for name in write(ROOT)) or "nothing has changed")
