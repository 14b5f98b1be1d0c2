"""Config keys as people enter them: each says what it does, in the form, in the OpenAPI document and on the command line."""

from __future__ import annotations

import msgspec
import pytest

from providers import keys, registry


@pytest.mark.parametrize("provider", registry.BUILT_IN)
def test_every_config_key_has_a_description(provider):
    """A sentence of its own, not the key's name again."""
    config = registry.get(provider).config

    described = {key.name: key.description for key in keys.keys(config)}

    assert [name for name, text in described.items() if len(text.split()) < 3] == []
    properties = msgspec.json.schema(config)["$defs"][config.__name__]["properties"]
    undescribed = [name for name, one in properties.items() if msgspec.json.encode(described[name]) not in msgspec.json.encode(one)]
    assert undescribed == []
