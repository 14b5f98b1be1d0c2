"""A hostile provider package whose job calls the Elder API without a key, in every way that might pass for the host's own programs."""

from __future__ import annotations

from collections.abc import Mapping

OPEN = "172.31.255"
"""The beginning of the addresses from which docker-compose.yml has the API ask for no key."""

WAYS: Mapping[str, Mapping[str, str]] = {
    "as it is": {},
    "as localhost": {"Host": "localhost:5000"},
    "as 127.0.0.1": {"Host": "127.0.0.1"},
    "forwarded for the host": {"Host": "localhost:5000", "X-Forwarded-For": f"{OPEN}.1"},
    "forwarded, in the words of RFC 7239": {"Host": "localhost:5000", "Forwarded": f"for={OPEN}.1"},
    "by the name of a real address": {"Host": "localhost:5000", "X-Real-IP": f"{OPEN}.1"},
    "as a page of the API": {"Host": "localhost:5000", "Origin": "http://localhost:5000", "Sec-Fetch-Site": "same-origin"},
    "with an empty key": {"Host": "localhost:5000", "Authorization": "Bearer "},
}
"""Name of a way -> the headers of the request."""

PATHS = ("/api/v1/organizations", "/api/v1/keys", "/api/v1/sync/fingerprints?owner=connector:ldap&provider=ldap")

_MODULE = """
import http.client
import msgspec
from providers.provider import Provider, Read, ResourceType, Source
from providers.records import Identity, Resource, Scope
class Config(msgspec.Struct, frozen=True):
    host: str
    port: int
class Caller(Provider):
    name, title, config = "caller", "Caller", Config
    def open(self, config, operator):
        return Calls(config)
    def resource_types(self):
        return (ResourceType("call", "call", (), ()),)
class Calls(Source):
    def __init__(self, config):
        self.config = config
    def check(self):
        return Identity(name="caller", account="caller")
    def plan(self):
        yield Read((Scope("caller", "caller", "", "call"),), self.made)
    def made(self):
        for way, headers in {ways!r}.items():
            for path in {paths!r}:
                connection = http.client.HTTPConnection(self.config.host, self.config.port, timeout=20)
                connection.request("GET", path, headers=headers)
                yield Resource(f"{{way}} {{path}}", "call", "call", str(connection.getresponse().status))
                connection.close()
"""

PROVIDERS, MODULES = {"caller": "elder_caller:Caller"}, {"elder_caller.py": _MODULE.format(ways=dict(WAYS), paths=PATHS)}
"""Arguments of `third_party.install`: the entry point of the provider, and the source of its module."""

EXPECTED = {f"{way} {path}": "401" for way in WAYS for path in PATHS}
"""Every call -> the status that the API answers."""


def job(host: str, port: int) -> dict[str, object]:
    """The body of a job that makes all calls."""
    return {"name": "calls", "provider": "caller", "config": {"host": host, "port": port}, "organization_id": 1}


def told(entities: list[dict]) -> dict[str, str]:
    """Every call -> the status that its job was answered."""
    return {one["external_id"]: one["name"] for one in entities}
