"""Settings types as environment variables, and what each provider declares of its own."""

from __future__ import annotations

import ast
import pathlib
from typing import Annotated, Literal

import msgspec
import pytest

import providers
from providers import registry, variables
from providers.provider import describe, prefix_of
from providers.schema import Secret, secret_names
from providers.variables import NO_VARIABLE, Variable, parse, setting

ROOT = pathlib.Path(providers.__file__).parent
CORE = {"msgspec", "urllib3", "structlog", "cryptography", "tenacity", "providers"}
"""What every installation has, or is."""


class Garden(msgspec.Struct, frozen=True):
    key: Annotated[Secret | None, setting("Key of the gate.")] = None
    open: Annotated[bool, setting("Whether the gate is open.")] | None = None
    beds: Annotated[tuple[str, ...], setting("Beds to water.", variable="BEDS")] = ("one",)
    litres: Annotated[float, setting("Litres a day.", ge=0, le=10, low="dry", high="wet")] = 2.5
    season: Annotated[Literal["dry", "wet"], setting("The season.")] = "dry"
    map: Annotated[str, setting("File with the map.", file=True)] = ""
    tools: Annotated[dict[str, str], NO_VARIABLE] = {}


def test_the_variables_of_a_type():
    found = {one.name: one for one in variables.variables(Garden, "GARDEN_")}

    assert list(found) == ["GARDEN_KEY", "GARDEN_OPEN", "BEDS", "GARDEN_LITRES", "GARDEN_SEASON", "GARDEN_MAP"]
    assert (found["GARDEN_KEY"].secret, found["GARDEN_MAP"].file, found["GARDEN_OPEN"].default) == (True, True, None)
    litres = found["GARDEN_LITRES"]
    assert (litres.type, litres.minimum, litres.maximum, litres.low, litres.high, litres.default) == ("number", 0, 10, "dry", "wet", 2.5)
    assert (found["BEDS"].type, found["BEDS"].default, found["GARDEN_SEASON"].choices) == ("list", ["one"], ("dry", "wet"))


def test_a_secret_behind_an_optional_is_a_secret_everywhere():
    assert secret_names(Garden) == {"key"}


def test_a_description_survives_json():
    for name in registry.names():
        found = registry.description(name)
        assert msgspec.json.decode(msgspec.json.encode(found), type=type(found)) == found


def test_read_and_written_again():
    environ = {"GARDEN_OPEN": "off", "BEDS": "a,b", "GARDEN_LITRES": "3", "GARDEN_SEASON": "WET", "GARDEN_KEY": "k"}
    read = variables.read(Garden, environ, "GARDEN_")

    assert read == Garden(key="k", open=False, beds=("a", "b"), litres=3.0, season="wet")
    assert variables.environment(read, "GARDEN_") == {**environ, "GARDEN_OPEN": "false", "GARDEN_SEASON": "wet"}


def test_whether_a_switch_was_given_at_all_is_known():
    assert [variables.read(Garden, {"GARDEN_OPEN": text}, "GARDEN_").open for text in ("", "false", "true")] == [None, False, True]


def test_a_field_that_no_variable_can_hold_is_refused_by_name():
    class Odd(msgspec.Struct):
        tools: dict[str, str]

    with pytest.raises(TypeError, match=r"Odd\.tools is of a type that no environment variable can hold: mark it NO_VARIABLE"):
        variables.variables(Odd)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("#channel", "#channel"),
        ("  # nothing", None),
        ("'single' # quoted", "single"),
        ('"a # b"', "a # b"),
        ("a#b", "a#b"),
        ("(a=b) #c", "(a=b)"),
        ("(a=b #c)", "(a=b #c)"),
        ("dc=a,dc=b #c", "dc=a,dc=b"),
        ("ou=a #b,dc=c", "ou=a #b,dc=c"),
        ("two words #three", "two words #three"),
        ("two words # three", "two words"),
        ('""', None),
    ],
)
def test_where_a_comment_begins_in_a_text(text, value):
    assert parse(Variable(name="X", field="x"), text) == value


@pytest.mark.timeout(10)
@pytest.mark.parametrize("text", [" #" * 50_000 + "(", "a," * 50_000 + " #x", "a" + " " * 100_000 + "b", "a=b," * 50_000 + " #x"])
def test_no_text_takes_long(text):
    parse(Variable(name="X", field="x"), text)


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_the_fields_of_a_connector_are_those_of_its_config(name):
    provider = registry.get(name)
    config = {field.encode_name: field.type for field in msgspec.structs.fields(provider.config)}
    for one in variables.variables(provider.connector or variables.NoSettings, prefix_of(name)):
        assert one.field in config
        if one.secret:
            assert one.field in secret_names(provider.config), "what is a secret in the environment is one in the config"


@pytest.mark.parametrize("name", registry.BUILT_IN)
def test_every_module_that_may_not_be_installed_is_named(name):
    """A provider whose SDK is missing counts as not installed: neither its memory nor its switch is asked for."""
    needed = describe(registry.get(name)), registry.get(name).sdk
    imported = set().union(*(third_party(path) for path in sorted((ROOT / name).rglob("*.py")) if path.stem != "simulation"))
    assert imported - CORE <= {module.split(".")[0] for module in needed[1]} | bundled(needed[1])
    assert needed[0].installed


def bundled(sdk: tuple[str, ...]) -> set[str]:
    """What comes along with an SDK."""
    return {"boto3"} if "botocore" in sdk else set()


def third_party(path: pathlib.Path) -> set[str]:
    import sys

    nodes = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.split(".")[0] for name in names} - set(sys.stdlib_module_names)
