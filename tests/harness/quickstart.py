"""The quick start's own text: where it is, and the settings that its first step has a reader write."""

from __future__ import annotations

import pathlib
import re

from document import blocks

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "quickstart.md"


def step_1() -> dict[str, str]:
    """The lines of `.env` of step 1, by name."""
    text = next(block.text for block in blocks(DOCUMENT) if block.section.endswith("1. Configure Environment Variables"))
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
