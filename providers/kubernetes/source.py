"""Reads a cluster: asks what the server has, and lists each type to its last page."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from providers.catalogue.kinds import LinkRule
from providers.catalogue.masking import Masking
from providers.concurrency import Once
from providers.errors import BadAnswer, ConfigError, DataError, Outcome, ProviderError, ScopeError
from providers.http.credential import Credential
from providers.kubernetes import catalogue, clouds, derived
from providers.kubernetes.api_type import ApiType
from providers.kubernetes.catalogue import KubernetesKind
from providers.kubernetes.client import Client
from providers.kubernetes.config import LEFT_OUT, KubernetesConfig, KubernetesOperator
from providers.kubernetes.definitions import KnownTypes
from providers.kubernetes.discovery import Discovery, discover
from providers.kubernetes.identity import Namespaces, cluster_identity
from providers.kubernetes.kubeconfig import access
from providers.kubernetes.listing import Item, Listed, Lists
from providers.kubernetes.names import Names
from providers.kubernetes.shape import KubernetesShape, metadata_only
from providers.provider import Item as Emitted
from providers.provider import Read, Source
from providers.records import UNREADABLE as UNREADABLE_ATTRIBUTE
from providers.records import Gone, Identity, Incomplete, Link, Rejected, Resource, Scope

UNREADABLE = (DataError, msgspec.DecodeError, ValueError, TypeError, AttributeError, KeyError, RecursionError)
"""Errors that an object of an unexpected form raises while it becomes a resource: that object alone is rejected."""

_NOT_SERVED_NOW = "the cluster does not serve this type at present, and has not deleted it: what was read of it before is kept as it is"


class Cluster(Source):
    """Reads one Kubernetes cluster."""

    concurrency = 8
    lane_width = 8

    def __init__(self, config: KubernetesConfig, operator: KubernetesOperator) -> None:
        self._config = config
        self._access = access(config, operator)
        self._client = Client(self._access)
        self._lists = Lists(self._client, config.page_size)
        self._masking = Masking(config.mask_names)
        self._known_namespaces: Once[Namespaces] = Once()
        self._known_uid: Once[str] = Once()

    def check(self) -> Identity:
        """The cluster's name, its identity and its version."""
        version = self._version()
        name = self._config.cluster_name or self._uid
        details = {"version": str(version.get("gitVersion", "")), "platform": str(version.get("platform", ""))}
        return Identity(name, self._uid, details | self._access.expiry(), self._access.place)

    def unknown(self) -> Iterator[str]:
        """The namespaces that the cluster does not have."""
        return (f"`namespaces`: the cluster has no namespace `{name}`" for name in self._namespaces.unknown)

    @property
    def _namespaces(self) -> Namespaces:
        return self._known_namespaces.get(lambda: Namespaces(self._client, self._config.namespaces))

    @property
    def _uid(self) -> str:
        return self._known_uid.get(lambda: cluster_identity(self._client, self._access, self._namespaces, self._earlier_accounts()))

    def planned_types(self) -> tuple[list[ApiType], Discovery]:
        """The types that are read, and what the server says it has. Raises `ConfigError` for a misspelt type."""
        found = discover(self._client)
        left_out = (*(name for name in LEFT_OUT if name not in self._config.include_types), *self._config.exclude_types)
        complaints = [complaint for key in ("exclude_types", "include_types") for complaint in self._misspelt(key, found)]
        if complaints:
            raise ConfigError(complaints=tuple(complaints))
        return [kind for kind in found.types if not kind.is_named(left_out) and (kind.namespaced or not self._config.namespaces)], found

    def _misspelt(self, key: str, found: Discovery) -> Iterator[str]:
        """Complaints about the types that a config key names. A `plural.group` that nothing is like may be a type that is not installed."""
        for name in getattr(self._config, key):
            suggestion = found.suggestion(name)
            if suggestion:
                yield f"`{key}`: the cluster has no type '{name}', did you mean '{suggestion}'?"
            elif suggestion == "" and "." not in name:
                yield f"`{key}`: the cluster has no type '{name}': write the plural, as `kubectl api-resources` does"

    def plan(self) -> Iterator[Read]:
        """A read for the cluster itself, and one for each type; a group that does not answer is a scope that failed."""
        yield Read((self._scope(catalogue.CLUSTER),), self._itself)
        types, found = self.planned_types()
        known = types if not self._config.namespaces else found.types
        names = Names(self._lists, self._uid, known, self._namespaces.uids, {*found.failures, *found.empty})
        for sub_type, alike in _by_sub_type(types).items():
            also = _also(alike)
            for namespace in self._namespaces.uids or ("",):
                scopes = tuple(self._scope(one, namespace) for one in (sub_type, *also))
                yield Read(scopes, functools.partial(self._read, alike, namespace, names))
        yield from self._subject_reads(types)
        for group, error in found.failures.items():
            yield Read((Scope("kubernetes", self._uid, "", "*", f"group={group}"),), functools.partial(_fail, error))
        for namespace in self._namespaces.unknown:
            yield Read((self._scope("*", namespace),), functools.partial(_fail, _unknown(namespace)))
        if not found.failures:
            yield from self._gone_reads(found)

    def _subject_reads(self, types: Iterable[ApiType]) -> Iterator[Read]:
        """The users and groups that bindings name, of each namespace or of the whole cluster."""
        bindings = [one for one in types if one.plural in derived.BINDINGS and one.group == catalogue.RBAC]
        for namespace in (self._namespaces.uids or ("",)) if bindings else ():
            scopes = tuple(self._scope(one, namespace) for one in (derived.USER, derived.GROUP))
            yield Read(scopes, functools.partial(self._subjects, bindings, namespace))

    def _subjects(self, bindings: Iterable[ApiType], namespace: str) -> Iterator[Emitted]:
        found: list[Item] = []
        for listed in (each for one in bindings for each in self._lists.objects(one, namespace)):
            try:
                found.append(listed.item())
            except UNREADABLE as error:
                for sub_type in (derived.USER, derived.GROUP):
                    yield Rejected(sub_type, listed.key, f"its binding is not an object as the API has them ({type(error).__name__})")
        yield from derived.subjects(self._uid, found)

    def _gone_reads(self, found: Discovery) -> Iterator[Read]:
        """The scopes of earlier runs whose type the server, which has told all that it has, does not have any more.

        A custom type is gone when its definition is: a server that has just started announces types before it knows all definitions.
        Who may not list definitions is told by a server that is ready.
        """
        served = {catalogue.CLUSTER, "*", *derived.TYPES, *(_kind(kind).sub_type for kind in found.types)}
        known = KnownTypes(self._client, self._lists, found)
        for scope in self.attempts.scopes:
            if scope.account == self._uid and scope.resource_type not in served:
                yield Read((scope,), functools.partial(self._not_announced, scope.resource_type, found, known))

    def _not_announced(self, sub_type: str, found: Discovery, known: KnownTypes) -> Iterable[Emitted]:
        """Tells whether a type that the server does not announce is gone."""
        of_empty = any(catalogue.is_of_group(sub_type, group) for group in found.empty)
        if of_empty or known.has(sub_type):
            return (Incomplete(sub_type, Outcome.UNSUPPORTED, _NOT_SERVED_NOW),)
        return (Gone(sub_type, "the cluster does not serve this type any more: what it had of it is marked as deleted"),)

    def _earlier_accounts(self) -> list[str]:
        """The identities of earlier runs, the latest first."""
        return list(dict.fromkeys(scope.account for scope in reversed(self.attempts.scopes)))

    @property
    def credential(self) -> Credential:
        """The verdict over the token or certificate with which everything is read."""
        return self._client.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._client.close()

    def _scope(self, resource_type: str, namespace: str = "") -> Scope:
        return Scope("kubernetes", self._uid, "", resource_type, f"namespaces={namespace}" if namespace else "")

    def _itself(self) -> Iterator[Resource]:
        version = self._version()
        attributes: dict[str, Any] = {key: version[key] for key in ("gitVersion", "major", "minor", "platform") if key in version}
        issuer = self._issuer()
        attributes |= {"issuer": issuer} if issuer else {UNREADABLE_ATTRIBUTE: ["issuer"]}
        ids = (("runs_on", clouds.managed_cluster(issuer)), ("trusted_by", clouds.identity_provider(issuer, self._config.aws_account)))
        links = tuple(Link(kind, target) for kind, target in ids if target)
        yield Resource(self._uid, "cluster", catalogue.CLUSTER, self._config.cluster_name or self._uid, attributes, links=links)

    def _version(self) -> dict[str, Any]:
        """The version of the cluster. Raises `BadAnswer` for an answer that names none."""
        found = self._client.object("/version", what="read /version")
        if not found.get("gitVersion"):
            raise BadAnswer("the answer to 'read /version' is not that of a Kubernetes API server: check `server`")
        return found

    def _issuer(self) -> str:
        """Issuer of service account tokens, by which clouds know the cluster; empty when we may not ask."""
        try:
            return str(self._client.object("/.well-known/openid-configuration", what="read the token issuer").get("issuer") or "")
        except ScopeError:
            return ""

    def _read(self, types: Iterable[ApiType], namespace: str, names: Names) -> Iterator[Emitted]:
        shape = KubernetesShape(self._uid, names, self._config.ignore_fields, self._masking, self._config.aws_account)
        for one in types:
            kind, further = self._linked(_kind(one)), self._derived(one, names)
            for listed in self._listed(one, namespace):
                found = _resource(shape, kind, listed, further, values=one.plural not in catalogue.METADATA_ONLY)
                yield found
                if further.sub_type and isinstance(found, Rejected):
                    yield msgspec.structs.replace(found, resource_type=further.sub_type)
            yield from further.resources()

    def _derived(self, one: ApiType, names: Names) -> derived.Derived:
        """Chooses the collector of what is derived from a type's objects."""
        match derived.of(one.name):
            case derived.IMAGE:
                return derived.Images(self._uid)
            case derived.RELEASE:
                return derived.Releases(self._uid, names)
            case _:
                return derived.Derived()

    def _linked(self, kind: KubernetesKind) -> KubernetesKind:
        """The kind with the link rules that the config has for it."""
        name = f"{kind.kind}.{kind.group}" if kind.group else kind.kind
        own = tuple(LinkRule(rule.type, rule.path, rule.to) for rule in self._config.link_rules if rule.kind == name)
        return msgspec.structs.replace(kind, links=(*kind.links, *own)) if own else kind

    def _listed(self, kind: ApiType, namespace: str) -> Iterator[Listed]:
        if kind.plural not in catalogue.METADATA_ONLY:
            return self._lists.objects(kind, namespace)
        return self._lists.metadata(kind, namespace) if kind.group else self._lists.rows(kind, namespace)


def _resource(
    shape: KubernetesShape, kind: KubernetesKind, listed: Listed, further: derived.Derived, *, values: bool
) -> Resource | Rejected:
    try:
        item: Item = listed.item() if values else metadata_only(listed)
        return shape.object(kind, item, further.links(item))
    except UNREADABLE as error:
        reason = str(error) if isinstance(error, DataError) else f"it is not an object as the API has them ({type(error).__name__})"
        _, namespace, name = listed.identity
        return Rejected(
            kind.sub_type, f"{namespace}/{name}" if namespace else name or bytes(listed.raw)[:100].decode(errors="replace"), reason
        )


def _kind(one: ApiType) -> KubernetesKind:
    return catalogue.kind_of(one.kind, one.plural, one.group, stored=one.stored)


def _by_sub_type(types: Iterable[ApiType]) -> dict[str, list[ApiType]]:
    """The types by name. Several have the same name when their groups differ in nothing but dots and dashes; they are one scope."""
    found: dict[str, list[ApiType]] = {}
    for one in types:
        found.setdefault(_kind(one).sub_type, []).append(one)
    return found


def _also(alike: Iterable[ApiType]) -> tuple[str, ...]:
    """The types that are derived of these."""
    return tuple(filter(None, (derived.of(one.name) for one in alike)))


def _unknown(namespace: str) -> ScopeError:
    return ScopeError(f"the cluster has no namespace '{namespace}': check `namespaces`; what was read of it before is kept as it is")


def _fail(error: ProviderError) -> Iterable[Emitted]:
    raise error
