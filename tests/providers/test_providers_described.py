"""Descriptions of third parties' providers: what they may say, and what is made of them."""

from __future__ import annotations

import time

import msgspec
import pytest

from providers import described, registry, schema
from providers.errors import ConfigError
from providers.provider import describe

PLAIN = {"name": "library", "title": "Library", "config": {"type": "object", "properties": {"key": {"type": "string", "secret": True}}}}


def said(**changes) -> bytes:
    return msgspec.json.encode({**PLAIN, **changes})


def properties(**found) -> bytes:
    return said(config={"type": "object", "properties": found})


def deep(levels: int) -> dict:
    value: dict = {"type": "string"}
    for _ in range(levels):
        value = {"type": "array", "items": value}
    return value


HOSTILE = {
    "empty": b"",
    "no JSON": b"\xff\x00",
    "a list": b"[]",
    "too large": said(title="x" * (described.LARGEST + 1)),
    "too deep": b'{"name":"library","title":"L","config":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}",
    "another name": said(name="aws"),
    "a name with a way out": said(name="../library"),
    "no title": said(title=""),
    "a long title": said(title="x" * 101),
    "config is a list": said(config=[]),
    "keys are a list": said(config={"properties": []}),
    "too many keys": properties(**{f"k{n}": {"type": "string"} for n in range(201)}),
    "a key that is not a word": properties(**{"a b\n": {"type": "string"}}),
    "a key without a schema": properties(a=1),
    "bounds that are no bounds": properties(a={"type": "array", "minItems": -1}),
    "too many variables": said(operator=[{"name": f"LIBRARY_{n}", "field": f"f{n}"} for n in range(201)]),
    "too many types": said(resource_types=[["a", "b", [], []]] * 5001),
    "all the memory": said(memory_mb=10**6),
    "no memory": said(memory_mb=0),
    "a port that is none": said(ports=[0]),
    "ports as text": said(ports=["443"]),
    "NUL": said(config={"properties": {"a": {"type": "string", "description": "a\0b"}}}),
    "half a character": said(title="abc").replace(b"abc", b"\\ud800"),
    "a number without bounds": said(memory_mb=7).replace(b":7", b":1e999"),
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_case_sec_2_a_hostile_description_is_refused_by_a_sentence(text):
    with pytest.raises(ConfigError, match="provider 'library' cannot be used") as caught:
        described.read("library", text)
    assert len(str(caught.value)) < 1200


def test_case_sec_2_a_description_gives_a_package_no_more_than_its_own():
    """Neither files, nor the metadata service, nor its port; control characters of its title go."""
    found = described.read("library", said(ports=[80, 8443], title="Lib\x1b[31mrary", files=["/"], metadata_service=True))
    provider = described.Described(found)
    assert (provider.files, provider.metadata_service, provider.ports, provider.title) == ((), False, (8443,), "Lib?[31mrary")
    with pytest.raises(ConfigError, match="in a job's process only"):
        provider.open(None, None)


@pytest.mark.parametrize(
    "found",
    [
        {"type": "string", "pattern": "(a+)+$"},
        {"$ref": "#/properties/key"},
        {"anyOf": [{"type": "string"}] * 5000},
        {"enum": list(range(10_000))},
        {"type": ["string", "null"]},
        deep(5000 // 50),
        {"type": "array", "items": {"$ref": "#"}},
        {},
    ],
    ids=["pattern", "reference", "many choices", "enumeration of numbers", "list of types", "deep", "recursive", "nothing"],
)
def test_a_schema_that_would_cost_time_is_not_used(found):
    """What is not bounded is left to the job; a value is checked within a second, however it is made."""
    began = time.monotonic()
    provider = described.Described(described.read("library", properties(key=found)))
    try:
        schema.parse(provider.config, {"key": "a" * 50_000 + "!"})
    except ConfigError as error:
        assert error.complaints
    assert time.monotonic() - began < 1


def test_a_description_checks_seals_and_redacts_as_the_package_would():
    """Of every built-in provider: the type made from the description says the same of configs as the type that was described."""
    for name in registry.BUILT_IN:
        provider = registry.get(name)
        again = described.Described(described.read(name, msgspec.json.encode(described.of(provider))))
        assert schema.secret_names(again.config) == schema.secret_names(provider.config), name
        assert {kind.sub_type for kind in again.resource_types()} == {kind.sub_type for kind in provider.resource_types()}
        keys = [field.encode_name for field in msgspec.structs.fields(provider.config)]
        assert [field.encode_name for field in msgspec.structs.fields(again.config)] == keys
        for config in ({}, dict.fromkeys(keys, 1), dict.fromkeys(keys, "x"), {"unknown": 1}, {key: {"a": [1]} for key in keys}):
            ours, theirs = complaints(provider.config, config), complaints(again.config, config)
            assert theirs <= ours, (name, config)
            assert {one for one in ours if "missing" in one or "unknown" in one} <= theirs, (name, config)


def complaints(config_type, config) -> set[str]:
    """The keys that are complained about, as the kind of complaint goes."""
    try:
        schema.parse(config_type, config)
    except ConfigError as error:
        words = error.complaints or (str(error),)
        return {f"{one.split('`')[1]} {'missing' * ('is missing' in one)}{'unknown' * ('unknown' in one)}" for one in words if "`" in one}
    return set()


def test_the_built_in_descriptions_stay_small():
    """They travel in the settings of every process: without config schemas and resource types."""
    assert all(len(msgspec.json.encode(describe(registry.get(name)).config)) == 2 for name in registry.BUILT_IN)
