"""Services that watch an account: whether GuardDuty, Config, Security Hub and others are on in a region. Findings are not read.

These are optional types, as each service costs a client in every region.
"""

from __future__ import annotations

from providers.aws.declaration import AwsKind, Batch, Detail, Listing
from providers.catalogue.kinds import LinkRule

HUB = Listing("DescribeHub", "", into="Hub", absent=("InvalidAccessException: not subscribed",))
MACIE = Listing("GetMacieSession", "", into="Session", absent=("AccessDeniedException: Macie is not enabled",))
"""Services that are not switched on answer as if they refused: only the words tell the two apart."""


# A table reads better than one argument a line.
# fmt: off
POSTURE = (
    AwsKind(
        "guardduty_detector", "monitoring", "guardduty:detector/{DetectorId}", "guardduty", "ListDetectors", "DetectorIds[]",
        scalar="DetectorId", optional=True, details=(Detail("GetDetector", {"DetectorId": "{DetectorId}"}),),
        unordered=("Features",), links=(LinkRule("has_role", "ServiceRole"),),
    ),
    AwsKind(
        "config_recorder", "monitoring", "config:configuration-recorder/{name}", "config", "DescribeConfigurationRecorders",
        "ConfigurationRecorders[]", name="name", tags="", optional=True,
        batches=(
            Batch("DescribeConfigurationRecorderStatus", "ConfigurationRecorderNames", "name", "ConfigurationRecordersStatus[]", "name",
                  20),
        ),
        omit=("lastErrorCode", "lastErrorMessage", "lastStatus", "lastStatusChangeTime"), links=(LinkRule("has_role", "roleARN"),),
    ),
    AwsKind(
        "security_hub", "monitoring", "{HubArn}", "securityhub", "DescribeHub", "", tags="", under=HUB, optional=True, omit=("Hub",),
    ),
    AwsKind(
        "access_analyzer", "monitoring", "{arn}", "accessanalyzer", "ListAnalyzers", "analyzers[]", name="name", tags="tags", optional=True,
        omit=("lastResourceAnalyzed", "lastResourceAnalyzedAt"),
    ),
    AwsKind(
        "inspector_account", "monitoring", "inspector2:account/{accountId}", "inspector2", "BatchGetAccountStatus", "accounts[]",
        name="accountId", tags="", optional=True,
    ),
    AwsKind(
        "macie_session", "monitoring", "arn:{partition}:macie2:{region}:{account}:session", "macie2", "GetMacieSession", "", tags="",
        under=MACIE, optional=True, omit=("Session",), links=(LinkRule("has_role", "serviceRole"),),
    ),
)
# fmt: on
