"""A Google Workspace customer for tests: two levels of units, people in every state, groups in groups, and more than a page of everything."""

from __future__ import annotations

from peers.google_contract import Call, Google

CUSTOMER, ADMIN = "C0canary1", "admin@example.com"
SALES, EMEA, OPS = "id:unit-sales", "id:unit-emea", "id:unit-ops"
PEOPLE = 11


def person(number: int, **more) -> dict:
    """User `number`, as users.list has them."""
    names = {"fullName": f"Person {number}", "givenName": "Person", "familyName": str(number)}
    found = {"id": f"u{number}", "primaryEmail": f"p{number}@example.com", "name": names, "orgUnitPath": "/", "customerId": CUSTOMER}
    never_asked = {"etag": '"e"', "lastLoginTime": "2026-01-01T00:00:00.000Z", "recoveryPhone": "+10000000000", "phones": [{"value": "1"}]}
    return {**found, "suspended": False, "archived": False, **never_asked, **more}


def group(name: str, **more) -> dict:
    return {"id": f"g-{name}", "email": f"{name}@example.com", "name": name.title(), "directMembersCount": "0", "etag": '"e"', **more}


def member(target: str, kind: str = "USER", **more) -> dict:
    return {"id": target, "type": kind, "role": "MEMBER", "status": "ACTIVE", "email": f"{target}@example.com", **more}


class Customer:
    """What is in the directory; change it and read again."""

    def __init__(self, google: Google) -> None:
        self.google = google
        self.units = [
            {"orgUnitId": EMEA, "name": "EMEA", "orgUnitPath": "/Sales/EMEA", "parentOrgUnitId": SALES, "parentOrgUnitPath": "/Sales"},
            {"orgUnitId": SALES, "name": "Sales", "orgUnitPath": "/Sales", "parentOrgUnitId": "id:root", "parentOrgUnitPath": "/"},
            {"orgUnitId": OPS, "name": "Ops & more", "orgUnitPath": "/Ops & more", "parentOrgUnitId": "id:root", "parentOrgUnitPath": "/"},
        ]
        self.users = [person(number) for number in range(PEOPLE)]
        self.users[0] = person(0, primaryEmail=ADMIN, isAdmin=True)
        self.users[1] |= {"orgUnitPath": "/Sales/EMEA", "aliases": ["b@example.com", "a@example.com"]}
        self.users[2] |= {"suspended": True, "suspensionReason": "ADMIN", "orgUnitPath": "/Ops & more"}
        self.users[3] |= {"archived": True, "suspended": True}
        self.deleted = [person(100 + number, deletionTime="2026-01-01T00:00:00.000Z") for number in range(4)]
        self.groups = [group(name) for name in ("all", "sales", "emea", "ring", "gnir", "empty", "big")]
        self.members: dict[str, list[dict]] = {
            "g-all": [member(CUSTOMER, "CUSTOMER", email=None)],
            "g-sales": [member("g-emea", "GROUP"), member("u2", role="OWNER"), member("ext1", "EXTERNAL", email="guest@elsewhere.example")],
            "g-emea": [member("u1")],
            "g-ring": [member("g-gnir", "GROUP"), member("u4")],
            "g-gnir": [member("g-ring", "GROUP")],
            "g-empty": [],
            "g-big": [member(f"u{number}") for number in range(PEOPLE)],
        }
        self.members["g-all"][0].pop("email")
        self.roles = [
            {"roleId": str(number), "roleName": f"_ROLE_{number}", "isSystemRole": True, "rolePrivileges": privileges()}
            for number in range(1, 6)
        ]
        self.assignments = [
            {"roleAssignmentId": str(number), "roleId": "1", "assignedTo": f"u{number}", "assigneeType": "user", "scopeType": "CUSTOMER"}
            for number in range(1, 5)
        ]
        self.assignments[0] |= {
            "scopeType": "ORG_UNIT",
            "orgUnitId": SALES.removeprefix("id:"),
            "assignedTo": "g-sales",
            "assigneeType": "group",
        }
        self.domains = [
            {"domainName": "example.com", "isPrimary": True, "verified": True, "creationTime": "1500000000000", "etag": '"e"'},
            {
                "domainName": "example.org",
                "isPrimary": False,
                "verified": True,
                "domainAliases": [{"domainAliasName": "example.net", "verified": True}],
            },
        ]
        self._serve()

    def _serve(self) -> None:
        self.google.items |= {
            "directory.orgunits.list": self._units,
            "directory.users.get": lambda call: next((one for one in self.users if one["primaryEmail"] == call.path["userKey"]), None),
            "directory.users.list": self._users,
            "directory.groups.list": lambda call: self.groups if self._whose(call) else None,
            "directory.groups.get": lambda call: next((one for one in self.groups if one["id"] == call.path["groupKey"]), None),
            "directory.members.list": lambda call: self.members.get(call.path["groupKey"]),
            "directory.roles.list": lambda call: self.roles if self._whose(call) else None,
            "directory.roleAssignments.list": lambda call: self._assignments(call) if self._whose(call) else None,
            "directory.domains.list": lambda call: {"domains": self.domains} if self._whose(call) else None,
        }

    def _assignments(self, call: Call) -> list[dict]:
        """All, or those of a person; with the indirect ones, those of their groups too."""
        if not (person := call.query.get("userKey")):
            return self.assignments
        groups = [f"{name}" for name, members in self.members.items() if any(one["id"] == person for one in members)]
        indirect = groups if call.query.get("includeIndirectRoleAssignments") == "true" else []
        return [one for one in self.assignments if one["assignedTo"] in (person, *indirect)]

    @staticmethod
    def _whose(call: Call) -> bool:
        return (call.path | call.query).get("customerId", (call.path | call.query).get("customer")) in ("my_customer", CUSTOMER)

    def _units(self, call: Call) -> dict | None:
        """As the API does it: the children of the root alone, unless all are asked for."""
        found = [one for one in self.units if call.query.get("type") == "all" or one["parentOrgUnitPath"] == "/"]
        return None if not self._whose(call) else {"organizationUnits": found} if found else {}

    def _users(self, call: Call) -> list[dict] | None:
        """As the API does it: one list of who is there, another one of who was."""
        return None if not self._whose(call) else self.deleted if call.query.get("showDeleted") == "true" else self.users


def privileges() -> list[dict]:
    return [{"privilegeName": name, "serviceId": "00haapch16h1ysv"} for name in ("USERS_RETRIEVE", "GROUPS_ALL")]
