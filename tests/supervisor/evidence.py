"""What a job tells the test."""

from __future__ import annotations

import json
import os

from supervisor import frames
from supervisor.frames import Kind


def tell(control: int, what: str) -> None:
    """Evidence, for the test, that the misdeed has begun."""
    os.write(control, frames.encode(Kind.PROGRESS, json.dumps({"scope": what}).encode()))
