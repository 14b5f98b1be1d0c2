"""Refusals of API servers, and of what stands before them: the operator reads the reason that was given."""

from __future__ import annotations

import json

import pytest

from providers.errors import BadAnswer, Denied, PageExpired, ScopeError, TimedOut, Unsupported
from providers.http.response import HttpResponse
from providers.kubernetes.refusal import explain, failed_success

WEBHOOK = (
    'conversion webhook for acme.example/v1beta1, Kind=Widget failed: Post "https://hook.acme.svc:443/convert?timeout=30s": '
    "dial tcp 10.96.7.7:443: connect: connection refused"
)
CANNOT = 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" at the cluster scope'


def answered(code: int, body: str | bytes, kind: str = "application/json") -> HttpResponse:
    return HttpResponse(code, {"content-type": kind}, body if isinstance(body, bytes) else body.encode(), "https://k8s.example/api")


def said(code: int, message: str, *, number: int | None = None) -> HttpResponse:
    body = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "reason": "x", "code": code}
    return answered(number or code, json.dumps(body))


@pytest.mark.parametrize(
    ("answer", "kind", "words"),
    [
        (said(500, WEBHOOK), TimedOut, "conversion webhook for acme.example/v1beta1, Kind=Widget failed"),
        (said(504, "the server was unable to return a response in the time allotted"), TimedOut, "in the time allotted"),
        (said(422, "unable to parse requirement"), ScopeError, "unable to parse requirement"),
        (answered(503, "error trying to reach service: dial tcp 10.0.0.7:443: i/o timeout", "text/plain; charset=utf-8"), TimedOut, "i/o timeout"),
        (said(403, f'{CANNOT}: RBAC: clusterrole.rbac.authorization.k8s.io "view" not found'), Denied, '"view" not found'),
        (said(403, f"{CANNOT}: Azure does not have opinion for this user."), Denied, "does not have opinion for this user"),
        (said(403, f'{CANNOT}: requires one of ["container.pods.list"] permission(s).'), Denied, 'requires one of ["container.pods.list"]'),
        (said(403, CANNOT.replace("jane", "system:anonymous")), Denied, "takes us for nobody"),
        (said(403, 'users "ops" is forbidden: User "jane" cannot impersonate resource "users" in API group "" at the cluster scope'), Denied,
         "allow 'impersonate users' to our own user"),
        (answered(403, "<html>Request blocked</html>", "text/html"), BadAnswer, "something that is not an API server"),
        (answered(404, "<html>Not Found</html>", "text/html"), BadAnswer, "something that is not an API server"),
        (answered(404, "default backend - 404", "text/plain"), BadAnswer, "something that is not an API server"),
        (answered(404, ""), BadAnswer, "something that is not an API server"),
        (said(410, "The provided continue parameter is too old"), PageExpired, "have expired"),
        (said(400, "continue key is not valid: illegal base64 data"), PageExpired, "have expired"),
        (said(400, "invalid label selector"), ScopeError, "invalid label selector"),
        (answered(406, "{}"), Unsupported, "in this form"),
    ],
)  # fmt: skip
def test_the_reason_reaches_the_operator(answer, kind, words):
    error = explain(answer, "list pods")
    assert type(error) is kind
    assert words in str(error)
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    "answer",
    [
        said(403, CANNOT),
        said(403, CANNOT.replace("at the cluster scope", 'in the namespace "shop"')),
        said(404, "the server could not find the requested resource"),
        said(429, "too many requests"),
        said(401, "Unauthorized"),
        answered(403, 'Forbidden (user=jane, verb=list, resource=pods, subresource="")', "text/plain"),
        answered(502, "<html>Bad Gateway</html>", "text/html"),
    ],
)
def test_the_usual_refusals_are_read_as_usual(answer):
    assert explain(answer, "list pods") is None


def test_a_path_that_is_not_served_is_unsupported_though_its_text_is_no_json():
    assert type(explain(answered(404, "404 page not found\n", "text/plain"), "list pods")) is Unsupported


def test_a_denial_names_the_permission_without_the_namespace():
    error = explain(said(403, f"{CANNOT}: no RBAC policy matched"), "list pods in namespace shop")
    assert isinstance(error, Denied)
    assert error.permission == "list pods"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (said(410, "too old", number=200), PageExpired),
        (said(403, CANNOT, number=200), Denied),
        (said(503, "unable to handle", number=200), TimedOut),
        (answered(200, '{"kind": "Status", "status": "Failure"}'), TimedOut),
    ],
)
def test_a_failure_with_the_number_of_a_success_is_that_failure(answer, kind):
    assert type(failed_success(answer, "list pods")) is kind


@pytest.mark.parametrize("body", ['{"kind": "PodList", "items": []}', '{"kind": "Status", "status": "Success"}', "[]", "", "<html/>"])
def test_other_successes_are_none(body):
    assert failed_success(answered(200, body), "list pods") is None
