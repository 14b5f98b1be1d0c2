"""A fake Okta organization, as none can be had: stateful, paged by cursor and Link, with rate limits and faults on demand.

Every request and every answer is held against Okta's own OpenAPI document (`peers.vendor.okta`). What is newer than it is held against the
models of Okta's own SDK.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest
from okta.models import CustomRole, RoleAssignedUsers, StandardRole, WellKnownOrgMetadata
from peers import vendor
from peers.answering import Fake, Reply, running
from peers.okta_service_app import ORGANIZATION_PATH, TOKEN_PATH, ServiceApp
from pydantic import BaseModel, ValidationError

TOKEN = "canary-okta-api-token"
ORGANIZATION = "00o0000000000000001"
NEWER: dict[str, type[BaseModel]] = {"/api/v1/iam/assignees/users": RoleAssignedUsers, ORGANIZATION_PATH: WellKnownOrgMetadata}
"""Paths that the OpenAPI document does not have yet."""
INVALID_TOKEN = (401, {}, {"errorCode": "E0000011", "errorSummary": "Invalid token provided", "errorId": "oae1", "errorCauses": []})
FORBIDDEN = (403, {}, {"errorCode": "E0000006", "errorSummary": "You do not have permission to perform the requested action"})
NOT_FOUND = (404, {}, {"errorCode": "E0000007", "errorSummary": "Not found: Resource not found: x (UserGroup)"})
TOO_MANY = (429, {}, {"errorCode": "E0000047", "errorSummary": "API call exceeded rate limit due to too many requests."})


PLAIN = {
    "/api/v1/groups/rules": {
        "type": "group_rule", "status": "ACTIVE",
        "conditions": {"expression": {"value": 'user.department=="R&D"', "type": "urn:okta:expression:1.0"}},
        "actions": {"assignUserToGroups": {"groupIds": ["00g00000000000000001"]}},
    },
    "/api/v1/zones": {"type": "IP", "status": "ACTIVE", "usage": "POLICY", "system": False},
    "/api/v1/trustedOrigins": {"origin": "https://example.com", "status": "ACTIVE", "scopes": []},
    "/api/v1/idps": {
        "type": "OIDC", "status": "ACTIVE", "issuerMode": "ORG_URL",
        "protocol": {"type": "OIDC", "credentials": {"client": {"client_id": "x", "client_secret": "canary-idp-secret"}}},
    },
    "/api/v1/authorizationServers": {
        "issuer": "https://example.okta.com/oauth2/x", "issuerMode": "ORG_URL", "audiences": ["api"], "description": "of the API",
        "status": "ACTIVE",
    },
}  # fmt: skip
"""Lists that show a type in full -> an item's fields beside id, name and times."""
STAMP = "2025-01-01T00:00:00.000Z"


class Okta(Fake):
    """The organization. Ids sort in the order in which things were made, as cursors need."""

    token, scheme = TOKEN, "SSWS"

    def __init__(self) -> None:
        super().__init__()
        self.service_app = ServiceApp()
        """The service app that may read the organization; a token of its administrator may as well."""
        self.page = 3
        self.users: dict[str, dict[str, Any]] = {}
        self.groups: dict[str, dict[str, Any]] = {}
        self.apps: dict[str, dict[str, Any]] = {}
        self.members: dict[str, set[str]] = {}
        self.app_groups: dict[str, list[str]] = {}
        self.app_users: dict[str, dict[str, str]] = {}
        self.roles: dict[str, list[dict[str, Any]]] = {}
        self.plain: dict[str, list[dict[str, Any]]] = {path: [] for path in PLAIN}
        """Items of lists that show a type in full."""
        self.limits: dict[str, tuple[int, int, int]] = {}
        """Template of a path -> limit, remaining, reset."""

    def user(self, login: str, status: str = "ACTIVE", **profile: str) -> str:
        number = f"00u{len(self.users):017d}"
        self.users[number] = {
            "id": number,
            "status": status,
            "created": "2025-01-01T00:00:00.000Z",
            "activated": "2025-01-01T00:00:00.000Z",
            "statusChanged": "2025-01-01T00:00:00.000Z",
            "lastLogin": "2026-01-01T00:00:00.000Z",
            "lastUpdated": "2025-01-01T00:00:00.000Z",
            "passwordChanged": "2025-06-01T00:00:00.000Z",
            "type": {"id": "oty1"},
            "profile": {
                "login": login,
                "email": login,
                "firstName": "Ada",
                "lastName": login[:5],
                "mobilePhone": "canary-phone",
                **profile,
            },
            "credentials": {
                "password": {},
                "recovery_question": {"question": "canary-question"},
                "provider": {"type": "OKTA", "name": "OKTA"},
            },
            "_links": {"self": {"href": f"{self.url}/api/v1/users/{number}"}},
        }
        return number

    def change(self, number: str, at: str, **fields: Any) -> None:
        """A user that was changed at that time."""
        self.users[number] |= {**fields, "lastUpdated": at}

    def group(self, name: str, *members: str, kind: str = "OKTA_GROUP") -> str:
        number = f"00g{len(self.groups):017d}"
        self.groups[number] = {
            "id": number,
            "created": "2025-01-01T00:00:00.000Z",
            "lastUpdated": "2025-01-01T00:00:00.000Z",
            "lastMembershipUpdated": "2026-01-01T00:00:00.000Z",
            "objectClass": ["okta:user_group"],
            "type": kind,
            "profile": {"name": name, "description": f"All of {name}"},
        }
        self.members[number] = set(members)
        return number

    def app(self, label: str, groups: tuple[str, ...] = (), users: dict[str, str] | None = None) -> str:
        number = f"0oa{len(self.apps):017d}"
        self.apps[number] = {
            "id": number,
            "name": "oidc_client",
            "label": label,
            "status": "ACTIVE",
            "created": "2025-01-01T00:00:00.000Z",
            "lastUpdated": "2025-01-01T00:00:00.000Z",
            "signOnMode": "OPENID_CONNECT",
            "credentials": {"userNameTemplate": {"template": "canary-template"}},
            "settings": {"notes": {"admin": "canary-note"}},
        }
        self.app_groups[number] = list(groups)
        self.app_users[number] = dict(users or {})
        return number

    def one_of_each(self, count: int = 1) -> None:
        """Items of every list that shows a type in full."""
        for number, (path, fields) in enumerate(PLAIN.items()):
            for one in range(count):
                made = {
                    "id": f"0pl{number:08d}{one:09d}",
                    "name": f"{path.rpartition('/')[2]} {one}",
                    "created": STAMP,
                    "lastUpdated": STAMP,
                }
                self.plain[path].append({**made, **fields})

    def move(self, at: str) -> None:
        """Everything that changes by itself, as sign-ins and memberships go by."""
        for item in (
            *self.users.values(),
            *self.groups.values(),
            *self.apps.values(),
            *(one for items in self.plain.values() for one in items),
        ):
            item["lastUpdated"] = at
        for user in self.users.values():
            user["lastLogin"] = at
        for group in self.groups.values():
            group["lastMembershipUpdated"] = at

    def role(self, principal: str, kind: str, assignment: str, **more: str) -> None:
        """A standard role (whose id names the role and not the assignment, as Okta's do), or a custom one."""
        self.roles.setdefault(principal, []).append(
            {"id": more.pop("id", kind), "label": kind.title(), "type": kind, "status": "ACTIVE", "assignmentType": assignment, **more}
        )

    # --- answers

    def refusal(self) -> Reply:
        return INVALID_TOKEN

    def refused(self, path: str, headers: Mapping[str, str]) -> Reply | None:
        if path == ORGANIZATION_PATH:
            return None
        if not headers.get("Authorization", "").startswith(("Bearer ", "DPoP ")):
            return super().refused(path, headers)
        return self.service_app.refused(path, headers) or (NOT_FOUND if path == "/api/v1/users/me" else None)

    def posted(self, path: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        return self.service_app.token(body, headers) if path == TOKEN_PATH else super().posted(path, body, headers)

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        if path == ORGANIZATION_PATH:
            return 200, {}, {"id": ORGANIZATION, "pipeline": "idx", "_links": {"organization": {"href": self.url}}}
        parts = path.removeprefix("/api/v1/").split("/")
        match parts:
            case ["users", "me"]:
                return 200, {}, next(iter(self.users.values()))
            case ["users"]:
                return self._paged(path, query, [user for user in self.users.values() if _fits(user, query.get("filter", ""))])
            case ["groups"]:
                return self._paged(path, query, [self._group(group, query) for group in self.groups.values()])
            case _ if path in self.plain:
                return self._paged(path, query, self.plain[path])
            case ["apps"]:
                return self._paged(path, query, list(self.apps.values()))
            case ["users" | "groups" | "apps" as kind, number] if number in getattr(self, kind):
                return 200, self._headers(path), getattr(self, kind)[number]
            case ["groups", group, "users"] if group in self.groups:
                return self._paged(path, query, [self.users[user] for user in sorted(self.members[group])])
            case ["apps", app, "groups"] if app in self.apps:
                return self._paged(path, query, [{"id": group, "priority": 0, "profile": {}} for group in self.app_groups[app]])
            case ["apps", app, "users"] if app in self.apps:
                return self._paged(path, query, [{"id": user, "scope": scope} for user, scope in sorted(self.app_users[app].items())])
            case ["users" | "groups", principal, "roles"] if principal in self.users or principal in self.groups:
                return 200, self._headers(path), self.roles.get(principal, [])
            case ["iam", "assignees", "users"]:
                return self._assignees(path, query)
        return NOT_FOUND

    def _group(self, group: dict[str, Any], query: dict[str, str]) -> dict[str, Any]:
        if query.get("expand") != "stats":
            return group
        stats = {"usersCount": len(self.members[group["id"]]), "appsCount": 0, "hasAdminPrivilege": group["id"] in self.roles}
        return {**group, "_embedded": {"stats": stats}}

    def _paged(self, path: str, query: dict[str, str], items: list[dict[str, Any]]) -> Reply:
        found, more = self._page(query, items)
        headers = self._headers(path)
        if more:
            following = urlencode({**query, "after": found[-1]["id"]})
            headers["Link"] = f'<{self.url}{path}?{following}>; rel="next"\n<{self.url}{path}?{urlencode(query)}>; rel="self"'
        return 200, headers, found

    def _page(self, query: dict[str, str], items: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
        left = [item for item in items if item["id"] > query.get("after", "")]
        size = min(self.page, int(query.get("limit", 200)))
        return left[:size], len(left) > size

    def _assignees(self, path: str, query: dict[str, str]) -> Reply:
        found, more = self._page(query, [{"id": number} for number in sorted(self.roles) if number in self.users])
        body: dict[str, Any] = {"value": found}
        if more:
            body["_links"] = {"next": {"href": f"{self.url}{path}?{urlencode({**query, 'after': found[-1]['id']})}"}}
        return 200, self._headers(path), body

    def _headers(self, path: str) -> dict[str, str]:
        template = re.sub(r"00[ug]\d+|0oa\d+", "*", path)
        if template not in self.limits:
            return {}
        limit, remaining, reset = self.limits[template]
        self.limits[template] = (limit, max(0, remaining - 1), reset)
        return {"X-Rate-Limit-Limit": str(limit), "X-Rate-Limit-Remaining": str(remaining), "X-Rate-Limit-Reset": str(reset)}

    # --- the judge

    def judge_request(self, path: str, query: dict[str, str]) -> list[str]:
        if path in NEWER:
            return [f"{path} has no parameter {name}" for name in query.keys() - {"limit", "after"}]
        return vendor.okta().request("GET", path, query)

    def judge_answer(self, path: str, status: int, body: Any) -> list[str]:
        if body == b"":  # refused to a service app
            return []
        if path in NEWER and status == 200:
            return _breaches(NEWER[path], body)
        if not path.endswith("/roles") or status != 200:
            return vendor.okta().answer("GET", path, status, body)
        found = vendor.okta().answer("GET", path, status, [role for role in body if role["type"] != "CUSTOM"])  # newer than it
        return found + [text for role in body for text in _breaches(CustomRole if role["type"] == "CUSTOM" else StandardRole, role)]


def _breaches(model: type[BaseModel], body: Any) -> list[str]:
    try:
        model.model_validate(body)
    except ValidationError as error:
        return [str(error)[:300]]
    return []


def _fits(user: dict[str, Any], query: str) -> bool:
    if not query:
        return user["status"] != "DEPROVISIONED"
    field, operator, value = re.fullmatch(r'(\w+) (eq|gt) "([^"]+)"', query).groups()
    return user[field] == value if operator == "eq" else user[field] > value


@pytest.fixture
def okta():
    """A running fake with its administrator in it."""
    with running(Okta()) as fake:
        fake.service_app.url = fake.url
        fake.user("admin@example.com")
        yield fake
        assert not fake.service_app.problems
