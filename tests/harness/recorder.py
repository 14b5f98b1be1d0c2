"""What a run gave, looked up by resource type."""

from __future__ import annotations

from providers.collected import Collected
from providers.records import Resource
from providers.sink import ScopeReport


class Recorder(Collected):
    """For runs in which a resource type has one scope."""

    def report(self, resource_type: str) -> ScopeReport:
        """How the scope of that type ended."""
        [report] = [report for scope, report in self.reports.items() if scope.resource_type == resource_type]
        return report

    def ids(self, resource_type: str) -> list[str]:
        """What was found of that type, in the order in which it came."""
        return [resource.external_id for scope, resource in self.all() if scope.resource_type == resource_type]

    def one(self, name: str) -> Resource:
        """The resource of that name."""
        [resource] = [resource for _, resource in self.all() if resource.name == name]
        return resource
