"""Keys of the API in settings: what is refused, and what is warned of."""

from __future__ import annotations

import pytest

from worker.config import settings
from worker.config.environment import SettingsError

LONG, OTHER = "x" * 16, "y" * 16


@pytest.mark.parametrize("key", ["y", "y" * 15])
def test_a_short_key_for_workers_is_refused(key):
    with pytest.raises(SettingsError, match="ELDER_SYNC_KEY can be guessed: take 16 or more random characters"):
        settings.load({"ELDER_SYNC_KEY": key})


@pytest.mark.parametrize(
    ("environ", "warned"),
    [
        ({}, ()),
        ({"ELDER_API_KEY": LONG}, ()),
        ({"ELDER_SYNC_KEY": OTHER}, ()),
        ({"ELDER_API_KEY": LONG, "ELDER_SYNC_KEY": OTHER}, ()),
        ({"ELDER_API_KEY": "x" * 15}, ("ELDER_API_KEY has 15 characters and can be guessed",)),
        ({"ELDER_API_KEY": LONG, "ELDER_SYNC_KEY": LONG}, ("ELDER_SYNC_KEY is ELDER_API_KEY, so workers may do everything",)),
    ],
)
def test_what_works_and_may_not_be_meant_is_warned_of(environ, warned):
    warnings = settings.load(environ).warnings
    assert tuple(one.partition(":")[0] for one in warnings) == warned
    assert not [one for one in warnings if LONG in one]
