"""Typed configs: every complaint at once, secrets known by their marks."""

from __future__ import annotations

import msgspec
import pytest

from providers import registry
from providers.errors import ConfigError
from providers.schema import (
    REDACTED,
    Secret,
    SecretObject,
    SourceConfig,
    map_secrets,
    parse,
    redact,
    secret_names,
    secret_values,
    without_notes,
)


class Config(msgspec.Struct, frozen=True):
    """A config with every kind of field."""

    account: str
    access_key: Secret | None = None
    credentials: SecretObject | None = None
    regions: tuple[str, ...] = ()
    page_size: int = 100

    def __post_init__(self) -> None:
        if self.access_key and self.credentials:
            raise ValueError("`access_key` and `credentials` exclude each other")


def complaints(raw) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(Config, raw)
    return list(caught.value.complaints)


def test_a_valid_config_is_typed():
    config = parse(Config, {"account": "a", "regions": ["x", "y"]})
    assert config == Config(account="a", regions=("x", "y"))


def test_every_complaint_comes_at_once_with_a_hint():
    found = complaints({"region": ["x"], "page_size": "many", "access_key": 7})
    assert "unknown config key `region`, did you mean `regions`?" in found
    assert "`account` is missing" in found
    assert "`page_size` must be a whole number, and is a text" in found
    assert "`access_key` must be a text, and is a whole number" in found
    assert len(found) == 4


def test_an_unknown_key_with_no_near_name_lists_the_known_ones():
    assert "known are `access_key`, `account`" in complaints({"account": "a", "zzz": 1})[0]


def test_a_key_with_a_leading_underscore_is_as_unknown_as_any_other():
    assert "unknown config key `_account`, did you mean `account`?" in complaints({"account": "a", "_account": 3})


def test_notes_of_earlier_releases_are_left_out():
    assert without_notes({"account": "a", "_note": 1, "_organization_id": 3}) == {"account": "a"}


def test_fields_that_exclude_each_other():
    assert complaints({"account": "a", "access_key": "k", "credentials": {"t": 1}}) == ["`access_key` and `credentials` exclude each other"]


def test_secrets_are_known_by_their_marks():
    assert secret_names(Config) == {"access_key", "credentials"}
    raw = {"account": "a", "access_key": "k", "credentials": {"inner": ["deep", {"x": "deeper"}]}}
    assert redact(Config, raw) == {"account": "a", "access_key": REDACTED, "credentials": REDACTED}
    assert set(secret_values(Config, raw)) == {"k", "deep", "deeper"}


def test_an_empty_secret_stays_empty():
    assert map_secrets(Config, {"access_key": ""}, lambda _: "changed") == {"access_key": ""}


def test_every_built_in_config_may_ignore_fields_and_mask_names():
    """The shared keys: `hostile` is a peer of the tests and reads nothing that could move."""
    for name in ("aws", "azure", "gcp", "kubernetes", "ldap", "okta", "authentik", "google_workspace", "entra"):
        assert issubclass(registry.get(name).config, SourceConfig), name


def test_a_name_that_would_mask_nearly_everything_is_refused():
    with pytest.raises(ConfigError, match=r"`mask_names`: 'a-' would mask nearly everything"):
        parse(registry.get("aws").config, {"mask_names": ["licence-code", "a-"]})
