"""Numbers of findings, in the words of AWS's references: counts by severity, each a type of its own, and no finding."""

from __future__ import annotations

import json

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_optional import HUB, MACIE, REFUSED
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.errors import Outcome

HERE = f"{REGION}:{ACCOUNT}"
HUB_ARN = f"arn:aws:securityhub:{HERE}:hub/default"
ANALYZER = f"arn:aws:access-analyzer:{HERE}:analyzer/outside"
COUNTS = {"all": 7, "critical": 1, "high": 2, "medium": 4}
OUTSIDE = {"externalAccessFindingsStatistics": {"totalActiveFindings": 4, "totalArchivedFindings": 1, "totalResolvedFindings": 9}}
ANSWERS = {
    ("guardduty", "findings/statistics"): {"findingStatistics": {"groupedBySeverity": [
        {"severity": 8.0, "totalFindings": 3, "lastGeneratedAt": 1764410000}, {"severity": 2.0, "totalFindings": 1, "lastGeneratedAt": 1764400000},
    ]}},
    ("guardduty", "/detector?"): {"detectorIds": ["d1"]},
    ("securityhub", "/accounts"): {"HubArn": HUB_ARN, "AutoEnableControls": True},
    ("securityhub", "/insights/results/"): {"InsightResults": {
        "InsightArn": "arn:aws:securityhub:::insight/securityhub/default/29", "GroupByAttribute": "SeverityLabel",
        "ResultValues": [{"GroupByAttributeValue": "HIGH", "Count": 5}, {"GroupByAttributeValue": "CRITICAL", "Count": 2}],
    }},
    ("access-analyzer", "/analyzer/findings/statistics"): {"findingsStatistics": [OUTSIDE], "lastUpdatedAt": "2026-11-29T10:00:00Z"},
    ("access-analyzer", "/analyzer"): {"analyzers": [
        {"arn": ANALYZER, "name": "outside", "type": "ACCOUNT", "createdAt": "2026-01-01T00:00:00Z", "status": "ACTIVE"},
    ]},
    ("inspector2", "/findings/aggregation/list"): {"aggregationType": "ACCOUNT", "responses": [
        {"accountAggregation": {"accountId": ACCOUNT, "severityCounts": COUNTS}},
        {"accountAggregation": {"accountId": "210987654321", "severityCounts": COUNTS}},
    ]},
    ("macie2", "/macie"): {"status": "ENABLED", "createdAt": "2026-01-01T00:00:00Z"},
    ("macie2", "/findings/statistics"): {"countsByGroup": [{"groupKey": "Medium", "count": 2}, {"groupKey": "High", "count": 1}]},
}  # fmt: skip
WANTED = {
    "guardduty_findings": (
        f"arn:aws:guardduty:{HERE}:detector/d1",
        {"DetectorId": "d1", "GroupedBySeverity": [{"Severity": 2.0, "TotalFindings": 1}, {"Severity": 8.0, "TotalFindings": 3}]},
    ),
    "security_hub_findings": (
        HUB_ARN,
        {
            "InsightArn": "arn:aws:securityhub:::insight/securityhub/default/29",
            "GroupByAttribute": "SeverityLabel",
            "ResultValues": [{"GroupByAttributeValue": "HIGH", "Count": 5}, {"GroupByAttributeValue": "CRITICAL", "Count": 2}][::-1],
        },
    ),
    "access_analyzer_findings": (ANALYZER, {"findingsStatistics": [OUTSIDE]}),
    "inspector_findings": (
        f"arn:aws:inspector2:{HERE}:account/{ACCOUNT}",
        {"accountAggregation": {"accountId": ACCOUNT, "severityCounts": COUNTS}},
    ),
    "macie_findings": (
        f"arn:aws:macie2:{HERE}:session",
        {"countsByGroup": [{"groupKey": "High", "count": 1}, {"groupKey": "Medium", "count": 2}]},
    ),
}


def services(call):
    """The answers of the services, by the path that is asked: the longest path that fits."""
    fitting = [path for service, path in ANSWERS if service == call.service and path in f"{call.path}?"]
    return AwsReply(200, "", json.dumps(ANSWERS[(call.service, max(fitting, key=len))]).encode()) if fitting else None


def counted(aws_proxy, sub_type: str, rule=services):
    with aws_proxy.broken(rule):
        return read(aws_proxy.url, sub_type, optional_types=[sub_type])


@pytest.mark.parametrize("sub_type", list(WANTED))
def test_how_many_findings_there_are(moto: Moto, aws_proxy, sub_type):
    collected = counted(aws_proxy, sub_type)
    (counts,) = found(collected, sub_type).values()
    parent, attributes = WANTED[sub_type]

    assert (counts.external_id, counts.parent) == (f"{parent}/findings", parent)
    assert counts.attributes == attributes
    assert report(collected, sub_type).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(("sub_type", "answer"), [("security_hub_findings", HUB), ("macie_findings", MACIE)])
def test_a_service_that_is_not_switched_on_has_no_numbers(moto: Moto, aws_proxy, sub_type, answer):
    collected = counted(aws_proxy, sub_type, lambda call: answer if call.service in ("securityhub", "macie2") else None)

    assert found(collected, sub_type) == {}
    assert report(collected, sub_type).outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("sub_type", "path", "permission"),
    [
        ("guardduty_findings", "findings/statistics", "guardduty:GetFindingsStatistics"),
        ("security_hub_findings", "/insights/results/", "securityhub:GetInsightResults"),
        ("access_analyzer_findings", "/analyzer/findings/statistics", "access-analyzer:GetFindingsStatistics"),
        ("inspector_findings", "/findings/aggregation/list", "inspector2:ListFindingAggregations"),
        ("macie_findings", "/findings/statistics", "macie2:GetFindingStatistics"),
    ],
)
def test_numbers_that_are_refused_are_not_none(moto: Moto, aws_proxy, sub_type, path, permission):
    collected = counted(aws_proxy, sub_type, lambda call: REFUSED if path in call.path else services(call))

    assert (report(collected, sub_type).outcome, report(collected, sub_type).permission) == (Outcome.DENIED, permission)
