"""The inherited suite itself: a good provider passes it, and each way of being wrong is found."""

from __future__ import annotations

import contextlib
import unittest

import msgspec
import pytest

from providers import registry
from providers.errors import CredentialsError, Denied, Throttled, TimedOut
from providers.provider import Provider, Read, ResourceType, Source
from providers.records import Identity, Link, Resource, Scope
from providers.schema import Secret
from providers.testing import Fault, ProviderSuite


class WeatherConfig(msgspec.Struct, frozen=True):
    network: str
    api_key: Secret | None = None


class Weather(Provider):
    name, title, config = "weather", "Weather stations", WeatherConfig
    fault: Fault | None = None
    stations = (Resource("w1", "station", "weather_station", "One", links=(Link("in_network", "n1"),)),)

    def open(self, config, operator):
        return Stations(self)

    def resource_types(self):
        return (ResourceType("weather_station", "station", ("list",), ("stations.list",)),)


class Stations(Source):
    def __init__(self, weather: Weather) -> None:
        self.weather = weather

    def check(self):
        if self.weather.fault in (Fault.WRONG_CREDENTIALS, Fault.EXPIRED):
            raise CredentialsError("the API key is not valid: make a new one")
        return Identity("me")

    def plan(self):
        yield Read((Scope("weather", "n1", "", "weather_station"),), self.fetch)

    def fetch(self):
        errors = {
            Fault.DENIED: Denied("the permission stations.list is missing", permission="stations.list"),
            Fault.CUT: TimedOut("the station did not answer in time"),
            Fault.THROTTLED: Throttled("the station asks to slow down"),
        }
        if self.weather.fault in errors:
            raise errors[self.weather.fault]
        return () if self.weather.fault is Fault.EMPTY else self.weather.stations


@pytest.fixture
def weather(monkeypatch) -> Weather:
    made = Weather()
    get = registry.get
    monkeypatch.setattr(registry, "get", lambda name: made if name == "weather" else get(name))
    return made


class TestWeather(ProviderSuite):
    provider, config, secrets, expected = "weather", {"network": "n1", "api_key": "k-very-secret"}, ("k-very-secret",), {"weather_station"}

    @pytest.fixture(autouse=True)
    def peer(self, weather):
        self.weather = weather

    @contextlib.contextmanager
    def inject(self, fault):
        self.weather.fault = fault
        yield lambda _: True
        self.weather.fault = None

    def test_importing_it_imports_no_sdk(self):
        """It lives in this test alone."""


GOOD = Weather.stations[0]


@pytest.mark.parametrize(
    "stations",
    [
        (GOOD, GOOD),
        (),
        (msgspec.structs.replace(GOOD, name=""),),
        (msgspec.structs.replace(GOOD, sub_type="Weather Station"),),
        (msgspec.structs.replace(GOOD, entity_type="other"),),
        (msgspec.structs.replace(GOOD, links=(Link("in_network", ""),)),),
        (msgspec.structs.replace(GOOD, links=(Link("in_network", "n1"), Link("in_network", "n1"))),),
        (msgspec.structs.replace(GOOD, parent="w1"),),
        (msgspec.structs.replace(GOOD, organization="nowhere"),),
        (msgspec.structs.replace(GOOD, attributes={"key": "k-very-secret"}),),
    ],
    ids=["twice", "nothing", "nameless", "sub-type", "undeclared", "link-to-nothing", "link-twice", "own-parent", "organization", "secret"],
)
def test_a_wrong_run_is_found(weather, stations):
    weather.stations = stations
    suite = TestWeather()
    with pytest.raises(AssertionError):
        suite.test_a_run_is_complete_and_well_formed()


def test_an_error_read_as_nothing_is_found(weather):
    suite = TestWeather()
    suite.weather = weather
    suite.inject = lambda fault: TestWeather.inject(suite, Fault.EMPTY)
    for test in (suite.test_a_permission_is_missing, suite.test_the_connection_is_cut, suite.test_the_source_throttles):
        with pytest.raises(AssertionError):
            test()


def test_a_run_that_changes_by_itself_is_found(weather):
    class Restless(Weather):
        calls = 0

        @property
        def stations(self):
            self.calls += 1
            return (msgspec.structs.replace(GOOD, attributes={"calls": self.calls}),)

    weather.__class__ = Restless
    with pytest.raises(AssertionError, match="w1: "):
        TestWeather().test_two_runs_are_the_same_bytes()


def test_without_a_peer_to_break_the_faults_are_skipped_aloud():
    class Whole(ProviderSuite):
        provider = "weather"

    with pytest.raises(unittest.SkipTest, match="no peer that can be made to fail"):
        Whole().inject(Fault.DENIED)
