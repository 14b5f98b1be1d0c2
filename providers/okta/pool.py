"""A pool of threads for lists of one kind: members, assignments, roles."""

from __future__ import annotations

import concurrent.futures
import contextlib
from collections.abc import Iterator

WIDTH = 8
"""Lists of one kind that are read at once; Okta allows an organization 35 to 75 requests at once."""


@contextlib.contextmanager
def pool() -> Iterator[concurrent.futures.ThreadPoolExecutor]:
    """The pool; at the end of the block, what has not begun is dropped."""
    threads = concurrent.futures.ThreadPoolExecutor(WIDTH, thread_name_prefix="okta")
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)
