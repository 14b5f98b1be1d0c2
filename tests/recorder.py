"""A sink that remembers what a run gave it."""

from __future__ import annotations

import threading

from providers.records import Organization, Resource
from providers.runner import ScopeReport


class Recorder:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.events: list[tuple[str, object]] = []
        self.reports: dict[str, ScopeReport] = {}
        self.found: dict[str, list[str]] = {}
        self.organizations_seen: list[Organization] = []
        self.everything: list[Resource] = []

    def identity(self, identity):
        self.events.append(("identity", identity.name))

    def planned(self, scopes):
        self.events.append(("planned", scopes))

    def begin(self, scope):
        with self.lock:
            self.events.append(("begin", scope.resource_type))

    def organizations(self, organizations):
        self.organizations_seen += organizations

    def resources(self, scope, resources):
        with self.lock:
            self.found.setdefault(scope.resource_type, []).extend(r.external_id for r in resources)
            self.everything.extend(resources)

    def end(self, report):
        with self.lock:
            assert report.scope.resource_type not in self.reports, "a scope ends once"
            self.reports[report.scope.resource_type] = report
