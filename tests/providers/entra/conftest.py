"""A tenant with more than a page of everything, and a clock that nobody waits for."""

from __future__ import annotations

import pytest

from providers.http import retry


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda _seconds: None)


@pytest.fixture
def tenant(graph):
    """Seven of everything: three pages of each list."""
    graph.users = [
        graph.add(
            "/users",
            displayName=f"User {n}",
            userPrincipalName=f"user{n}@contoso.com",
            accountEnabled=n != 3,
            userType="Guest" if n == 5 else "Member",
        )
        for n in range(7)
    ]
    graph.groups = [graph.group(f"Group {n}", *graph.users, owners=(graph.users[0],)) for n in range(7)]
    key = {"keyId": "k", "type": "AsymmetricX509Cert", "usage": "Verify", "displayName": "CN=canary", "endDateTime": "2027-01-01T00:00:00Z"}
    password = {"keyId": "p", "hint": "can", "secretText": "canary-password", "displayName": "ci", "endDateTime": "2026-06-01T00:00:00Z"}
    graph.apps = [
        graph.add("/applications", displayName=f"App {n}", appId=f"app-{n}", keyCredentials=[key], passwordCredentials=[password])
        for n in range(7)
    ]
    for n in range(7):
        graph.add(
            "/servicePrincipals", displayName=f"Principal {n}", appId=f"app-{n}", servicePrincipalType="Application", accountEnabled=True
        )
        graph.add("/devices", displayName=f"Device {n}", deviceId=f"d{n}", accountEnabled=True, operatingSystem="Windows")
    roles = [graph.add("/roleManagement/directory/roleDefinitions", displayName=f"Role {n}", isBuiltIn=True) for n in range(7)]
    for n in range(7):
        graph.add("/roleManagement/directory/roleAssignments", principalId=graph.users[n], roleDefinitionId=roles[n], directoryScopeId="/")
    return graph
