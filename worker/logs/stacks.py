"""Python's stacks in what a dying process wrote, apart from everything else there."""

from __future__ import annotations

import re

from providers.counted import counted

_STACK = re.compile(
    r"Fatal Python error: [\w ]{1,60}|(?:Thread|Current thread) 0x[0-9a-f]+ .{0,40}\(most recent call first\):"
    r'|  (?:File "[^"]{1,300}", line \d+ in \S{1,200}|<no Python frame>|Garbage-collecting|\.\.\.)|'
)
"""Lines that `faulthandler` writes, and empty ones: addresses, files, numbers and names of functions, and no value."""


def only_stacks(text: str) -> str:
    """The stacks in a text, for a process whose secrets nobody else knows, so that nobody else can mask them in its other output."""
    lines = text.splitlines()
    kept = [line for line in lines if _STACK.fullmatch(line)]
    left_out = len(lines) - len(kept)
    note = [f"[{counted(left_out, 'line')} left out: the job has secrets that its process alone can mask]"] if left_out else []
    return "\n".join(note + kept)
