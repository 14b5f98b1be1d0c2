"""What the jobs that misbehave have in common: how they tell the test, and how long they last."""

from __future__ import annotations

import json
import os

from supervisor import frames
from supervisor.frames import Kind

FOREVER = 3600
"""Seconds."""


def tell(control: int, what: str) -> None:
    """Evidence, for the test, that the misdeed has begun."""
    os.write(control, frames.encode(Kind.PROGRESS, json.dumps({"scope": what}).encode()))
