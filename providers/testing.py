"""The test suite that a provider inherits, a third party's too.

::

    class TestWeather(ProviderSuite):
        provider, config, secrets = "weather", {"network": "n1", "api_key": "k"}, ("k",)

That much checks the config, the imports, the identity, the plan and every resource. A provider that can break its peer at will
overrides `inject`, and gets the tests on faults as well. With a pytest fixture for the peer::

        @pytest.fixture(autouse=True)
        def peer(self, weather_server):
            self.operator = {"WEATHER_URL": weather_server.url}

Nothing here imports pytest: the classes are collected by it when a test module inherits them.
"""

from __future__ import annotations

import contextlib
import enum
import json
import subprocess
import sys
import unittest
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import msgspec

from providers import registry, schema
from providers.catalogue.masking import Masking
from providers.collected import Collected, canonical, check_resource, is_declared
from providers.errors import ConfigError, CredentialsError, Outcome
from providers.provider import Provider, Source, prefix_of
from providers.records import Scope
from providers.runner import run
from providers.schema import REDACTED, SourceConfig
from providers.sink import ScopeReport
from providers.variables import NoSettings, parse, read, variables

SDKS = ("boto3", "botocore", "google", "azure", "kubernetes", "ldap3", "msal")


class Fault(enum.StrEnum):
    """The faults that a peer can be made to show."""

    DENIED = "denied"
    """Refuses one kind of request for want of a permission."""
    CUT = "cut"
    """Cuts the connection in the middle of one kind of answer, every time."""
    THROTTLED = "throttled"
    """Answers one kind of request with "slow down", every time."""
    EMPTY = "empty"
    """Answers one kind of request with success and nothing in it."""
    WRONG_CREDENTIALS = "wrong credentials"
    """Does not know who we are."""
    EXPIRED = "expired"
    """Knows us, but our token is too old."""


Hit = Callable[[Scope], bool]
"""True when the fault touches this scope."""


def operator_of(provider: Provider, environ: Mapping[str, str]) -> Any:
    """The operator's settings of a provider, as the worker reads them from environment variables."""
    return read(provider.operator, environ, prefix_of(provider.name))


def connector_of(provider: Provider, environ: Mapping[str, str]) -> dict[str, Any]:
    """The raw config of a provider's connector, as the worker reads it from environment variables."""
    own = variables(provider.connector or NoSettings, prefix_of(provider.name))
    values = ((one.field, parse(one, environ.get(one.name, ""))) for one in own)
    return {field: value for field, value in values if value is not None}


class ProviderSuite:
    """The tests that every provider passes. A subclass sets `provider` and `config`; the rest is as its peer needs it."""

    provider: ClassVar[str] = ""
    """Its name in the registry."""
    config: Mapping[str, Any] = {}
    """A raw config that works."""
    operator: Mapping[str, str] = {}
    """The environment variables of the operator's settings for it."""
    secrets: tuple[str, ...] = ()
    """Every secret string in `config`."""
    expected: frozenset[str] | set[str] = frozenset()
    """Sub-types of which the peer surely has at least one."""

    def inject(self, fault: Fault) -> AbstractContextManager[Hit]:
        """Breaks the peer for as long as the context lasts; gives which scopes that touches. `unittest.SkipTest` when it cannot be."""
        raise unittest.SkipTest(f"{self.provider}: no peer that can be made to fail: {fault}")

    def move(self, time: int) -> None:
        """Moves, at the peer, all that changes there without meaning: counters, times of use, marks of versions. `time` is 0, 1 ..."""

    # What the tests are made of

    def opened(self, config: Mapping[str, Any] | None = None) -> contextlib.closing[Source]:
        """The source, closed at the end of the block."""
        provider = registry.load(self.provider)
        parsed = schema.parse(provider.config, self.config if config is None else config)
        return contextlib.closing(provider.opened(parsed, operator_of(provider, self.operator)))

    def read(self, config: Mapping[str, Any] | None = None) -> Collected:
        """Runs the provider once and returns all that it gave."""
        collected = Collected()
        with self.opened(config) as source:
            collected.tally = run(source, collected)
        return collected

    def readings(self) -> tuple[Collected, Collected]:
        """Two readings of the unchanged source, between which all has moved that moves without meaning."""
        self.move(0)
        first = self.read()
        self.move(1)
        return first, self.read()

    # Config

    def test_its_config_is_accepted_and_redacted(self) -> None:
        """A good config parses, survives JSON, and shows none of its secrets once redacted."""
        kind = registry.load(self.provider).config
        raw = json.loads(json.dumps(dict(self.config)))
        shown = json.dumps(schema.redact(kind, raw))

        assert schema.parse(kind, raw) == schema.parse(kind, self.config)
        assert not [secret for secret in self.secrets if secret in shown]
        assert set(self.secrets) <= set(schema.secret_values(kind, raw))

    def test_it_complains_about_an_unknown_key(self) -> None:
        """A key that nothing reads is refused by its name."""
        kind = registry.load(self.provider).config
        complaint = _raised(ConfigError, lambda: schema.parse(kind, {**self.config, "no_such_key": 1}))

        assert "`no_such_key`" in str(complaint)

    def test_importing_it_imports_no_sdk(self) -> None:
        """The API and the command line have every provider's config and types without paying for an SDK."""
        code = (
            f"import sys; from providers import registry\nregistry.load({self.provider!r}).resource_types()\n"
            f"found = sorted(set({SDKS!r}) & {{name.split('.')[0] for name in sys.modules}})\nassert not found, found"
        )
        subprocess.run([sys.executable, "-c", code], check=True, timeout=60)

    # A good run

    def test_it_says_who_we_are(self) -> None:
        """The connectivity test has a name to show, and no secret in it."""
        with self.opened() as source:
            identity = source.check()

        assert identity.name
        assert not self._leaks(msgspec.json.encode(identity).decode())

    def test_a_run_is_complete_and_well_formed(self) -> None:
        """Every scope ends complete; types are declared, ids unique in their scope, links point at something, no secret is stored."""
        run = self.read()
        declared = {(kind.sub_type, kind.entity_type) for kind in registry.load(self.provider).resource_types()}

        assert set(run.found) == set(run.reports)
        incomplete = [report for report in run.reports.values() if report.outcome is not Outcome.COMPLETE]
        assert not incomplete, incomplete
        missing = set(self.expected) - {resource.sub_type for _, resource in run.all()}
        assert not missing, missing
        for scope, resource in run.all():
            check_resource(scope, resource)
            assert is_declared(resource, declared), f"{resource.sub_type}/{resource.entity_type} is not in resource_types()"
            assert not self._leaks(canonical(resource).decode()), f"{resource.external_id} holds a secret"
        for scope, resources in run.found.items():
            ids = [resource.external_id for resource in resources]
            assert len(ids) == len(set(ids)), f"an id comes twice in {scope}"

    def test_two_runs_are_the_same_bytes(self) -> None:
        """An unchanged source gives identical resources, whatever the order in which they came, and whatever has moved without meaning."""
        self.are_the_same_bytes(*self.readings())

    @staticmethod
    def are_the_same_bytes(first: Collected, second: Collected) -> None:
        """Asserts that two readings have the same scopes with the same resources."""
        assert set(first.found) == set(second.found)
        for scope in first.found:
            apart = first.differences(second, scope)
            assert not apart, apart

    def test_what_the_config_masks_is_masked_in_every_type(self) -> None:
        """`mask_names` holds for every resource, however it was made."""
        if not issubclass(registry.load(self.provider).config, SourceConfig):
            raise unittest.SkipTest(f"{self.provider}: its config has no `mask_names`")
        spared = {(kind.sub_type, field) for kind in registry.load(self.provider).kinds() for field in kind.unmasked}
        plain = {(r.sub_type, key) for _, r in self.read().all() for key, value in r.attributes.items() if _maskable(key, value)}
        names = dict(sorted(plain - spared, reverse=True))
        masked = self.read({**self.config, "mask_names": sorted(set(names.values()))})

        assert names
        shown = {key for _, r in masked.all() if _maskable(key := names.get(r.sub_type, ""), r.attributes.get(key))}
        assert shown == set()

    # Faults

    def test_a_permission_is_missing(self) -> None:
        """The scopes concerned are denied, with the permission named; the others do not notice."""
        for report in self._only_hit(Fault.DENIED, {Outcome.DENIED}):
            assert report.permission
            assert report.permission in report.message

    def test_the_connection_is_cut(self) -> None:
        """The scopes concerned are timed out, not empty."""
        self._only_hit(Fault.CUT, {Outcome.TIMEOUT})

    def test_the_source_throttles(self) -> None:
        """The scopes concerned say so after the last retry."""
        self._only_hit(Fault.THROTTLED, {Outcome.THROTTLED})

    def test_an_empty_success_is_a_success(self) -> None:
        """It is reported as complete and empty: whether to believe that is for the guard over deletions."""
        before = self.read()
        with self.inject(Fault.EMPTY) as hit:
            after = self.read()
        touched = [scope for scope in after.reports if hit(scope)]

        assert any(before.found[scope] for scope in touched), "nothing was there before"
        assert {after.reports[scope].outcome for scope in touched} == {Outcome.COMPLETE}
        assert not [scope for scope in touched if after.found[scope]]
        self._others_unchanged(before, after, hit)

    def test_the_credentials_are_wrong(self) -> None:
        """The run ends at the check, with a sentence for the operator."""
        with self.inject(Fault.WRONG_CREDENTIALS):
            error = _raised(CredentialsError, self.read)
        self._is_a_sentence(str(error))

    def test_the_token_has_expired(self) -> None:
        """The run ends at the check, or not one of its scopes is taken for complete."""
        with self.inject(Fault.EXPIRED) as hit:
            try:
                after = self.read()
            except CredentialsError as error:
                self._is_a_sentence(str(error))
                return
        touched = [report for scope, report in after.reports.items() if hit(scope)]
        assert touched
        for report in touched:
            assert report.outcome is Outcome.ERROR
            self._is_a_sentence(report.message)

    def _only_hit(self, fault: Fault, outcomes: set[Outcome]) -> list[ScopeReport]:
        """Runs with and without the fault; gives the reports of the scopes that it touched."""
        before = self.read()
        with self.inject(fault) as hit:
            after = self.read()
        touched = [report for scope, report in after.reports.items() if hit(scope)]
        assert touched, "the fault touched nothing"
        for report in touched:
            assert report.outcome in outcomes, report
            self._is_a_sentence(report.message)
        self._others_unchanged(before, after, hit)
        return touched

    @staticmethod
    def _others_unchanged(before: Collected, after: Collected, hit: Hit) -> None:
        others = {scope for scope in before.found if not hit(scope)}
        assert others == {scope for scope in after.found if not hit(scope)}
        for scope in others:
            assert after.reports[scope].outcome is before.reports[scope].outcome, after.reports[scope]
            apart = before.differences(after, scope)
            assert not apart, apart

    def _is_a_sentence(self, message: str) -> None:
        """One line of several words that is not an exception's name, and holds no secret."""
        assert "\n" not in message
        assert len(message.split()) >= 4, message
        assert "unexpected" not in message, message
        assert "Traceback" not in message
        assert not self._leaks(message), "the message holds a secret"

    def _leaks(self, text: str) -> list[str]:
        return [secret for secret in self.secrets if secret in text]


def _maskable(key: str, value: object) -> bool:
    """True for an attribute that a config can have masked by its name and that is not masked yet."""
    if sum(map(str.isalnum, key)) < 3 or not isinstance(value, str) or value == REDACTED:
        return False
    return bool(Masking((key,)).masked({key: value})[key] == REDACTED)


def _raised(kind: type[Exception], call: Callable[[], object]) -> Exception:
    try:
        call()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


__all__ = ["Collected", "Fault", "Hit", "ProviderSuite"]
