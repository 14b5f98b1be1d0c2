"""Google's ways to refuse, as its APIs word them: for `peers.google_contract.Google.failing`."""

from __future__ import annotations

from typing import NamedTuple


class Refusal(NamedTuple):
    """An answer that is none. Status 0: the connection is cut in the middle of the right answer; 200 without a page: nothing is listed."""

    status: int
    reason: str = ""
    message: str = ""
    canonical: str = ""
    details: tuple[dict, ...] = ()
    domain: str = "global"
    headers: tuple[tuple[str, str], ...] = ()
    page: bytes = b""
    """The body of a proxy's or a load balancer's answer, which is not Google's."""

    def body(self) -> dict | bytes:
        if self.page:
            return self.page
        error: dict = {"code": self.status, "message": self.message}
        if self.reason:
            error["errors"] = [{"message": self.message, "domain": self.domain, "reason": self.reason}]
        if self.canonical:
            error["status"] = self.canonical
        if self.details:
            error["details"] = list(self.details)
        return {"error": error}


def info(reason: str, **metadata: str) -> tuple[dict, ...]:
    return ({"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": metadata},)


def denied(permission: str = "") -> Refusal:
    """403 as of IAM, which names the permission; as of the Admin SDK without one."""
    if not permission:
        return Refusal(403, "forbidden", "Not Authorized to access this resource/api", domain="global")
    text = f"Required '{permission}' permission for 'projects/p'"
    return Refusal(403, "forbidden", text, "PERMISSION_DENIED", info("IAM_PERMISSION_DENIED", permission=permission))


def disabled(service: str = "compute.googleapis.com") -> Refusal:
    """403: the API is not enabled."""
    text = f"{service} has not been used in project 1 before or it is disabled. Enable it by visiting https://console.example then retry."
    details = info("SERVICE_DISABLED", service=service, consumer="projects/1")
    return Refusal(403, "accessNotConfigured", text, "PERMISSION_DENIED", details, domain="usageLimits")


def throttled(reason: str, status: int = 403) -> Refusal:
    """`userRateLimitExceeded`, `rateLimitExceeded`, `quotaExceeded`: 403 or 429."""
    text = "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user'"
    return Refusal(status, reason, text, "RESOURCE_EXHAUSTED" if status == 429 else "", domain="usageLimits")


THROTTLED = throttled("rateLimitExceeded", 429)
CUT, EMPTY = Refusal(0), Refusal(200)
BROKEN = Refusal(500, "backendError", "Internal error encountered.", "INTERNAL")
EXPIRED = Refusal(
    401, "authError", "Invalid Credentials", "UNAUTHENTICATED", headers=(("WWW-Authenticate", 'Bearer error="invalid_token"'),)
)
TOO_LARGE = Refusal(403, "responseTooLarge", "Response too large to return.", "PERMISSION_DENIED")
STALE_PAGE = Refusal(400, "invalid", "Invalid Input: pageToken", "INVALID_ARGUMENT")
INVALID_GRANT = Refusal(400, "invalid_grant", "Invalid JWT Signature.")
"""For the id ``token``, which is the token endpoint; so is `ACCOUNT_GONE`."""
ACCOUNT_GONE = Refusal(400, "invalid_grant", "Invalid grant: account not found")
BY_A_PROXY = Refusal(404, page=b"<html><title>404 Not Found</title></html>")
NOT_FOUND = Refusal(404, "notFound", "Resource Not Found", "NOT_FOUND")

FOREIGN = Refusal(200, page=b'{"message": "no Route matched with those values"}')
"""A success of a gateway, which knows nothing of Google."""
