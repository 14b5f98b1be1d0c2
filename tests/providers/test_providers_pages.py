"""A list is read exactly, or its reading raises: whatever page is refused, cut, repeated, too large, circular, or changed meanwhile."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers import pages
from providers.errors import BadAnswer, PageExpired, PageTooLarge, ProviderError, TimedOut
from providers.pages import Page, agreeing, by_link, by_offset, by_token, guarded, items, restarted

SIZE = 3
WHAT = "list things"


def key(item: str) -> str:
    return item


class Listing:
    """A sorted list that changes between two pages, as a schedule says: (page number, what happens, to which item)."""

    def __init__(self, count: int, schedule: list[tuple[int, str, int]]) -> None:
        self.items = [f"{number:04d}" for number in range(0, count * 10, 10)]
        self.always = set(self.items)  # what is there from the first page to the last
        self.asked = 0
        self.schedule = schedule

    def turn(self) -> str:
        """Lets happen what is due before the next page; the fault that the page has."""
        fault = ""
        for number, what, at in self.schedule:
            if number != self.asked:
                continue
            if what == "delete" and self.items:
                self.always.discard(self.items.pop(at % len(self.items)))
            elif what == "insert":
                new = f"{(at * 10) % 1000 + 5:04d}"
                if new not in self.items:
                    self.items = sorted([*self.items, new])
            else:
                fault = what
        self.asked += 1
        return fault

    def by_cursor(self, token: str | None, size: int) -> Page:
        """As a database reads by key: what is greater than the last."""
        fault = self.turn()
        if fault == "refused":
            raise TimedOut("no answer")
        if fault == "large" and size > 1:
            raise PageTooLarge
        rest = [item for item in self.items if token is None or item > token]
        if fault == "circle":
            return Page(self.items[:size], "0")
        found = rest[:size]
        return Page(found, found[-1] if len(rest) > size else None)

    def by_row(self, offset: int, size: int) -> Page:
        """As a database counts rows."""
        if self.turn() == "refused":
            raise TimedOut("no answer")
        return Page(self.items[offset : offset + size], len(self.items) > offset + size)

    def numbered(self):
        """Pages by number, one reading."""
        for number in itertools.count():
            page = self.by_row(number * SIZE, SIZE)
            yield page
            if not page.next:
                return


changes = st.lists(st.tuples(st.integers(0, 12), st.sampled_from(["insert", "delete"]), st.integers(0, 60)), max_size=4)
faults = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["insert", "delete", "refused", "large", "circle"]), st.integers(0, 60)), max_size=4
)


def read(found) -> list[str] | None:
    """The items, each once; None when the reading says that it failed."""
    try:
        return list(items(found))
    except ProviderError:
        return None


@given(st.integers(0, 25), faults)
def test_by_token_is_exact_or_raises(count, schedule):
    listing = Listing(count, schedule)
    found = read(by_token(listing.by_cursor, what=WHAT, size=SIZE))
    assert found is None or listing.always <= set(found)


@given(st.integers(0, 25), changes)
def test_by_offset_is_exact_or_raises(count, schedule):
    """Deletions alone, at any place: each is seen by the overlapping row. Insertions are new, and belong to the next reading."""
    listing = Listing(count, [one for one in schedule if one[1] == "delete"])
    found = read(by_offset(listing.by_row, what=WHAT, size=SIZE, key=key))
    assert found is None or (listing.always <= set(found) and len(found) == len(set(found)))


@given(st.integers(0, 25), changes)
def test_agreeing_is_exact_or_raises(count, schedule):
    listing = Listing(count, schedule)
    found = read(agreeing(listing.numbered, what=WHAT, key=key))
    assert found is None or (listing.always <= set(found) and len(found) == len(set(found)))


def test_a_row_that_is_deleted_between_two_pages_hides_no_other():
    """The row after the deleted one moves to the page that was read already; totals would not tell when another is inserted."""
    listing = Listing(9, [(1, "delete", 0)])
    assert set(items(by_offset(listing.by_row, what=WHAT, size=SIZE, key=key))) == {f"{n:04d}" for n in range(0, 90, 10)}


def test_a_list_that_changes_each_time_is_not_read():
    busy = [(number, "delete", 0) for number in range(1, 40, 2)]
    with pytest.raises(PageExpired, match="changed"):
        list(by_offset(Listing(40, busy).by_row, what=WHAT, size=SIZE, key=key))
    with pytest.raises(PageExpired, match="changed each time"):
        list(agreeing(Listing(25, [(number, "delete", 0) for number in range(60)]).numbered, what=WHAT, key=key))


def test_a_single_page_is_read_once():
    listing = Listing(2, [])
    assert len(list(items(agreeing(listing.numbered, what=WHAT, key=key)))) == 2
    assert listing.asked == 1


def test_a_page_that_is_too_large_is_asked_for_again_at_half_the_size():
    asked: list[int] = []

    def ask(token: int | None, size: int) -> Page:
        asked.append(size)
        if size > 10:
            raise PageTooLarge
        start = token or 0
        return Page(list(range(start, min(start + size, 25))), start + size if start + size < 25 else None)

    assert list(items(by_token(ask, what=WHAT, size=100))) == list(range(25))
    assert asked == [100, 50, 25, 12, 6, 6, 6, 6, 6]


@pytest.mark.parametrize(("limit", "asked"), [(40, [(0, 100), (0, 50), (0, 25), (24, 25)]), (2, [(0, 4), (0, 2), (1, 2)])])
def test_case_az_5_rows_that_are_too_large_together_are_asked_for_again_at_half_the_size(limit, asked):
    """The overlapping row moves along: no row is lost and none comes twice."""
    seen: list[tuple[int, int]] = []

    def ask(offset: int, size: int) -> Page:
        seen.append((offset, size))
        if size > limit:
            raise PageTooLarge
        rows = [f"{number:03d}" for number in range(49)]
        return Page(rows[offset : offset + size], offset + size < len(rows))

    found = list(items(by_offset(ask, what=WHAT, size=asked[0][1], key=key)))
    assert found == [f"{number:03d}" for number in range(49)]
    assert seen[: len(asked)] == asked


def test_two_rows_that_are_too_large_together_are_an_error_and_no_end():
    def ask(_offset: int, _size: int) -> Page:
        raise PageTooLarge

    with pytest.raises(PageTooLarge):
        list(by_offset(ask, what=WHAT, size=100, key=key))


def test_an_empty_page_of_rows_that_promises_more_is_an_error_and_no_end():
    with pytest.raises(BadAnswer, match="is empty"):
        list(by_offset(lambda _offset, _size: Page((), True), what=WHAT, size=100, key=key))


def test_one_item_that_is_too_large_is_an_error_and_no_end():
    def ask(_token: object, _size: int) -> Page:
        raise PageTooLarge

    for size in (0, 1, 8):
        with pytest.raises(PageTooLarge):
            list(by_token(ask, what=WHAT, size=size))


def circle(*found: Page):
    return list(guarded(itertools.cycle(found), WHAT))


@pytest.mark.parametrize(
    "found",
    [
        [Page([1], "a")],
        [Page([], "a")],
        [Page([1, 2], "a"), Page([3, 4], "b")],
        [Page([], "a"), Page([], "b")],
    ],
    ids=["one page", "an empty one", "two pages", "two empty ones"],
)
def test_a_circle_ends(found):
    with pytest.raises(BadAnswer, match="circle"):
        circle(*found)


def test_new_tokens_for_the_same_items_are_a_circle():
    with pytest.raises(BadAnswer, match="circle"):
        list(guarded((Page(["same"], number) for number in itertools.count(1)), WHAT))


def test_a_token_that_comes_twice_with_new_items_is_none():
    """389 Directory Server numbers its cursors so."""
    found = [Page([number], "0" if number < 5 else None) for number in range(6)]
    assert list(items(guarded(found, WHAT))) == list(range(6))


def test_an_empty_page_with_a_token_is_not_the_end():
    found = [Page([1], "a"), Page([], "b"), Page([], "c"), Page([2], None)]
    assert list(items(guarded(found, WHAT))) == [1, 2]


def test_pages_without_an_end_end(monkeypatch):
    """And are called what they are: a list that is too long is not a circle."""
    monkeypatch.setattr(pages, "PAGE_BUDGET", 1_050)
    with pytest.raises(BadAnswer, match=r"^the list of 'list things' has more than 1,050 pages$"):
        list(guarded((Page([number], number) for number in range(1, 2000)), WHAT))
    with pytest.raises(BadAnswer, match=r"^the list of 'list things' has 1,000 empty pages in a row, and says that more follow$"):
        list(guarded((Page([], number) for number in range(1, 2000)), WHAT))


def test_a_list_of_as_many_pages_as_may_be_is_whole(monkeypatch):
    monkeypatch.setattr(pages, "PAGE_BUDGET", 50)
    assert list(items(guarded((Page([number], number < 50) for number in range(1, 51)), WHAT))) == list(range(1, 51))


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/x", "http://source.example/x", "https://source.example:444/x", "//evil.example/x",
        "https://source.example@evil.example/", "https://source.example:x/", "ftp://source.example/x", "https://[::1/x",
    ],
)  # fmt: skip
def test_a_link_to_another_origin_is_not_asked(link):
    asked: list[str] = []

    def ask(url: str) -> Page:
        asked.append(url)
        return Page([len(asked)], link)

    with pytest.raises(BadAnswer, match="another host"):
        list(by_link(ask, "https://source.example/list", what=WHAT))
    assert asked == ["https://source.example/list"]


@pytest.mark.parametrize(
    "link", ["?page=2", "/list?page=2", "https://SOURCE.example/list?page=2", "https://source.example:443/list?page=2"]
)
def test_a_link_of_the_same_origin_is_followed(link):
    found = iter([Page([1], link), Page([2], None)])
    assert list(items(by_link(lambda _: next(found), "https://source.example/list", what=WHAT))) == [1, 2]


def test_a_list_that_expires_is_begun_anew_and_gives_each_item_once():
    attempts = iter([1, 2, 5])

    def once():
        last = next(attempts)
        for number in range(5):
            if number == last:
                raise PageExpired
            yield Page([str(number)], number < 4)

    assert list(items(restarted(once, key=key))) == ["0", "1", "2", "3", "4"]


def test_items_of_an_earlier_list_are_known_by_the_hashes_of_their_keys():
    seen: set[int] = set()
    first = list(items(restarted(lambda: iter([Page(["a", "b"], None)]), key=key, seen=seen)))
    then = list(items(restarted(lambda: iter([Page(["b", "c"], None)]), key=key, seen=seen)))
    assert (first, then) == (["a", "b"], ["c"])
    assert seen == {hash(key(one)) for one in "abc"}


def test_a_list_that_always_expires_is_given_up():
    begun = []

    def once():
        begun.append(1)
        yield Page(["a"], "b")
        raise PageExpired

    with pytest.raises(PageExpired):
        list(restarted(once, key=key))
    assert len(begun) == pages.RESTARTS + 1
