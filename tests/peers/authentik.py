"""A fake Authentik: stateful, paged by number, with permissions that leave out silently what may not be seen, as Authentik does.

Every request and every answer is held against Authentik's own OpenAPI document (`peers.vendor.authentik`).
"""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from peers import vendor
from peers.answering import Fake, Reply, running

TOKEN = "canary-authentik-api-token"
SPACE = uuid.UUID("b8ab0f2e-4f4e-4a3c-9d0e-000000000000")
NOT_SIGNED_IN = (403, {}, {"detail": "Token invalid/expired"})
FORBIDDEN = (403, {}, {"detail": "You do not have permission to perform this action."})
STAMP = "2025-01-01T00:00:00Z"
LISTS = {
    "/core/users/": ("users", "authentik_core.view_user"),
    "/core/groups/": ("groups", "authentik_core.view_group"),
    "/rbac/roles/": ("roles", "authentik_rbac.view_role"),
    "/core/applications/": ("applications", "is_superuser"),
}


class Authentik(Fake):
    """The installation. `permissions` are those of the token's one role; `visible` what it may see of the rest, by name."""

    token = TOKEN

    def __init__(self) -> None:
        super().__init__()
        vendor.authentik()  # loaded here, and not by the first request: npm would fetch it through the proxy that a test sets
        self.page = 3
        self.superuser = True
        self.permissions: list[str] = []
        self.visible: set[str] = set()
        self.old_parents = False
        self.objects: dict[str, list[dict[str, Any]]] = {"users": [], "groups": [], "roles": [], "applications": []}

    def user(self, username: str, *, groups: tuple[str, ...] = (), roles: tuple[str, ...] = (), **more: Any) -> str:
        pk = 1 + max((user["pk"] for user in self.objects["users"]), default=0)
        number = self._number("user", username, pk)
        made = {
            "pk": pk, "uuid": number, "uid": uuid.uuid5(SPACE, number).hex, "username": username, "name": username.title(),
            "is_active": True, "is_superuser": False, "last_login": STAMP, "last_updated": STAMP, "date_joined": STAMP,
            "password_change_date": STAMP, "email": f"{username}@example.com", "avatar": "canary-avatar", "path": "users",
            "type": "internal", "attributes": {"secret": "canary-attribute"}, "groups": list(groups), "roles": list(roles),
            "groups_obj": None, "roles_obj": None,
        }  # fmt: skip
        self.objects["users"].append({**made, **more})
        return number

    def group(self, name: str, *, parents: tuple[str, ...] = (), roles: tuple[str, ...] = (), **more: Any) -> str:
        number = self._number("group", name, len(self.objects["groups"]))
        made = {
            "pk": number, "num_pk": len(self.objects["groups"]), "name": name, "is_superuser": False, "parents": list(parents),
            "parents_obj": None, "users_obj": None, "attributes": {"secret": "canary-attribute"}, "roles": list(roles),
            "roles_obj": [role for role in self.objects["roles"] if role["pk"] in roles], "inherited_roles_obj": None, "children": [],
            "children_obj": None,
        }  # fmt: skip
        self.objects["groups"].append({**made, **more})
        return number

    def role(self, name: str) -> str:
        number = self._number("role", name, 0)
        self.objects["roles"].append({"pk": number, "name": name})
        return number

    def application(self, slug: str) -> str:
        number = self._number("application", slug, 0)
        made = {
            "pk": number, "pbm_uuid": number, "name": slug.title(), "slug": slug, "provider": None, "provider_obj": None,
            "backchannel_providers": [], "backchannel_providers_obj": [], "launch_url": None, "open_in_new_tab": False,
            "meta_launch_url": "https://example.com/", "meta_icon": "", "meta_icon_url": None, "meta_icon_themed_urls": None,
            "meta_description": "", "meta_publisher": "Us", "policy_engine_mode": "any", "group": "",
        }  # fmt: skip
        self.objects["applications"].append(made)
        return number

    def delete(self, kind: str, name: str) -> None:
        """By its name."""
        self.objects[kind] = [item for item in self.objects[kind] if item["name"] != name]

    @staticmethod
    def _number(kind: str, name: str, salt: int) -> str:
        return str(uuid.uuid5(SPACE, f"{kind}/{name}/{salt}"))

    # --- answers

    def refusal(self) -> Reply:
        return NOT_SIGNED_IN

    def reply(self, path: str, query: dict[str, str]) -> Reply:
        plain = path.removeprefix("/api/v3")
        if plain == "/core/users/me/":
            return 200, {}, {"user": self._me(), "users": [], "original": self._me()}
        if plain == "/rbac/permissions/":
            return self._paged([_permission(number, name) for number, name in enumerate(self.permissions)], query)
        if plain not in LISTS:
            return 404, {}, {"detail": "Not found."}
        kind, permission = LISTS[plain]
        items = self.objects[kind]
        if not self.superuser and permission not in self.permissions:
            items = [item for item in items if item["name"] in self.visible]
            if not items and kind != "applications":
                return FORBIDDEN
        return self._paged([self._as_version(item) for item in sorted(items, key=lambda item: item["pk"])], query)

    def _as_version(self, item: dict[str, Any]) -> dict[str, Any]:
        if not self.old_parents or "parents" not in item:
            return item
        return {**{k: v for k, v in item.items() if k != "parents"}, "parent": next(iter(item["parents"]), None)}

    def _me(self) -> dict[str, Any]:
        return {
            "pk": 1, "username": "elder", "name": "Elder", "is_active": True, "is_superuser": self.superuser, "is_current": True,
            "groups": [], "roles": [{"pk": self._number("role", "reader", 0), "name": "reader"}], "email": "elder@example.com",
            "avatar": "", "uid": "x", "settings": {}, "type": "service_account", "system_permissions": [],
        }  # fmt: skip

    def _paged(self, items: list[dict[str, Any]], query: dict[str, str]) -> Reply:
        number, size = int(query.get("page", 1)), min(self.page, int(query.get("page_size", 20)))
        start, pages = (number - 1) * size, max(1, -(-len(items) // size))
        if number > pages:
            return 404, {}, {"detail": "Invalid page."}
        pagination = {
            "next": number + 1 if number < pages else 0, "previous": number - 1, "count": len(items), "current": number,
            "total_pages": pages, "start_index": start + 1, "end_index": min(start + size, len(items)),
        }  # fmt: skip
        return 200, {}, {"pagination": pagination, "results": items[start : start + size], "autocomplete": {}}

    # --- the judge

    def judge_request(self, path: str, query: dict[str, str]) -> list[str]:
        return vendor.authentik().request("GET", path, query)

    def judge_answer(self, path: str, status: int, body: Any) -> list[str]:
        return vendor.authentik().answer("GET", path, status, body)


def _permission(number: int, name: str) -> dict[str, Any]:
    label, _, codename = name.partition(".")
    verbose = {"app_label_verbose": label, "model_verbose": codename}
    return {"id": number, "name": name, "codename": codename, "model": codename.rpartition("_")[2], "app_label": label, **verbose}


@pytest.fixture
def authentik():
    """A running fake with nothing in it."""
    with running(Authentik()) as fake:
        yield fake


@pytest.fixture
def authentik_tls(authority):
    """The same behind a certificate that nobody's CA has signed."""
    with running(Authentik(), authority.server_context()) as fake:
        yield fake
