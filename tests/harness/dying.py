"""Vendors whose fakes refuse a credential from some request on, or for one list alone, in the vendor's own words."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from peers import authentik as authentiks
from peers import google_refusals
from peers import okta as oktas
from peers.arm_account import SECRET as ARM_SECRET
from peers.arm_account import SUBSCRIPTION, TENANT
from peers.google_customer import ADMIN, Customer
from peers.graph import SECRET as GRAPH_SECRET
from peers.okta_service_app import ORGANIZATION_PATH

from providers import registry
from providers.provider import Source
from providers.schema import parse
from providers.testing import operator_of
from providers.variables import NoSettings

SIGN_IN = ("token", "metadata")
"""Requests of a sign-in among the calls of Google's fake."""
PAGE = b"<html><body>ERR_ACCESS_DENIED: the proxy wants to know who you are</body></html>"
DEAD = {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed, the token is expired."}


class Death:
    """A rule for a fake: every request is refused from the one numbered `after` on, or those of the list `alone`."""

    def __init__(self, after: int = 0, alone: str = "") -> None:
        self._after, self._alone, self._lock = after, alone, threading.Lock()
        self.seen: list[str] = []
        """All requests, by path or method."""
        self.refused: list[str] = []

    def __call__(self, key: str) -> bool:
        with self._lock:
            self.seen.append(key)
            hit = key == self._alone if self._alone else 0 < self._after <= len(self.seen)
            if hit:
                self.refused.append(key)
            return hit


class Vendor:
    """One fake with more than a page of most lists."""

    provider = ""
    alone, of_alone = "", ""
    """A list, as `Death` sees it, and the type that needs it and nothing else."""
    told = ""
    """Words of the sentence about a credential that is dead, and about what to do."""

    def config(self) -> dict[str, Any]:
        raise NotImplementedError

    def operator(self) -> Any:
        return NoSettings()

    def sign_ins(self) -> int:
        """How often a token was asked for."""
        raise NotImplementedError

    def expire(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """An hour is over: tokens that were good for one are not any more."""
        self.pass_time(monkeypatch, 3600)

    def pass_time(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """So much later it is, for the source and its fake."""
        clock = time.time
        monkeypatch.setattr(time, "time", lambda: clock() + seconds)

    def refuse_sign_ins(self) -> None:
        """No token is given out from now on: the secret or the key was revoked."""
        raise NotImplementedError

    def hide_sign_ins(self, status: int) -> None:
        """A proxy answers in place of the sign-in from now on, with a page."""
        raise NotImplementedError

    def dying(self, death: Death) -> contextlib.AbstractContextManager[None]:
        raise NotImplementedError

    @contextlib.contextmanager
    def opened(self) -> Iterator[Source]:
        provider = registry.get(self.provider)
        with contextlib.closing(provider.open(parse(provider.config, self.config()), self.operator())) as source:
            yield source


class OktaVendor(Vendor):
    provider, alone, of_alone, told = "okta", "/api/v1/zones", "okta_network_zone", "E0000011.*set OKTA_API_TOKEN"

    def __init__(self, okta: oktas.Okta) -> None:
        self.fake = okta
        people = [okta.user(f"user{n}@example.com") for n in range(7)]
        okta.group("Everyone", *okta.users, kind="BUILT_IN")
        teams = [okta.group(f"Team {n}", *people[: n + 1]) for n in range(5)]
        for n in range(5):
            okta.app(f"App {n}", tuple(teams[:4]), dict.fromkeys(people, "USER"))
        for person in people[:4]:
            okta.role(person, "HELP_DESK_ADMIN", "USER")
        okta.one_of_each(4)

    def config(self) -> dict[str, Any]:
        return {"domain": self.fake.url, "api_token": oktas.TOKEN}

    @contextlib.contextmanager
    def dying(self, death: Death) -> Iterator[None]:
        self.fake.fault = lambda path, _query: oktas.INVALID_TOKEN if death(path) else None
        yield


class OktaAppVendor(OktaVendor):
    """The same organization, read by a service app."""

    told = r"does not accept the access token of the service app \(401\)"

    def config(self) -> dict[str, Any]:
        return self.fake.service_app.config

    def sign_ins(self) -> int:
        return len(self.fake.service_app.attempts)

    def refuse_sign_ins(self) -> None:
        self.fake.service_app.is_active = False

    def hide_sign_ins(self, status: int) -> None:
        self.fake.service_app.refusal = status, {}, PAGE

    @contextlib.contextmanager
    def dying(self, death: Death) -> Iterator[None]:
        revoked = 401, {"WWW-Authenticate": 'Bearer error="invalid_token", error_description="The access token is invalid."'}, b""
        self.fake.fault = lambda path, _query: revoked if path != ORGANIZATION_PATH and death(path) else None
        yield


class AuthentikVendor(Vendor):
    provider, alone, of_alone, told = "authentik", "/api/v3/rbac/roles/", "authentik_role", "set AUTHENTIK_API_TOKEN"

    def __init__(self, authentik: authentiks.Authentik) -> None:
        self.fake = authentik
        roles = [authentik.role(f"Role {n}") for n in range(4)]
        team = authentik.group("Team", roles=(roles[0],))
        for n in range(7):
            authentik.user(f"user{n}", groups=(team,), roles=tuple(roles))
            authentik.application(f"app-{n}")

    def config(self) -> dict[str, Any]:
        return {"domain": self.fake.url, "api_token": authentiks.TOKEN}

    @contextlib.contextmanager
    def dying(self, death: Death) -> Iterator[None]:
        self.fake.fault = lambda path, _query: authentiks.NOT_SIGNED_IN if death(path) else None
        yield


class EntraVendor(Vendor):
    provider, alone, of_alone, told = "entra", "/v1.0/devices", "entra_device", "InvalidAuthenticationToken.*check the app registration"

    def __init__(self, graph: Any) -> None:
        self.fake = graph
        people = [graph.add("/users", displayName=f"User {n}", userPrincipalName=f"u{n}@contoso.com") for n in range(7)]
        for n in range(7):
            graph.group(f"Group {n}", *people, owners=(people[0],))
            graph.add("/applications", displayName=f"App {n}", appId=f"app-{n}")
            graph.add("/devices", displayName=f"Device {n}", deviceId=f"d{n}")

    def config(self) -> dict[str, Any]:
        return {"tenant_id": TENANT, "client_id": "app-1", "client_secret": GRAPH_SECRET}

    def sign_ins(self) -> int:
        return self.fake.sign_ins

    def refuse_sign_ins(self) -> None:
        self.fake.sign_in_error = "AADSTS7000222"

    def hide_sign_ins(self, status: int) -> None:
        self.fake.sign_in_page = status, PAGE

    def operator(self) -> Any:
        return operator_of(registry.get(self.provider), self.fake.operator)

    @contextlib.contextmanager
    def dying(self, death: Death) -> Iterator[None]:
        self.fake.fault = lambda path: (401, {}, {"error": DEAD}) if death(path) else None
        yield


class AzureVendor(Vendor):
    provider, of_alone, told = "azure", "azure_lock", "InvalidAuthenticationToken.*check the app registration"
    alone = f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/locks"

    def __init__(self, azure: Any) -> None:
        self.fake = azure
        azure.subscription()
        azure.group(TENANT, "", SUBSCRIPTION)
        for n in range(7):
            azure.add("Microsoft.Compute/disks", f"disk{n}", {"diskSizeGB": 32}, managedBy=None)
            azure.add("Microsoft.Storage/storageAccounts", f"store{n}", kind="StorageV2", sku={"name": "Standard_LRS"})
            azure.assign(f"ra{n}", f"/subscriptions/{SUBSCRIPTION}/resourceGroups/Prod", SUBSCRIPTION)

    def config(self) -> dict[str, Any]:
        return {"tenant_id": TENANT, "client_id": "app-1", "client_secret": ARM_SECRET}

    def sign_ins(self) -> int:
        return len(self.fake.sign_ins)

    def refuse_sign_ins(self) -> None:
        self.fake.sign_in_error = "AADSTS7000222"

    def hide_sign_ins(self, status: int) -> None:
        self.fake.sign_in_page = status, PAGE

    def operator(self) -> Any:
        return operator_of(registry.get(self.provider), self.fake.operator)

    @contextlib.contextmanager
    def dying(self, death: Death) -> Iterator[None]:
        def fault(_method: str, path: str) -> tuple[int, dict, dict] | None:
            signs_in = path.endswith(("/token", "/openid-configuration"))
            return (401, {}, {"error": DEAD}) if not signs_in and death(path) else None

        self.fake.fault = fault
        yield


class GoogleVendor(Vendor):
    """`dying` refuses every token, also those that the token endpoint goes on giving out."""

    def __init__(self, google: Any) -> None:
        self.fake, self._revoked = google, False
        self._faults = contextlib.ExitStack()

    def sign_ins(self) -> int:
        return len(self.fake.asked("token"))

    def expire(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Google's fake forgets its tokens: google-auth has a clock of its own."""
        self.fake.tokens.forget()

    def refuse_sign_ins(self) -> None:
        self._revoked = True

    def hide_sign_ins(self, status: int) -> None:
        self._faults.enter_context(self.fake.failing(google_refusals.Refusal(status, page=PAGE), "token"))

    def operator(self) -> Any:
        return operator_of(registry.get(self.provider), self.fake.operator)

    @contextlib.contextmanager
    def dying(self, death: Death) -> Iterator[None]:
        with (
            self.fake.failing(google_refusals.EXPIRED, lambda call: call.id not in SIGN_IN and death(call.id)),
            self.fake.failing(google_refusals.INVALID_GRANT, lambda call: call.id == "token" and self._revoked),
            self._faults,
        ):
            yield


class GcpVendor(GoogleVendor):
    provider, alone, of_alone, told = "gcp", "compute.snapshots.list", "gce_snapshot", "give new ones"

    def __init__(self, company: Any) -> None:
        super().__init__(company.google)
        self._company = company

    def config(self) -> dict[str, Any]:
        return self._company.config()


class WorkspaceVendor(GoogleVendor):
    provider, alone, of_alone, told = "google_workspace", "directory.domains.list", "google_domain", "give new ones"

    def __init__(self, google: Any) -> None:
        super().__init__(google)
        Customer(google)

    def config(self) -> dict[str, Any]:
        return {"admin_email": ADMIN, "credentials": self.fake.key()}


VENDORS: dict[str, tuple[str, Callable[[Any], Vendor]]] = {
    "okta": ("okta", OktaVendor),
    "okta_app": ("okta", OktaAppVendor),
    "authentik": ("authentik", AuthentikVendor),
    "entra": ("graph", EntraVendor),
    "azure": ("azure", AzureVendor),
    "gcp": ("company", GcpVendor),
    "google_workspace": ("google", WorkspaceVendor),
}
"""Provider -> the fixture of its fake, and the vendor made of it."""
