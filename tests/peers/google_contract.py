"""Google's APIs, generated from Google's own discovery documents: a contract server, as no emulator of them exists.

::

    def test_something(google):                      # TLS; google.operator is what a provider needs to find it
        google.items["directory.users.list"] = [{"id": "1", ...}, ...]        # paged, google.page (3) at a time
        google.items["directory.members.list"] = lambda call: members[call.path["groupKey"]]      # None: 404
        google.items["compute.instances.aggregatedList"] = {"zones/a": [{"name": "vm"}], "zones/b": []}
        google.items["compute.disks.aggregatedList"] = {"zones/b": {"warning": {...}}}       # a place's whole part of the answer
        google.items["cloudresourcemanager.projects.getIamPolicy"] = {"bindings": []}    # no list: the whole answer
        google.extra["compute.instances.aggregatedList"] = {"unreachables": ["zones/c"]}  # goes into the last page
        google.each_page["cloudasset.assets.list"] = lambda call: {"readTime": ...}       # goes into every page
        with google.failing(refusals.denied("compute.disks.list"), "compute.disks.aggregatedList"):     # peers.google_refusals
            ...
        with google.failing(refusals.THROTTLED, lambda call: call.path.get("project") == "p2", times=2):
            ...
        assert google.calls[0].query == {"maxResults": "500"}

`google.key()` is a service account's JSON whose key this server knows. Methods of which nothing is said list nothing. What is asked and
what is not in the document (path, parameter, type, required parameter, selected field) is refused as Google does, and makes the test
fail at its end, as does an answer of the test's own that is not of the response's schema: `google.violations`.

A bearer token comes from ``/token`` for a signed JWT (or is such a JWT itself), for a person's refresh token or a federated one, or from
``/computeMetadata/`` (plain http: `GCE_METADATA_HOST`); see `peers.google_tokens`. It must have one of the method's scopes.
`google.people` are the subjects that domain-wide delegation allows, `google.delegated` the scopes that it allows (None: all).

Page tokens are as strict as Google's: opaque, good for their own list with its own parameters only, and refused once
`google.expire_page_tokens()` was called. `google.too_large["..."] = 50` refuses larger pages of a method. With `google.permissions` set,
a method is refused whose IAM permission is not in it (`peers.google_permissions`). An API is told by the host that the request was meant
for (``X-Forwarded-Host``), as several have the same paths.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
import urllib.parse
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
from peers import google_documents as documents
from peers import google_permissions, serving
from peers.google_refusals import NOT_FOUND, STALE_PAGE, TOO_LARGE, Refusal, denied
from peers.google_tokens import Tokens

APIS = (
    *("admin.directory_v1", "compute.v1", "cloudresourcemanager.v3", "cloudresourcemanager.v1", "iam.v1", "storage.v1", "serviceusage.v1"),
    *(
        "cloudasset.v1",
        "sqladmin.v1",
        "spanner.v1",
        "bigtableadmin.v2",
        "redis.v1",
        "memcache.v1",
        "alloydb.v1",
        "firestore.v1",
        "bigquery.v2",
    ),
    *("file.v1", "container.v1", "run.v1", "run.v2", "cloudfunctions.v2", "appengine.v1", "artifactregistry.v1", "pubsub.v1", "dns.v1"),
    *("cloudscheduler.v1", "cloudtasks.v2", "secretmanager.v1", "cloudkms.v1", "logging.v2", "monitoring.v3", "apikeys.v2"),
    *("dataflow.v1b3", "dataproc.v1", "composer.v1", "securitycenter.v1", "orgpolicy.v2", "iam.v2", "aiplatform.v1", "cloudbilling.v1"),
)


TEST = "cloudresourcemanager.projects.testIamPermissions"
"""Tells the caller which of some permissions he has; it refuses nobody."""

SILENT = frozenset({"cloudresourcemanager.projects.search"})
"""Methods that refuse nobody, and show only what the caller may see."""


class Call(NamedTuple):
    """A request: the method's id, the variables of its path, its query (repeated ones as lists), its body."""

    id: str
    path: dict[str, str]
    query: dict
    body: dict | None
    headers: dict[str, str]


When = str | Callable[[Call], bool]


class _Fault(NamedTuple):
    refusal: Refusal
    when: Callable[[Call], bool]
    left: list[int]


class Google:
    """The state behind the server, and what was asked of it."""

    def __init__(self, apis: tuple[str, ...] = APIS) -> None:
        self.apis = apis
        self.items: dict[str, object] = {}
        self.extra: dict[str, dict] = {}
        self.each_page: dict[str, Callable[[Call], dict]] = {}
        self.page = 3
        self.too_large: dict[str, int] = {}
        self.permissions: set[str] | None = None
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self.tokens = Tokens()
        self.key, self.people = self.tokens.key, self.tokens.people
        self.url = ""
        self.operator: dict[str, str] = {}
        self._faults: list[_Fault] = []
        self._page_tokens: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()

    def asked(self, method: str) -> list[Call]:
        """The calls of one method."""
        return [call for call in self.calls if call.id == method]

    @contextlib.contextmanager
    def failing(self, refusal: Refusal, when: When, times: int = 1 << 30) -> Iterator[None]:
        """Refuses the calls of a method id, or those that `when` names, so many times."""
        fault = _Fault(refusal, (lambda call: call.id == when) if isinstance(when, str) else when, [times])
        self._faults.append(fault)
        try:
            yield
        finally:
            self._faults.remove(fault)

    def expire_page_tokens(self) -> None:
        """Every page token given out so far is refused from now on."""
        self._page_tokens.clear()

    def answer(self, verb: str, target: str, body: bytes, headers: dict[str, str]) -> tuple[Refusal | dict, bool]:
        """The answer, and whether the connection is to be cut in its middle."""
        url = urllib.parse.urlsplit(target)
        query = urllib.parse.parse_qs(url.query, keep_blank_values=True)
        if url.path in ("/token", "/v1/token"):  # the second is the Security Token Service
            return self._token(body, headers)
        if url.path.startswith("/computeMetadata/"):
            self.calls.append(Call("metadata", {}, {}, None, headers))
            found = self.tokens.metadata(url.path, query)
            return Refusal(*found) if isinstance(found, tuple) else found, False
        method, path = self._method(verb, _decoded(url.path), headers.get("x-forwarded-host", ""))
        if method is None:
            return self._violation(404, f"{verb} {url.path} is not a method of {', '.join(self.apis)}"), False
        plain = {name: values if method.query.get(name, {}).get("repeated") else values[0] for name, values in query.items()}
        call = Call(method.id, path, plain, json.loads(body) if body else None, headers)
        self.calls.append(call)
        wrong = next(self._wrong(method, query, call), "")
        if wrong:
            return self._violation(400, f"{method.id}: {wrong}"), False
        if refused := self.tokens.refuses(headers.get("authorization", ""), method.scopes):
            return Refusal(*refused), False
        if lacking := self._lacking(method):
            return denied(lacking), False
        fault = self._fault(call)
        if fault is None or fault.status == 0:
            return self._found(method, call), fault is not None
        return (self._page(method, call, []) if fault.status == 200 and not fault.page else fault), False

    def _lacking(self, method: documents.Method) -> str:
        """The IAM permission for want of which a method is refused."""
        if self.permissions is None or method.api.startswith("admin.") or method.id in (*SILENT, TEST):
            return ""
        wanted = google_permissions.of_method(method.id)
        if not wanted:
            self.violations.append(f"{method.id} has no permission in {google_permissions.FILE.name}: look it up and add it there")
        return "" if wanted in self.permissions else wanted

    def _token(self, body: bytes, headers: dict[str, str]) -> tuple[Refusal | dict, bool]:
        form = dict(urllib.parse.parse_qsl(body.decode()))
        call = Call("token", {}, form, None, headers)
        self.calls.append(call)
        fault = self._fault(call)
        if fault and fault.status:
            return fault, False
        answer = self.tokens.grant(form, self.url)
        return Refusal(*answer) if isinstance(answer, tuple) else answer, fault is not None

    def _method(self, verb: str, path: str, host: str) -> tuple[documents.Method | None, dict[str, str]]:
        matching = [
            (method, found.groupdict())
            for api in self.apis
            if host in ("", documents.host_for(api, path))
            for method in documents.methods(api).values()
            if method.verb == verb and (found := method.path.fullmatch(path))
        ]
        return max(matching, key=lambda pair: pair[0].literal, default=(None, {}))

    def _wrong(self, method: documents.Method, query: dict[str, list[str]], call: Call) -> Iterator[str]:
        for name, values in query.items():
            yield from filter(
                None, [documents.parameter_fault(name, method.query[name], values) if name in method.query else f"unknown parameter {name}"]
            )
        yield from (
            f"the parameter {name} is missing" for name, p in method.own.items() if p.get("required") and name not in {**query, **call.path}
        )
        if call.body is not None:
            yield from documents.faults(method.api, documents.schema(method.api, method.request), call.body)
        if "fields" in call.query:
            try:
                mask = documents.field_mask(call.query["fields"])
            except ValueError:
                yield f"the field mask {call.query['fields']} cannot be read"
            else:
                if unknown := documents.mask_fault(method.api, documents.schema(method.api, method.response), mask):
                    yield f"Invalid field selection {unknown}"

    def _fault(self, call: Call) -> Refusal | None:
        with self._lock:
            for fault in self._faults:
                if fault.left[0] > 0 and fault.when(call):
                    fault.left[0] -= 1
                    return fault.refusal
        return None

    def _found(self, method: documents.Method, call: Call) -> Refusal | dict:
        found = self.items.get(call.id, [] if method.pages or method.id.endswith((".list", ".search")) else {})
        if call.id == TEST and call.id not in self.items:
            asked = (call.body or {}).get("permissions", [])
            found = {"permissions": [one for one in asked if self.permissions is None or one in self.permissions]}
        if callable(found):
            found = found(call)
        if self.permissions is not None and method.id in SILENT and google_permissions.of_method(method.id) not in self.permissions:
            found = []
        if found is None or isinstance(found, Refusal):
            return found or NOT_FOUND
        return self._page(method, call, found)

    def _page(self, method: documents.Method, call: Call, found: object) -> Refusal | dict:
        answer = found if isinstance(found, dict) and not _aggregated(method) else self._listed(method, call, found)
        if isinstance(answer, Refusal):
            return answer
        wrong = list(documents.faults(method.api, documents.schema(method.api, method.response), answer))
        self.violations += [f"the test's own answer to {method.id}: {text}" for text in wrong]
        return documents.masked(answer, documents.field_mask(call.query["fields"])) if "fields" in call.query else answer

    def _listed(self, method: documents.Method, call: Call, found: object) -> Refusal | dict:
        field, part = method.items
        everything = (
            [(scope, item) for scope, items in found.items() if isinstance(items, list) for item in items]
            if isinstance(found, dict)
            else [("", item) for item in found]
        )
        start, size = 0, len(everything)
        if method.pages:
            asked = int(call.query.get(method.size_parameter, self.page))
            if asked > self.too_large.get(call.id, asked):
                return TOO_LARGE
            size = max(1, min(self.page, asked))
            if token := call.query.get("pageToken"):
                whose, start = self._page_tokens.get(token, ("", 0))
                if whose != self._list_key(call):
                    return STALE_PAGE
        chunk, last = everything[start : start + size], start + size >= len(everything)
        answer: dict = {}
        if part:
            empty = [scope for scope, items in found.items() if not items] if isinstance(found, dict) and not start else []
            answer[field] = {
                scope: {"warning": {"code": "NO_RESULTS_ON_PAGE", "message": f"There are no results for scope '{scope}' on this page."}}
                for scope in empty
            }
            answer[field] |= {scope: whole for scope, whole in found.items() if isinstance(whole, dict)} if isinstance(found, dict) else {}
            for scope, item in chunk:
                answer[field].setdefault(scope, {}).setdefault(part, []).append(item)
        elif chunk:
            answer[field] = [item for _, item in chunk]  # Google leaves an empty list out
        answer |= self.each_page[call.id](call) if call.id in self.each_page else {}
        return answer | ({**self.extra.get(call.id, {})} if last else {"nextPageToken": self._page_token(call, start + size)})

    def _page_token(self, call: Call, start: int) -> str:
        token = secrets.token_urlsafe(24)
        self._page_tokens[token] = self._list_key(call), start
        return token

    @staticmethod
    def _list_key(call: Call) -> str:
        """What a page token is bound to: Google refuses it with other parameters."""
        query = {name: value for name, value in call.query.items() if name not in ("pageToken", "maxResults", "pageSize", "fields")}
        return str((call.id, sorted(call.path.items()), sorted(query.items())))

    def _violation(self, status: int, text: str) -> Refusal:
        self.violations.append(text)
        return Refusal(status, "badRequest" if status == 400 else "notFound", text, "INVALID_ARGUMENT" if status == 400 else "NOT_FOUND")


def _decoded(path: str) -> str:
    """A path without its escapes, but for the slash: one that is escaped is part of a name."""
    return urllib.parse.unquote(path.replace("%2F", "%252F"))


def _aggregated(method: documents.Method) -> bool:
    return method.id.endswith(".aggregatedList")


class _Handler(serving.Handler):
    google: Google

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        answer, cut = self.google.answer(self.command, self.path, body, {k.lower(): v for k, v in self.headers.items()})
        status, headers = 200, {}
        if isinstance(answer, Refusal):
            status, headers = answer.status, dict(answer.headers)
            oauth = self.path in ("/token", "/v1/token") and answer.reason
            answer = {"error": answer.reason, "error_description": answer.message} if oauth else answer.body()
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        missing = (len(data) + 1) // 2 if cut else 0
        self.answer(status, data[: len(data) - missing], {"Content-Type": "application/json; charset=UTF-8", **headers}, missing=missing)

    do_POST = do_GET


@contextlib.contextmanager
def contract(google: Google, authority=None) -> Iterator[Google]:
    """Serves Google's APIs on localhost: over TLS with an authority (peers.certificates), over plain http without one."""
    with serving.serving(_Handler, authority and authority.server_context(), google=google) as google.url:
        google.operator = {"GOOGLE_ENDPOINT_URL": google.url, **({"GOOGLE_CA_BUNDLE": str(authority.ca)} if authority else {})}
        yield google


@pytest.fixture
def google(authority) -> Iterator[Google]:
    """All of `APIS` over TLS, with nothing in it; a violated contract fails the test."""
    with contract(Google(), authority) as running:
        yield running
    assert not running.violations, "\n".join(running.violations)
