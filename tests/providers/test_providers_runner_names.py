"""The connectivity test of a source: names of the config that the source does not have are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from providers import runner
from providers.errors import ConfigError, CredentialsError, Denied, ProviderError
from providers.provider import Source
from providers.records import Identity


class Naming(Source):
    """A source whose config names what it may not have."""

    def __init__(self, fetch: Callable[[], Iterable[str]], known: dict[type, ProviderError] | None = None) -> None:
        self._fetch, self._known = fetch, known or {}

    def check(self):
        return Identity("me")

    def unknown(self):
        return self._fetch()

    def plan(self):
        return ()

    def classify(self, error):
        return self._known.get(type(error))


def failing(error: Exception):
    def fetch():
        yield "before"
        raise error

    return fetch


def test_a_test_refuses_names_that_the_source_does_not_have_and_passes_over_what_may_not_be_asked():
    assert runner.test(Naming(lambda: ())) == Identity("me")
    with pytest.raises(ConfigError) as caught:
        runner.test(Naming(lambda: iter(("there is no a", "there is no b"))))
    assert caught.value.complaints == ("there is no a", "there is no b")
    assert runner.test(Naming(failing(Denied("no")))) == Identity("me")
    assert runner.test(Naming(failing(KeyError("x")), {KeyError: Denied("no")})) == Identity("me")
    with pytest.raises(CredentialsError):
        runner.test(Naming(failing(CredentialsError("no"))))
