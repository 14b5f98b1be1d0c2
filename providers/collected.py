"""The results of one run of a provider, kept in memory and checked against the rules, for tests and for small scans."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import msgspec

from providers.records import Identity, Link, Organization, Resource, Scope
from providers.runner import Tally
from providers.sink import ScopeReport


class Collected:
    """A sink that keeps everything, and fails when a rule of sinks is broken."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.who: Identity | None = None
        self.tree: dict[str, Organization] = {}
        self.found: dict[Scope, list[Resource]] = {}
        self.reports: dict[Scope, ScopeReport] = {}
        self.tally = Tally()

    def identity(self, identity: Identity) -> None:
        """Notes the plan; a run sends it once, before anything else."""
        _require(self.who is None and not self.found, "the identity comes once, before any scope")
        self.who = identity

    def planned(self, scopes: tuple[Scope, ...]) -> None:
        """The scopes of a read."""
        _require(len(scopes) > 0, "a read has at least one scope")

    def begin(self, scope: Scope) -> None:
        """A scope begins once."""
        with self._lock:
            _require(scope not in self.found, f"{scope} begins twice")
            self.found[scope] = []

    def organizations(self, organizations: list[Organization]) -> None:
        """Notes organizations; parents come before children."""
        with self._lock:
            for organization in organizations:
                parent = organization.parent
                _require(not parent or parent in self.tree, f"{organization} comes before its parent")
                self.tree[organization.external_id] = organization

    def resources(self, scope: Scope, resources: list[Resource]) -> None:
        """Only into open scopes, and only into organizations that are known."""
        with self._lock:
            _require(scope in self.found and scope not in self.reports, f"{scope} is not open")
            for resource in resources:
                known = not resource.organization or resource.organization in self.tree
                _require(known, f"{resource.external_id} names the unknown organization {resource.organization}")
            self.found[scope] += resources

    def end(self, report: ScopeReport) -> None:
        """A scope ends once."""
        with self._lock:
            _require(report.scope not in self.reports, f"{report.scope} ends twice")
            self.reports[report.scope] = report

    def canonical(self, scope: Scope) -> list[bytes]:
        """The resources of a scope as sorted bytes."""
        return sorted(canonical(resource) for resource in self.found[scope])

    def differences(self, other: Collected, scope: Scope) -> list[str]:
        """Compares a scope with another run's: ids, with the first fields that differ."""
        ours, theirs = ({r.external_id: r for r in run.found[scope]} for run in (self, other))
        apart = [key for key in sorted(ours | theirs) if ours.get(key) != theirs.get(key)]
        return [f"{key}: {_apart(ours.get(key), theirs.get(key))}" for key in apart[:5]]

    def all(self) -> Iterator[tuple[Scope, Resource]]:
        """Every resource with its scope."""
        return ((scope, resource) for scope, resources in self.found.items() for resource in resources)


def _apart(one: Resource | None, other: Resource | None) -> str:
    if one is None or other is None:
        return "only in one of them"
    left, right = (msgspec.to_builtins(resource) for resource in (one, other))
    return next(f"{ours!r} is not {theirs!r}" for ours, theirs in zip(left, right, strict=True) if ours != theirs)[:2000]


def check_resource(scope: Scope, resource: Resource) -> None:
    """Checks that a resource can be stored and linked."""
    assert resource.external_id, resource
    assert resource.entity_type, resource
    assert resource.name, f"{resource.external_id} has no name"
    assert re.fullmatch(r"[a-z0-9]+(__?[a-z0-9]+)*", resource.sub_type), f"sub_type {resource.sub_type!r}"
    assert scope.resource_type in ("*", resource.sub_type), f"a {resource.sub_type} in {scope}"
    assert all(isinstance(value, str) for value in resource.tags.values()), resource.external_id
    assert resource.parent != resource.external_id
    for link in resource.links:
        _check_link(resource, link)
    assert len(set(resource.links)) == len(resource.links), f"{resource.external_id} has a link twice"


def _check_link(resource: Resource, link: Link) -> None:
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", link.type), f"link type {link.type!r}"
    assert link.target, f"{resource.external_id}: {link.type} to nothing"
    assert "None" not in link.target.split("/"), f"{resource.external_id}: {link.type} to {link.target}"


def is_declared(resource: Resource, declared: set[tuple[str, str]]) -> bool:
    """Providers that find types of which they cannot know (custom resources) declare them with a ``*``."""
    return any(
        resource.entity_type == entity and (resource.sub_type == sub or (sub.endswith("*") and resource.sub_type.startswith(sub[:-1])))
        for sub, entity in declared
    )


def canonical(resource: Resource) -> bytes:
    """Equal resources are equal bytes."""
    return msgspec.json.encode(resource, order="deterministic")


def _require(holds: bool, rule: str) -> None:
    if not holds:
        raise AssertionError(rule)
