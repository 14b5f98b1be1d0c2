"""Refusals as Google documents them, each with the outcome and the sentence that an operator gets."""

from __future__ import annotations

import json

import pytest
from google.api.error_reason_pb2 import ErrorReason

from providers.errors import (
    BadAnswer,
    CredentialsError,
    Denied,
    Outcome,
    PageExpired,
    PageTooLarge,
    ProviderError,
    ScopeError,
    Throttled,
)
from providers.google import failure
from providers.google.causes import CAUSES, Disabled, NotFound
from providers.google.failure import PLAIN, THROTTLES, TOO_NARROW
from providers.http.response import HttpResponse

PROJECT = "projects/42"
UID = "eYhDkfYCu-dOCjuj8X4Am9-spkxs0"


def answer(status: int, error: dict, url: str = "https://x.googleapis.com/v1/projects/p/things") -> HttpResponse:
    return HttpResponse(status, {}, json.dumps({"error": {"code": status, **error}}).encode(), url)


def info(reason: str, **metadata: str) -> dict:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    about = {"service": "x.googleapis.com", "consumer": PROJECT, **metadata}
    return {"@type": kind, "reason": reason, "domain": "googleapis.com", "metadata": about}


def violation(kind: str, description: str) -> dict:
    return {"@type": "type.googleapis.com/google.rpc.PreconditionFailure", "violations": [{"type": kind, "description": description}]}


def modern(message: str, *details: dict, status: str = "PERMISSION_DENIED") -> dict:
    return {"message": message, "status": status, "details": list(details)}


def legacy(message: str, reason: str = "forbidden") -> dict:
    return {"message": message, "errors": [{"message": message, "domain": "global", "reason": reason}]}


PERIMETER = f"Request is prohibited by organization's policy. vpcServiceControlsUniqueIdentifier: {UID}"
RULES = "a perimeter of VPC Service Controls around"
ROWS = {
    "perimeter": (
        modern(PERIMETER, violation("VPC_SERVICE_CONTROLS", UID), info("SECURITY_POLICY_VIOLATED", uid=UID)),
        Outcome.DENIED, "", (RULES, PROJECT, UID, "ingress rule"),
    ),
    "perimeter of an older API": (legacy(PERIMETER), Outcome.DENIED, "", (RULES, UID)),
    "perimeter by its violation alone": (
        modern("Forbidden", violation("VPC_SERVICE_CONTROLS", UID)), Outcome.DENIED, "", (RULES, "VPC_SERVICE_CONTROLS"),
    ),
    "billing": (
        modern("This API method requires billing to be enabled. Please enable billing on project #42.", info("BILLING_DISABLED")),
        Outcome.UNSUPPORTED, "", ("billing is disabled for projects/42", "BILLING_DISABLED"),
    ),
    "billing account of a bucket": (
        legacy("The billing account for the owning project is disabled in state absent", "accountDisabled"),
        Outcome.UNSUPPORTED, "", ("billing is disabled", "in state absent"),
    ),
    "billing never set up": (
        legacy("The project to be billed has not configured billing."), Outcome.UNSUPPORTED, "", ("billing is disabled",),
    ),
    "billing by its words": (
        legacy("Project charming-module-1 (#8) has billing disabled. Please enable it."), Outcome.UNSUPPORTED, "", ("link an open",),
    ),
    "billing of an activation": (
        modern("Billing account for project '5' is not found.", info("UREQ_PROJECT_BILLING_NOT_FOUND"), status="FAILED_PRECONDITION"),
        Outcome.UNSUPPORTED, "", ("billing is disabled",),
    ),
    "project deleted": (
        {**legacy("Project #42 has been deleted."), "status": "PERMISSION_DENIED", "details": [info("CONSUMER_INVALID")]},
        Outcome.UNSUPPORTED, "", ("projects/42 is deleted or being deleted", "CONSUMER_INVALID"),
    ),
    "project deleted, by its words": (legacy("Project #123 has been deleted."), Outcome.UNSUPPORTED, "", ("is deleted", "#123")),
    "project suspended": (
        modern("Permission denied: Consumer 'projects/42' has been suspended.", info("CONSUMER_SUSPENDED")),
        Outcome.UNSUPPORTED, "", ("Google has suspended projects/42", "appeal"),
    ),
    "stopped database instance": (
        legacy("Invalid request: Invalid request since instance is not running.", "invalid"),
        Outcome.UNSUPPORTED, "", ("does not run", "what was read while it ran stays"),
    ),
    "organization policy on services": (
        modern(
            "Request is disallowed by organization's constraints/gcp.restrictServiceUsage constraint for 'projects/42'.",
            info("RESOURCE_USAGE_RESTRICTION_VIOLATED"),
        ),
        Outcome.DENIED, "", ("an organization policy forbids it for projects/42", "constraints/gcp.restrictServiceUsage"),
    ),
    "organization policy by its violation": (
        modern(
            "The request has violated one or more Org Policies.",
            violation("constraints/gcp.resourceLocations", "violated for projects/42"), status="FAILED_PRECONDITION",
        ),
        Outcome.DENIED, "", ("an organization policy forbids it", "constraints/gcp.resourceLocations"),
    ),
    "organization restriction": (
        modern("Access denied by organization restrictions.", info("ORG_RESTRICTION_VIOLATION")),
        Outcome.DENIED, "", ("a role does not help", "ORG_RESTRICTION_VIOLATION"),
    ),
    "address": (
        modern("Request denied: the IP address of the caller is blocked by an access level", info("ACCESS_LEVEL_VIOLATED")),
        Outcome.DENIED, "", ("where requests may come from", "ACCESS_LEVEL_VIOLATED"),
    ),
    "condition of a binding": (
        modern(
            "Permission 'compute.disks.list' denied on resource '//compute.googleapis.com/projects/p' (or it may not exist).",
            info("IAM_PERMISSION_DENIED", permission="compute.disks.list"),
        ),
        Outcome.DENIED, "compute.disks.list", ("'compute.disks.list' is missing, or a condition or a deny policy withholds it",),
    ),
    "quota project": (
        modern(
            "Caller does not have required permission to use project bill-me. Grant the caller the "
            "roles/serviceusage.serviceUsageConsumer role, or a custom role with the serviceusage.services.use permission.",
            info("USER_PROJECT_DENIED", consumer="projects/bill-me"),
        ),
        Outcome.DENIED, "serviceusage.services.use", ("projects/bill-me, its quota project", "serviceusage.services.use"),
    ),
    "quota project of an older API": (
        legacy("reader@p.iam.gserviceaccount.com does not have serviceusage.services.use access to the Google Cloud project."),
        Outcome.DENIED, "serviceusage.services.use", ("serviceusage.services.use",),
    ),
    "API not enabled": (
        modern("Cloud SQL Admin API has not been used in project 42 before or it is disabled.", info("SERVICE_DISABLED")),
        Outcome.UNSUPPORTED, "", ("x.googleapis.com is not enabled in projects/42",),
    ),
    "API not enabled, older": (legacy("Access Not Configured.", "accessNotConfigured"), Outcome.UNSUPPORTED, "", ("is not enabled",)),
    "domain policy": (
        legacy("The domain administrators have disabled third-party apps.", "domainPolicy"), Outcome.DENIED, "", ("API controls",),
    ),
    "API not offered": (
        modern("Not found or permission denied for service(s): x.", info("SERVICE_NOT_VISIBLE")),
        Outcome.UNSUPPORTED, "", ("x.googleapis.com is not offered",),
    ),
    "domain without APIs": (legacy("Domain cannot use apis.", "domainCannotUseApis"), Outcome.DENIED, "", ("API controls",)),
    "a reason to come": (modern("Not on a Tuesday.", info("TUESDAY_BLOCKED")), Outcome.DENIED, "", ("TUESDAY_BLOCKED: Not on a Tuesday.",)),
}  # fmt: skip


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_case_gcp_1_a_refusal_has_the_outcome_and_the_sentence_of_its_cause_with_googles_own_words(row):
    error, outcome, permission, words = row
    status = 400 if error.get("status") == "FAILED_PRECONDITION" else 403
    found = failure.of_answer("X", answer(status, error), "list things")

    assert isinstance(found, ScopeError)
    assert (found.outcome, getattr(found, "permission", "")) == (outcome, permission)
    assert not [word for word in words if word not in str(found)], str(found)
    assert "\n" not in str(found)
    if not permission:
        assert "is missing" not in str(found), "no role would help"
        assert error["message"][:40] in str(found) or error["message"] == "Access Not Configured."


def test_a_permission_that_is_missing_is_no_closed_billing_account():
    text = "Permission 'billing.accounts.list' denied on resource 'billing account closed 1' (or it may not exist)."
    found = failure.of_answer("X", answer(403, modern(text, info("IAM_PERMISSION_DENIED"))), "list accounts")

    assert isinstance(found, Denied)
    assert found.permission == "billing.accounts.list"


def test_a_disabled_api_has_an_error_of_its_own():
    assert isinstance(failure.of_answer("X", answer(403, modern("off", info("SERVICE_DISABLED"))), "list"), Disabled)


def test_an_account_that_was_disabled_is_no_item_of_trouble():
    error = modern("The account was disabled.", info("ACCOUNT_STATE_INVALID"), status="UNAUTHENTICATED")
    assert isinstance(failure.of_answer("X", answer(401, error), "list"), CredentialsError)


def test_a_quota_is_waited_for_as_long_as_google_asks():
    retry_info = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "21.5s"}
    error = modern("Quota exceeded", info("RATE_LIMIT_EXCEEDED"), retry_info, status="RESOURCE_EXHAUSTED")
    found = failure.of_answer("X", answer(429, error), "list things")

    assert isinstance(found, Throttled)
    assert found.wait == 21.5


@pytest.mark.parametrize(
    "error", [legacy("Response too large to return.", "responseTooLarge"), modern("too large", info("RESPONSE_TOO_LARGE"))]
)
def test_an_answer_that_is_too_large_is_asked_for_in_parts(error):
    assert isinstance(failure.of_answer("X", answer(403, error), "list things"), PageTooLarge)
    assert isinstance(failure.of_answer("X", answer(413, {}), "list things"), PageTooLarge)


def test_a_page_token_that_has_expired_begins_the_list_anew():
    for error in (legacy("Invalid Input: pageToken", "invalid"), modern("Token has expired", status="INVALID_ARGUMENT")):
        assert isinstance(failure.of_answer("X", answer(400, error, "https://x/y?pageToken=old"), "list"), PageExpired)
        assert failure.of_answer("X", answer(400, error), "list") is None, "a request without a token has no page that expires"
    gone = answer(410, legacy("The page token is no longer available.", "deleted"), "https://x/y?pageToken=old")
    assert isinstance(failure.of_answer("X", gone, "list"), PageExpired)


NOT_OURS = {
    *("API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_HTTP_REFERRER_BLOCKED", "API_KEY_ANDROID_APP_BLOCKED"),
    *("API_KEY_IOS_APP_BLOCKED", "SESSION_COOKIE_INVALID", "CREDENTIAL_ANDROID_APP_INVALID", "MISSING_ORIGIN", "MCP_SERVER_DISABLED"),
    *("EMULATOR_QUOTA_EXCEEDED", "RESOURCE_QUOTA_EXCEEDED", "LOCATION_TAX_POLICY_VIOLATED", "SYSTEM_PARAMETER_UNSUPPORTED"),
    *("OVERLOADED_CREDENTIALS", "ERROR_REASON_UNSPECIFIED"),
}
"""Of API keys, browsers, phones, tax and writes: a reader with a service account does not meet them, and is told them word by word."""
REFUSED_TOKENS = {
    *("ACCESS_TOKEN_EXPIRED", "ACCESS_TOKEN_TYPE_UNSUPPORTED", "CREDENTIALS_MISSING", "JWT_TOKEN_INVALID"),
    *("CREDENTIAL_TYPE_UNSUPPORTED", "ACCOUNT_TYPE_UNSUPPORTED"),
}
"""Answered with a 401, which is a refused sign-in by itself."""


def test_every_reason_that_google_publishes_has_a_cause_or_is_known_not_to_concern_us():
    """google.api.ErrorReason, as googleapis-common-protos ships it: a new one fails here by its name."""
    ours = {reason for cause in CAUSES for reason in cause.reasons} | THROTTLES | TOO_NARROW | PLAIN
    assert set(ErrorReason.keys()) - ours - NOT_OURS - REFUSED_TOKENS == set()


def test_a_page_of_no_google_is_left_to_the_usual_reading():
    for body in (b"<html>", b"[]", b'{"error": "text"}', b'{"error": {"errors": "x", "details": [1]}}'):
        found = failure.of_answer("X", HttpResponse(403, {}, body, "https://x/y"), "list")
        assert found is None or isinstance(found, ProviderError)


@pytest.mark.parametrize(
    "body", [b"<html>404</html>", b"", b"404 page not found", b'{"message": "no Route matched with those values"}', b"[]"]
)
def test_a_404_that_is_not_googles_does_not_say_that_a_thing_is_gone(body):
    error = failure.of_answer("x", HttpResponse(404, {}, body, "https://x.googleapis.com/v1/things/1"), "get a thing")
    assert isinstance(error, BadAnswer)
    assert "something that is not x" in str(error)


def test_a_404_of_googles_says_it_in_googles_words():
    error = failure.of_answer("x", answer(404, legacy("Resource Not Found: groupKey", "notFound")), "get a thing")
    assert isinstance(error, NotFound)
    assert "(Google: notFound: Resource Not Found: groupKey)" in str(error)
