"""What the tests of Google Workspace ask of a run: resources by id, reports by type, and links."""

from __future__ import annotations

USERS_SCOPE = "https://www.googleapis.com/auth/admin.directory.user.readonly"
ROLES_SCOPE = "https://www.googleapis.com/auth/admin.directory.rolemanagement.readonly"


def by_id(found):
    return {resource.external_id: resource for _, resource in found.all()}


def reports(found):
    return {scope.resource_type: report for scope, report in found.reports.items()}


def links(resource, kind="member_of"):
    return [link.target for link in resource.links if link.type == kind]
