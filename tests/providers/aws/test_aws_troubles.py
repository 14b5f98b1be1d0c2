"""Failures of single items and parents, as the reports of a scope."""

from __future__ import annotations

from providers.aws.catalogue import KINDS
from providers.aws.troubles import Troubles
from providers.errors import Denied, Outcome, Unsupported


def test_a_parent_without_a_list_does_not_hide_that_every_item_was_refused():
    troubles = Troubles(KINDS[0], "us-east-1")
    troubles.items = 2
    troubles.add_parent(Unsupported("not offered for all"))
    troubles.add(Denied("no", permission="s3:GetBucketTagging"), "s3:GetBucketTagging", times=2)
    reports = list(troubles.reports())
    assert {report.outcome for report in reports} == {Outcome.UNSUPPORTED, Outcome.DENIED}
    assert max(reports, key=lambda report: report.outcome.gravity).permission == "s3:GetBucketTagging"
