"""Journeys over the pages: with the mouse on a desk and by keyboard alone on a phone, with each step held to what is asked of every page."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from peers.browser import DESK, PHONE, PROBE, inspect
from playwright.sync_api import Locator, Page, expect

THEMES = ("light", "dark")
MOST = 150
"""Times that Tab is pressed, at most, to reach something."""

POLICY = """code => new Promise(resolve => {
    document.addEventListener("securitypolicyviolation", event => resolve(event.effectiveDirective), {once: true})
    const script = document.createElement("script")
    script.textContent = code
    document.head.append(script)
    script.remove()
    if (window.probed) resolve("nothing refuses a script that stands in the page")
})"""
"""Puts a script into the page; returns the directive of the policy that refuses to run it."""

FOCUS = """wanted => {
    const one = document.activeElement, body = one === document.body
    const seen = body || getComputedStyle(one).outlineStyle !== "none"
    return [one === wanted, seen ? "" : one.outerHTML.slice(0, 200)]
}"""
"""True when this element has the focus; the element that has it if that cannot be seen."""


class Journey:
    """One person with one page, who uses the mouse or nothing but the keyboard."""

    def __init__(self, page: Page, complaints: list[str], keyboard: bool) -> None:
        self.page, self.keyboard, self._complaints = page, keyboard, complaints

    def step(self, name: str) -> None:
        """Holds the page, as it is now, to what is asked of every page in both themes: axe-core, its width, the console, the policy."""
        for theme in THEMES:
            self.page.emulate_media(color_scheme=theme)
            inspect(self.page, name)
        assert self.page.evaluate(POLICY, PROBE) == "script-src-elem"
        assert not self._complaints

    def press(self, target: Locator) -> None:
        """Presses a button, follows a link, or opens what is folded up."""
        if self.keyboard:
            self._reach(target)
            self.page.keyboard.press("Enter")
        else:
            target.click()

    def go(self, name: str) -> None:
        """Goes to a page by its link at the head of every page, which may be folded away on a phone."""
        self.page.wait_for_load_state()  # before its styles are there, nothing is folded away
        pages = self.page.get_by_role("navigation", name="Pages")
        link = pages.get_by_role("link", name=name, exact=True)
        if not link.is_visible():
            self.press(pages.get_by_text("More", exact=True))
        self.press(link)

    def fill(self, target: Locator, text: str) -> None:
        """Replaces what is in a field."""
        if self.keyboard:
            self._reach(target)
            self.page.keyboard.press("Control+A")
            self.page.keyboard.press("Delete")
            self.page.keyboard.type(text)
        else:
            target.fill(text)

    def choose(self, target: Locator, label: str) -> None:
        """Chooses from a list."""
        if not self.keyboard:
            target.select_option(label=label)
            return
        self._reach(target)
        self.page.keyboard.press("Home")
        for _ in range(MOST):
            if target.evaluate("one => one.selectedOptions[0].textContent") == label:
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"'{label}' cannot be chosen")

    def tick(self, target: Locator) -> None:
        """Ticks a box, or takes its tick away."""
        if self.keyboard:
            self._reach(target)
            self.page.keyboard.press("Space")
        else:
            target.click()

    def _reach(self, target: Locator) -> None:
        """Goes on with Tab; what has the focus on the way can be seen."""
        expect(target).to_be_visible()
        for _ in range(MOST):
            self.page.keyboard.press("Tab")
            reached, unseen = target.evaluate(FOCUS)
            assert not unseen, f"it cannot be seen that this has the focus: {unseen}"
            if reached:
                expect(target).to_be_in_viewport()
                return
        raise AssertionError(f"{target} cannot be reached by keyboard")


@pytest.fixture(params=["mouse on a desk", "keyboard on a phone"])
def journey(request, visit, complaints) -> Callable[..., Journey]:
    """Begins a journey at a path; further arguments are those of the browser's context."""
    keyboard = request.param.startswith("keyboard")

    def begin(path: str, **options) -> Journey:
        return Journey(visit(path, viewport=PHONE if keyboard else DESK, **options), complaints, keyboard)

    return begin
