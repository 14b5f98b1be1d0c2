"""Questions that tests of Google Cloud's reading ask of a run: the two projects, a scope's outcome, and the ids of a type."""

from __future__ import annotations

from peers.google_cloud import PROJECTS

ONE, OTHER = PROJECTS


def outcome(sink, sub_type: str, project: str = ONE):
    [report] = [r for scope, r in sink.reports.items() if (scope.account, scope.resource_type) == (project, sub_type)]
    return report


def ids(sink, sub_type: str) -> set[str]:
    return {resource.external_id for _, resource in sink.all() if resource.sub_type == sub_type}
