"""When a list that leads nowhere is given up: as soon as that is certain, and no sooner. Each test fails for a pager that misses its rule."""

from __future__ import annotations

import itertools

import pytest

from providers import pages
from providers.errors import BadAnswer, PageTooLarge
from providers.pages import Page, by_link, by_offset, by_token, guarded, items

WHAT = "list things"


@pytest.mark.parametrize(
    ("found", "most"),
    [([Page([1], "a")], 2), ([Page([1, 2], "a"), Page([3, 4], "b")], 3), ([Page([], "a")], 2), ([Page([], "a"), Page([], "b")], 3)],
    ids=["one page", "two pages", "an empty one", "two empty ones"],
)
def test_a_circle_is_given_up_with_its_first_page_that_comes_again(found, most):
    read: list[Page] = []
    with pytest.raises(BadAnswer, match="circle"):
        list(map(read.append, guarded(itertools.islice(itertools.cycle(found), 50), WHAT)))
    assert len(read) == most


def test_empty_pages_are_counted_in_a_row(monkeypatch):
    monkeypatch.setattr(pages, "EMPTY_BUDGET", 5)
    tokens = itertools.count(1)
    four = [Page([], next(tokens)) for _ in range(4)]
    assert list(items(guarded([*four, Page([1], next(tokens)), *(Page([], next(tokens)) for _ in range(4)), Page([2])], WHAT))) == [1, 2]
    asked = iter([Page([], next(tokens)) for _ in range(50)])
    with pytest.raises(BadAnswer, match="5 empty pages in a row"):
        list(guarded(asked, WHAT))
    assert len(list(asked)) == 45


def test_pages_that_begin_alike_are_no_circle():
    """A page that overlaps with the one before, or a list whose items come twice."""
    assert list(items(guarded([Page([1, 2], "a"), Page([1, 3], "b"), Page([1, 4])], WHAT))) == [1, 2, 1, 3, 1, 4]


def test_an_address_is_asked_once():
    asked: list[str] = []

    def ask(url: str) -> Page:
        asked.append(url)
        return Page([len(asked)], "/list?page=2")

    with pytest.raises(BadAnswer, match="circle"):
        list(by_link(ask, "https://source.example/list", what=WHAT))
    assert asked == ["https://source.example/list", "https://source.example/list?page=2"]


def test_pages_of_one_row_say_that_they_cannot_be_read():
    """Each would repeat the last row of the one before, and bring nothing."""
    with pytest.raises(BadAnswer, match="hold one row each"):
        list(by_offset(lambda offset, _: Page([offset], next=True), what=WHAT, size=5, key=str))


def test_a_page_is_halved_down_to_one_item_and_then_given_up():
    asked: list[int] = []

    def ask(_token: object, size: int) -> Page:
        asked.append(size)
        assert len(asked) < 50
        raise PageTooLarge("too large")

    with pytest.raises(PageTooLarge):
        list(by_token(ask, what=WHAT, size=9))
    assert asked == [9, 4, 2, 1]
