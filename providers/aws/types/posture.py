"""Services that watch an account: whether GuardDuty, Config, Security Hub and others are on in a region, and how many findings they have.

These are optional types, as each service costs a client in every region. Numbers of findings are types of their own, as they change often;
no finding is read.
"""

from __future__ import annotations

from providers.aws.declaration import AwsKind, Batch, Detail, Listing
from providers.catalogue.kinds import LinkRule

HUB = Listing("DescribeHub", "", into="Hub", absent=("InvalidAccessException: not subscribed",))
MACIE = Listing("GetMacieSession", "", into="Session", absent=("AccessDeniedException: Macie is not enabled",))
"""Services that are not switched on answer as if they refused: only the words tell the two apart."""
BY_SEVERITY = "arn:{partition}:securityhub:::insight/securityhub/default/29"
"""The insight "Severity by counts of findings", which every account has: https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-managed-insights.html"""
SESSION = "arn:{partition}:macie2:{region}:{account}:session"

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
        "macie_session", "monitoring", SESSION, "macie2", "GetMacieSession", "", tags="",
        under=MACIE, optional=True, omit=("Session",), links=(LinkRule("has_role", "serviceRole"),),
    ),
    AwsKind(
        "guardduty_findings", "monitoring", "guardduty:detector/{DetectorId}/findings", "guardduty", "GetFindingsStatistics",
        "FindingStatistics", tags="", optional=True, under=Listing("ListDetectors", "DetectorIds[]", scalar="DetectorId"),
        parameters={
            "DetectorId": "{DetectorId}", "GroupBy": "SEVERITY", "MaxResults": 100,
            "FindingCriteria": {"Criterion": {"service.archived": {"Equals": ["false"]}}},
        },
        parent="guardduty:detector/{DetectorId}", kept=("DetectorId", "GroupedBySeverity"), omit=("GroupedBySeverity[].LastGeneratedAt",),
        unordered=("GroupedBySeverity",),
    ),
    AwsKind(
        "security_hub_findings", "monitoring", "{Hub.HubArn}/findings", "securityhub", "GetInsightResults", "InsightResults", tags="",
        under=HUB, optional=True, parameters={"InsightArn": BY_SEVERITY}, parent="{Hub.HubArn}", omit=("Hub",), unordered=("ResultValues",),
    ),
    AwsKind(
        "access_analyzer_findings", "monitoring", "{Analyzer.arn}/findings", "accessanalyzer", "GetFindingsStatistics", "", tags="",
        optional=True, under=Listing("ListAnalyzers", "analyzers[]", into="Analyzer"), parameters={"analyzerArn": "{Analyzer.arn}"},
        parent="{Analyzer.arn}", omit=("Analyzer", "lastUpdatedAt"), unordered=("findingsStatistics",),
    ),
    AwsKind(
        "inspector_findings", "monitoring", "inspector2:account/{accountAggregation.accountId}/findings", "inspector2",
        "ListFindingAggregations", "responses[]", name="accountAggregation.accountId", tags="", optional=True,
        parameters={"aggregationType": "ACCOUNT"}, own="accountAggregation.accountId",
        parent="inspector2:account/{accountAggregation.accountId}", kept=("accountAggregation",),
    ),
    AwsKind(
        "macie_findings", "monitoring", f"{SESSION}/findings", "macie2", "GetFindingStatistics", "", tags="", under=MACIE, optional=True,
        parameters={"groupBy": "severity.description", "findingCriteria": {"criterion": {"archived": {"eq": ["false"]}}}}, parent=SESSION,
        omit=("Session",), unordered=("countsByGroup",),
    ),
)
# fmt: on
