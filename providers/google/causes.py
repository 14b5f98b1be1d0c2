"""The causes for which Google refuses a request, with the error and the sentence that each becomes. Loads no SDK."""

from __future__ import annotations

import msgspec

from providers.errors import CredentialsError, Denied, ProviderError, Unsupported


class NotFound(Unsupported):
    """The resource that was asked for is not there (404)."""


class Disabled(Unsupported):
    """The API is not enabled in the project."""


class Cause(msgspec.Struct, frozen=True):
    """One cause of a refusal: the reasons and the wording by which Google gives it, and the error and sentence that it becomes.

    ``{consumer}`` in the sentence is the project that Google names. `text` matches the message, for APIs that give no reason.
    """

    reasons: tuple[str, ...]
    error: type[ProviderError]
    sentence: str
    text: str = ""
    permission: str = ""


CAUSES = (
    Cause(
        ("SECURITY_POLICY_VIOLATED", "VPC_SERVICE_CONTROLS", "vpcServiceControls"),
        Denied,
        "a perimeter of VPC Service Controls around {consumer} keeps this account or this network out; a role does not help: its "
        "administrators can find the refusal by Google's identifier and add an ingress rule",
        r"vpcServiceControlsUniqueIdentifier|VPC Service Controls",
    ),
    Cause(
        ("SERVICE_DISABLED", "accessNotConfigured"),
        Disabled,
        "{service} is not enabled in {consumer}; enable it if it is to be read",
        r"has not been used in project .* before or it is disabled",
    ),
    Cause(
        ("BILLING_DISABLED", "accountDisabled", "billingNotEnabled", "userProjectAccountProblem", "UREQ_PROJECT_BILLING_NOT_FOUND"),
        Unsupported,
        "billing is disabled for {consumer}; link an open billing account, or leave the project out (exclude_projects)",
        r"[Bb]illing (?:to be |has been |has not been |be |is |must be )?(?:en|dis)abled|has not configured billing"
        r"|billing account .*(?:disabled|closed|absent|not found)|(?:absent|closed|disabled) billing account",
    ),
    Cause(
        ("CONSUMER_SUSPENDED", "GCP_SUSPENDED"),
        Unsupported,
        "Google has suspended {consumer}; its owner can appeal in the console",
        r"has been suspended",
    ),
    Cause(
        ("CONSUMER_INVALID", "RESOURCE_PROJECT_INVALID", "projectInvalid"),
        Unsupported,
        "{consumer} is deleted or being deleted, or does not exist",
        r"[Pp]roject .*(has been|is) deleted|project to be billed .* not found|Unknown project id",
    ),
    Cause(
        ("USER_PROJECT_DENIED",),
        Denied,
        "the account may not bill its calls to {consumer}, its quota project: grant it the permission 'serviceusage.services.use' there "
        "(roles/serviceusage.serviceUsageConsumer)",
        r"serviceusage\.services\.use",
        permission="serviceusage.services.use",
    ),
    Cause(
        (
            *("ORG_RESTRICTION_VIOLATION", "ORG_RESTRICTION_HEADER_INVALID", "RESOURCE_USAGE_RESTRICTION_VIOLATED"),
            *("LOCATION_ORG_POLICY_VIOLATED", "LOCATION_POLICY_VIOLATED", "ENDPOINT_USAGE_RESTRICTION_VIOLATED"),
            *("TLS_ORG_POLICY_VIOLATED", "TLS_CIPHER_RESTRICTION_VIOLATED", "orgpolicy", "constraintViolation"),
        ),
        Denied,
        "an organization policy forbids it for {consumer}; a role does not help: ask the administrators of the organization",
        r"constraints/[\w.]+|[Oo]rganization'?s? [Pp]olic|Org Polic",
    ),
    Cause(
        ("ACCESS_LEVEL_VIOLATED", "ipRefererBlocked", "API_KEY_IP_ADDRESS_BLOCKED"),
        Denied,
        "a condition on where requests may come from (IP address, device, access level) is not met from here",
        r"[Aa]ccess level|[Cc]ontext-[Aa]ware|IP address .*(restrict|not allowed|blocked)",
    ),
    Cause(
        (),
        Unsupported,
        "a database instance that does not run shows neither its databases nor its users; what was read while it ran stays",
        r"instance is not running",
    ),
    Cause(
        ("SERVICE_NOT_VISIBLE",),
        Unsupported,
        "{service} is not offered to {consumer}",
    ),
    Cause(
        ("domainCannotUseApis", "domainPolicy", "DOMAIN_POLICY"),
        Denied,
        "the domain has switched API access off: Admin console, Security, API controls",
        r"[Dd]omain cannot use apis",
    ),
    Cause(
        ("ACCOUNT_STATE_INVALID", "USER_BLOCKED_BY_ADMIN"),
        CredentialsError,
        "the account is disabled, deleted or blocked: enable it, or use another one",
        r"account .*(disabled|deleted)",
    ),
)
"""The causes, in the order in which they are looked for. See https://cloud.google.com/apis/design/errors and `google.api.ErrorReason`."""
