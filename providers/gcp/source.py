"""The source of a run: the sign-in, the projects, and for each project the lists of the catalogue and its IAM policy."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from providers.catalogue.masking import Masking
from providers.concurrency import Turns
from providers.errors import BadAnswer, Denied, ProviderError, ScopeError
from providers.gcp import catalogue, principals
from providers.gcp.assets import Assets
from providers.gcp.catalogue import BINDING, FOLDER, GROUP, ORGANIZATION, PROJECT, SERVICE_KIND, USER
from providers.gcp.config import GcpConfig, GcpOperator
from providers.gcp.declaration import ASSETS, GcpKind
from providers.gcp.feed import Feed, listed
from providers.gcp.hierarchy import Hierarchy
from providers.gcp.listing import RESOURCE_MANAGER, Apis
from providers.gcp.projects import GET, ONE_PROJECT, Projects
from providers.gcp.reading import GCP, Listed, Reading, organizations
from providers.gcp.shape import GcpShape
from providers.google import key as google_key
from providers.google import signin as google_signin
from providers.google.causes import Disabled
from providers.google.signin import Signin
from providers.http.credential import Credential
from providers.provider import Item, Read, Source
from providers.records import Gone, Identity, Incomplete, Resource, Scope

DELETED = frozenset({"DELETE_REQUESTED", "DELETE_IN_PROGRESS"})
"""States of a project that is being deleted; of any other, and of none, we cannot say that."""

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""IAM's lists take no smaller one; what we may do is limited by the role."""


TESTED = 50
"""Projects of a config that a connectivity test looks at, one request each."""


class GcpSource(Source):
    """One sign-in and the projects that it sees."""

    concurrency = 16
    lane_width = 8  # lists of one project: its quota is shared with everybody else's tools

    def __init__(self, config: GcpConfig, operator: GcpOperator) -> None:
        """Sends nothing yet. Raises `ConfigError`."""
        self._config = config
        self._signin = sign_in(config, operator)
        self._apis = Apis(self._signin, operator, 2 * self.concurrency)
        self._signin.credential.confirm_by(lambda: self._apis.http(RESOURCE_MANAGER).confirm(ONE_PROJECT, "search projects"))
        self._hierarchy = Hierarchy(self._apis.http(RESOURCE_MANAGER), config)
        self._projects = Projects(self._apis.http(RESOURCE_MANAGER), config, self._signin.name, self._hierarchy)
        self._shape = GcpShape(self._projects.numbers, config.ignore_fields, Masking(config.mask_names))
        self._pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="under")
        self._turns = Turns(config.parallel_projects)
        self._assets = Assets(self._apis.http(ASSETS), config.page_size) if config.reads_assets else None

    def check(self) -> Identity:
        """Signs in, and looks whether there is a project to read."""
        first = next(self._projects.visible(), "")
        if not first and (failure := self._hierarchy.found.gravest):
            raise failure[1]
        if not first:
            raise Denied(
                f"signed in to Google as {self._signin.name}, but no project is visible: give it a role in one ({GET})", permission=GET
            )
        return Identity(self._signin.name, self._signin.project or first, {"project": first})

    def unknown(self) -> Iterator[str]:
        """The first of the projects that are not there, or not visible: Google does not tell the two apart."""
        for project in self._config.project_ids[:TESTED]:
            try:
                self._projects.get(project)
            except Denied as error:
                yield f"`project_ids`: {error}"
            except ScopeError:
                continue

    def plan(self) -> Iterator[Read]:
        """The reads of every project, those not read for the longest time first.

        A project that is asked for and not visible is a denied scope, not an absent one.
        """
        for root in self._hierarchy.roots[:1]:
            yield _read(root, (ORGANIZATION.sub_type, FOLDER.sub_type), self._above)
        for place in self._hierarchy.found.names if self._hierarchy.roots else ():
            yield from (self._family(kind, place) for kind in catalogue.ABOVE if kind.methods_of(place))
        projects = self.attempts.accounts(self._projects.ids())
        for project in projects:
            yield from self._turns.of(functools.partial(self._reads, project))
        yield from self._out_of_sight({*projects, *self._hierarchy.found.names})

    def _out_of_sight(self, planned: set[str]) -> Iterator[Read]:
        """Plans, as refused, scopes that were read before and may be under a folder that cannot be listed now."""
        failure = self._hierarchy.found.gravest
        lost = tuple(scope for scope in self.attempts.scopes if scope.account not in planned)
        if failure and lost:
            yield Read(lost, functools.partial(_raise, failure[1]))

    def classify(self, error: Exception) -> ProviderError | None:
        """The errors that Google's libraries raise of themselves, as ours; what the HTTP client raises is ours already."""
        from google.protobuf.json_format import ParseError  # noqa: PLC0415 - loaded with the first list of the library

        if isinstance(error, ParseError):
            return BadAnswer("Google answered with something that is not of its own schema: update google-cloud-compute", detail=str(error))
        return None

    def warm(self) -> None:
        """Loads the client libraries with what the lists of the catalogue use of them."""
        self._apis.load()

    @property
    def credential(self) -> Credential:
        """The verdict over the key with which everything is read."""
        return self._signin.credential

    def close(self) -> None:
        """Closes all open connections."""
        self._pool.shutdown(cancel_futures=True)
        self._apis.close()

    # One project

    def _reads(self, project: str) -> Iterator[Read]:
        try:
            found = self._projects.get(project)
        except Disabled as error:
            yield _read(project, (PROJECT.sub_type,), functools.partial(_raise, error))
        except ScopeError as error:
            yield _read(project, ("*",), functools.partial(_raise, error))
            return
        else:
            if found.get("state") in DELETED:
                yield from _gone(project, str(found["state"]))
                return
            yield _read(project, (PROJECT.sub_type,), functools.partial(self._itself, project, found))
        yield self._family(BINDING, project)
        yield from self._lists(project)

    def _lists(self, project: str) -> Iterator[Read]:
        """The lists of the enabled APIs; one read reports those of all others."""
        services = self._services(project)
        yield _read(project, (SERVICE_KIND.sub_type,), functools.partial(_again, services))
        enabled = _enabled(services)
        left_out = [kind for kind in KINDS_OF_PROJECTS if enabled and not catalogue.services(kind.sub_type) <= enabled]
        yield from self._reads_of([kind for kind in KINDS_OF_PROJECTS if kind not in left_out], project)
        if left_out:
            names = ", ".join(sorted({host for kind in left_out for host in catalogue.services(kind.sub_type) - enabled}))
            off = Disabled(f"not enabled in project {project}, and so not asked: {names}; enable an API if what is in it is to be read")
            scopes = tuple(scope for kind in left_out for scope in _scopes(kind, project))
            yield Read(scopes, functools.partial(_raise, off), lane=project)

    def _reads_of(self, kinds: Sequence[GcpKind], project: str) -> Iterator[Read]:
        """The reads of types. Those that one list of assets gives whole share one read; each of the others has its own."""
        shared = [kind for kind in kinds if self._assets and catalogue.fed(kind.sub_type) and not catalogue.has_lists_below(kind.sub_type)]
        if self._assets and shared:
            scopes = tuple(scope for kind in shared for scope in _scopes(kind, project))
            yield Read(scopes, self._feed(self._assets, shared, project), lane=ASSETS, lags=True)
        for kind in kinds:
            if kind not in shared:
                yield self._family(kind, project)

    def _feed(self, assets: Assets, kinds: Sequence[GcpKind], project: str) -> Feed:
        fed = [one for kind in kinds for one in catalogue.fed(kind.sub_type)]
        return Feed(assets, project, [self._reading(one, project, listed(assets, project, one)) for one in fed])

    def _family(self, kind: GcpKind, account: str) -> Read:
        """The read of a type with all that is under it, and of the users and groups that its policies name."""
        from_assets = self._assets if catalogue.fed(kind.sub_type) and "/" not in account else None
        reading = self._feed(from_assets, [kind], account) if from_assets else self._reading(kind, account)
        policies = catalogue.naming(kind.sub_type)
        fetch = functools.partial(_named, reading, policies) if policies else reading
        return Read(_scopes(kind, account), fetch, lane=account, lags=bool(from_assets))

    def _reading(self, kind: GcpKind, project: str, listed_by: Listed | None = None) -> Reading:
        return Reading(self._apis, self._shape, self._pool, kind, project, self._config.page_size, listed_by)

    def _services(self, project: str) -> list[Item] | ScopeError:
        """All that the list of enabled services gives, or why it could not be read."""
        try:
            return list(self._reading(SERVICE_KIND, project)())
        except ScopeError as error:
            return error

    def _above(self) -> Iterator[Item]:
        """The organization and the folders; what could not be read of them is told for the folders."""
        found = self._hierarchy.found
        yield GCP
        for kind, item in found.items:
            yield self._shape.resource(kind, item, {}, organization=GCP.external_id)
        if found.gravest:
            name, error = found.gravest
            more = f" ({len(found.failures)} failures, one for {name}): what is under them was not found"
            for kind in (FOLDER, ORGANIZATION):
                yield Incomplete(kind.sub_type, error.outcome, f"{error}{more}", str(getattr(error, "permission", "")))

    def _itself(self, project: str, found: Mapping[str, Any]) -> Iterator[Item]:
        yield from organizations(project)
        yield self._shape.resource(PROJECT, {**found, "projectId": project}, {}, organization=organizations(project)[-1].external_id)


KINDS_OF_PROJECTS = tuple(kind for kind in catalogue.ALL if not kind.under and kind is not SERVICE_KIND)
"""The types whose lists are asked for by project; the others are read with them."""


def _named(reading: Reading | Feed, policies: tuple[str, ...]) -> Iterator[Item]:
    return principals.named(reading(), policies, GCP.external_id)


def _scopes(kind: GcpKind, account: str) -> tuple[Scope, ...]:
    """The scopes of a type with all that is under it; users and groups have one for each type whose policies name some."""
    declared = tuple(Scope("gcp", account, "", one.sub_type) for one in catalogue.shown(kind.sub_type))
    if not catalogue.naming(kind.sub_type):
        return declared
    return (*declared, *(Scope("gcp", account, "", one.name, f"named by policies of {kind.sub_type}") for one in (USER, GROUP)))


def _gone(project: str, state: str) -> Iterator[Read]:
    """The reads of a project that is being deleted: every scope of it is gone."""
    reason = f"project {project} is being deleted ({state}): what it had is marked as deleted, and comes back if the project is restored"
    families = ((Scope("gcp", project, "", kind.sub_type),) for kind in (PROJECT, SERVICE_KIND))
    for scopes in (*families, *(_scopes(kind, project) for kind in (BINDING, *KINDS_OF_PROJECTS))):
        yield Read(scopes, functools.partial(_all_gone, scopes, reason), lane=project)


def _all_gone(scopes: tuple[Scope, ...], reason: str) -> Iterable[Item]:
    return [Gone(scope.resource_type, reason) for scope in scopes]


def _enabled(services: list[Item] | ScopeError) -> frozenset[str]:
    """The hosts that can be asked for lists; empty when that is not known for sure."""
    if isinstance(services, ScopeError) or any(isinstance(item, Incomplete) for item in services):
        return frozenset()
    names = frozenset(item.name for item in services if isinstance(item, Resource))
    return names | catalogue.ALWAYS_THERE if names else names


def _again(found: list[Item] | ScopeError) -> Iterable[Item]:
    """The items that were read before, or the error that was met."""
    if isinstance(found, ScopeError):
        raise found
    return found


def sign_in(config: GcpConfig, operator: GcpOperator) -> Signin:
    """The sign-in with the job's own key, else the operator's file, else Application Default Credentials. Raises `ConfigError`."""
    if config.credentials_json is not None:
        return google_signin.sign_in(operator, SCOPES, key=config.credentials_json, at="credentials_json")
    if config.credentials_path:
        key = google_key.read_job(config.credentials_path, "credentials_path")
        return google_signin.sign_in(operator, SCOPES, key=key, at="credentials_path")
    if path := operator.credentials_file:
        key = google_key.read_operator(path, "GCP_CREDENTIALS_FILE")
        return google_signin.sign_in(operator, SCOPES, key=key, at="GCP_CREDENTIALS_FILE")
    return google_signin.sign_in(operator, SCOPES)


def _read(project: str, types: tuple[str, ...], fetch: Any) -> Read:
    return Read(tuple(Scope("gcp", project, "", one) for one in types), fetch, lane=project)


def _raise(error: ProviderError) -> NoReturn:
    raise error
