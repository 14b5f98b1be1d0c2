"""Stacks of a dying process, without anything else that it wrote."""

from __future__ import annotations

import subprocess
import sys

from worker.logs.stacks import only_stacks

DIES = """
import faulthandler, os, sys, threading
faulthandler.enable(file=sys.stderr, all_threads=True)
ready = threading.Event()
def sleeper():
    ready.set()
    threading.Event().wait()
threading.Thread(target=sleeper, daemon=True).start()
ready.wait()
os.write(2, b"password=s3cret-value\\nFile s3cret-value, line 3 in x\\nThread 0x12 s3cret-value\\n")
os.abort()
"""


def test_every_line_that_python_writes_of_its_stacks_is_kept_and_no_other():
    told = subprocess.run([sys.executable, "-c", DIES], capture_output=True, text=True, timeout=60).stderr
    assert told.count("s3cret-value") == 3

    kept = only_stacks(told)
    assert kept.startswith("[")
    assert "lines left out: the job has secrets that its process alone can mask]" in kept
    assert "s3cret" not in kept
    assert "Fatal Python error: Aborted" in kept
    assert "in sleeper" in kept
    assert kept.count("(most recent call first):") == 2
    assert only_stacks("") == ""
