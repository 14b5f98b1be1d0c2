"""An organization of Okta with more than one page of everything, and waits that do not wait."""

from __future__ import annotations

import pytest
from okta_organization import HELP, PLAIN_ITEMS, SUPER

from providers.http import retry


@pytest.fixture
def organization(okta):
    """More than one page of everything."""
    people = [okta.user(f"user{n}@example.com", department="R&D") for n in range(7)]
    okta.user("gone@example.com", "DEPROVISIONED")
    okta.user("asleep@example.com", "SUSPENDED")
    for n in range(4):
        okta.user(f"former{n}@example.com", "DEPROVISIONED")
    okta.group("Everyone", *okta.users, kind="BUILT_IN")
    groups = [okta.group(f"Team {n}", *people[: n + 1]) for n in range(5)]
    okta.group("Same", people[0])
    okta.group("Same", people[1], kind="APP_GROUP")
    for n in range(5):
        okta.app(f"App {n}", tuple(groups[:4]), {people[0]: "USER", people[1]: "GROUP", **dict.fromkeys(people[2:6], "USER")})
    okta.role(next(iter(okta.users)), SUPER, "USER")
    for person in people[:4]:
        okta.role(person, HELP, "USER")
        okta.role(person, "APP_ADMIN", "GROUP")
    okta.role(people[0], "CUSTOM", "USER", id="irb1", role="cr01", label="Auditor", **{"resource-set": "iamset1"})
    okta.role(groups[0], "APP_ADMIN", "GROUP")
    okta.one_of_each(PLAIN_ITEMS)
    okta.people, okta.teams = people, groups
    return okta


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were waited, without waiting."""
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    return waits
