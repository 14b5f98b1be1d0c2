"""What the jobs that misbehave have in common: how they tell the test, and how long they last."""

from __future__ import annotations

import json
import os

from supervisor import frames
from supervisor.frames import ControlKind, FrameKind

FOREVER = 3600
"""Seconds."""


class DataKind(FrameKind):
    """Some of what a job writes to the data pipe, which the supervisor does not read."""

    RECORDS = 18
    COMPLETE = 21


def tell(control: int, what: str) -> None:
    """Evidence, for the test, that the fault has begun."""
    os.write(control, frames.encode(ControlKind.PROGRESS, json.dumps({"scope": what}).encode()))
