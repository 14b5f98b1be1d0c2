"""How a list is read to its end: the only way in which a provider may read one.

A list is *proven* whole, or its reading raises; a list that ends early, turns in a circle or changes under its reader is never taken for a
short list. There is a function for each kind of paging:

`by_token`
    The source gives a token for the next page; an empty token ends the list. A page that is too large is asked for again at half the size.
`by_link`
    The source gives the address of the next page. It must be of the same origin: no credential goes to another host.
`by_offset`
    Rows are counted from the start, so that a row which is deleted meanwhile hides another. Pages overlap by one row, which must match.
`agreeing`
    Pages are numbered, and neither tokens nor overlapping rows prove anything. The list is read until two readings agree.

`restarted` begins a list anew whose pages expired. `guarded` watches every pager, also one that belongs to a vendor's library.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import msgspec

from providers.errors import BadAnswer, PageExpired, PageTooLarge

PAGE_BUDGET = 100_000
"""Pages of one list. A list with more is an endless one."""

EMPTY_BUDGET = 1_000
"""Empty pages in a row, each with a token for one more."""

RESTARTS = 3
"""Restarts of a list that expired or changed while it was read."""

OVERLAP = 2
"""Rows of the smallest page that still brings a new row beside the one that it repeats."""

Key = Callable[[Any], Hashable]
"""Function that returns an item's identity within the list."""


class Page(msgspec.Struct, frozen=True):
    """One page: its items, what asks for the next one (empty at the end), and the answer that it came in."""

    items: Sequence[Any]
    next: Hashable = None
    answer: Any = None


def by_token(ask: Callable[[Any, int], Page], *, what: str, size: int = 0) -> Iterator[Page]:
    """Every page; `ask` takes the token (None at first) and the number of items to ask for, and may raise `PageTooLarge`.

    `size` 0 leaves the number to the source. Raises what `guarded` and `ask` raise.
    """
    return guarded(_by_token(ask, size), what)


def _by_token(ask: Callable[[Any, int], Page], size: int) -> Iterator[Page]:
    token: Hashable = None
    while True:
        page, size = _halving(ask, token, size)
        yield page
        token = page.next
        if not token:
            return


def _halving(ask: Callable[[Any, int], Page], position: Any, size: int, smallest: int = 1) -> tuple[Page, int]:
    """One page, and the size asked for, which is halved each time the source found it too large. Raises `PageTooLarge` below `smallest`."""
    while True:
        try:
            return ask(position, size), size
        except PageTooLarge:
            if size <= smallest:
                raise
            size = max(size // 2, smallest)


def by_link(ask: Callable[[str], Page], start: str, *, what: str) -> Iterator[Page]:
    """Every page; `Page.next` is the next page's address, absolute or relative. Raises `BadAnswer` when it is of another origin."""
    return guarded(_by_link(ask, start, what), what)


def _by_link(ask: Callable[[str], Page], start: str, what: str) -> Iterator[Page]:
    url, seen = start, set[str]()
    while url:
        if url in seen:
            raise _circle(what)
        seen.add(url)
        page = ask(url)
        yield page
        url = same_origin(str(page.next), start, what) if page.next else ""


def same_origin(link: str, base: str, what: str) -> str:
    """The absolute form of a link that was found in an answer from `base`. Raises `BadAnswer` when it leads to another origin."""
    try:
        url = urljoin(base, link)
    except ValueError:  # a broken IPv6 address
        url = ""
    if _origin(url) != _origin(base):
        where = _origin(url)[1] or link[:200]
        raise BadAnswer(f"the answer to '{what}' points to another host ({where}): not followed, as our credentials would go there")
    return url


def _origin(url: str) -> tuple[str, str, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, (parts.hostname or "").lower(), parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:  # a port that is not a number
        return "", "", None


def by_offset(ask: Callable[[int, int], Page], *, what: str, size: int, key: Key, seen: set[int] | None = None) -> Iterator[Page]:
    """Every page of a list that is sorted by `key`; `ask` takes the offset and the number of rows.

    `Page.next` is true while there are more.

    Each page begins with the last row of the page before it. When that row does not match, a row was deleted or inserted meanwhile, and
    the list is begun anew. A page for which `ask` raises `PageTooLarge` is asked for again at half the size, down to two rows.
    `seen` is as for `restarted`. Raises `PageExpired` when the list has changed each time, `BadAnswer` for a circle.
    """
    return restarted(lambda: guarded(_by_offset(ask, what, size, key), what), key=key, seen=seen)


def _by_offset(ask: Callable[[int, int], Page], what: str, size: int, key: Key) -> Iterator[Page]:
    page, size = _halving(ask, 0, size, OVERLAP)
    offset, more, last = len(page.items) - 1, page.next, key(page.items[-1]) if page.items else None
    yield page
    del page
    while more:
        if offset < 0:
            raise BadAnswer(f"a page of '{what}' is empty, and says that more rows follow")
        page, size = _halving(ask, offset, size, OVERLAP)
        if not page.items or key(page.items[0]) != last:
            raise PageExpired(f"the list of '{what}' changed while it was read")
        if page.next and len(page.items) < 2:
            raise BadAnswer(f"the pages of '{what}' hold one row each: they cannot be read with an overlap")
        offset, more, last = offset + len(page.items) - 1, page.next, key(page.items[-1])
        yield msgspec.structs.replace(page, items=page.items[1:])
        del page


def agreeing(read: Callable[[], Iterator[Page]], *, what: str, key: Key) -> Iterator[Page]:
    """The pages of a list that `read` reads once; it is called until two readings in a row hold the same items in the same order.

    Each item is yielded once, in the reading in which it is seen first. A list of a single page needs no second reading.
    Raises `PageExpired` when no two readings agree.
    """
    seen: set[int] = set()
    before: list[Hashable] | None = None
    for _ in range(RESTARTS + 2):
        keys: list[Hashable] = []
        pages = 0
        for page in read():
            pages += 1
            keys += map(key, page.items)
            yield _unseen(page, seen, key)
        if keys == before or (pages == 1 and before is None):
            return
        before = keys
    raise PageExpired(f"the list of '{what}' changed each time while it was read, so that items may be missing")


def restarted(read: Callable[[], Iterator[Page]], *, key: Key, seen: set[int] | None = None) -> Iterator[Page]:
    """The pages of a list that is begun anew when it expires under way; an item that comes again is known by its key.

    `seen` has the hashes of the keys that came before, and is given those of this list. A hash of 64 bits, keyed anew in each process,
    stands for a key: the keys themselves would take most of the memory of a large list.

    Raises `PageExpired` after `RESTARTS` new beginnings.
    """
    seen = set() if seen is None else seen
    for left in reversed(range(RESTARTS + 1)):
        try:
            for page in read():
                yield _unseen(page, seen, key)
                del page
        except PageExpired:
            if not left:
                raise
        else:
            return


def _unseen(page: Page, seen: set[int], key: Key) -> Page:
    """The page without the items that were seen before; what it holds is seen now."""
    fresh = []
    for item in page.items:
        hashed = hash(key(item))
        if hashed not in seen:
            seen.add(hashed)
            fresh.append(item)
    return page if len(fresh) == len(page.items) else msgspec.structs.replace(page, items=fresh)


def guarded(pages: Iterable[Page], what: str) -> Iterator[Page]:
    """The pages of any pager, to the last one. Raises `BadAnswer` for a circle: a page with nothing new that promises one more.

    Raises it as well for a list of more than `PAGE_BUDGET` pages, and after `EMPTY_BUDGET` empty pages in a row.

    A token may come twice (some directories number their cursors so); the same token or another with the same items may not.
    """
    contents: set[int] = set()
    tokens: set[Hashable] = set()
    empty = 0
    for number, page in enumerate(pages, 1):
        yield page
        if not page.next:
            return
        content = _content(page.items)
        empty = 0 if page.items else empty + 1
        circles = content in contents if page.items else page.next in tokens
        if circles:
            raise _circle(what)
        if number >= PAGE_BUDGET:
            raise BadAnswer(f"the list of '{what}' has more than {PAGE_BUDGET:,} pages")
        if empty >= EMPTY_BUDGET:
            raise BadAnswer(f"the list of '{what}' has {EMPTY_BUDGET:,} empty pages in a row, and says that more follow")
        contents.add(content)
        tokens.add(page.next)
        del page


def _content(items: Sequence[Any]) -> int:
    """A page's items in one number: how many, the first and the last."""
    return hash((len(items), repr(items[0]), repr(items[-1]))) if items else 0


def _circle(what: str) -> BadAnswer:
    return BadAnswer(f"the pages of '{what}' lead in a circle")


def items(pages: Iterable[Page]) -> Iterator[Any]:
    """The items of all pages. A page is given up before the next one is asked for: two of the largest in memory would be one too many."""
    for page in pages:
        yield from page.items
        del page
