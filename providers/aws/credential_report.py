"""The credential report of IAM: a table with a row for each user, which AWS makes when it is asked to and keeps for four hours."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from providers.errors import BadAnswer

EVENT = "needs-retry.iam.GetCredentialReport"
"""botocore's event after each attempt to fetch the report."""

PAUSE, ATTEMPTS = 2.0, 60
"""Seconds between two attempts, and the number of attempts: AWS makes the report of a large account in a minute or so."""

_NOT_YET = frozenset({"ReportInProgress", "ReportNotPresent", "ReportExpired"})
"""Codes of the answers before a report that has just been asked for is there."""

_SAYS_NOTHING = frozenset({"", "N/A", "no_information", "not_supported"})
_TRUTH = {"true": True, "false": False}
_MONTH = len("2026-11")


def rows(content: bytes | str) -> Iterator[dict[str, Any]]:
    """The rows, without the columns that say nothing of a user. Raises `BadAnswer` for text that is not a report.

    What was last used when is given as the month: a day would change the user at every run.
    """
    try:
        table = list(csv.DictReader(io.StringIO(content.decode() if isinstance(content, bytes) else content)))
    except (csv.Error, UnicodeDecodeError) as error:
        raise BadAnswer(f"AWS's credential report is not a table: {error}") from error
    if not all(row.get("user") and row.get("arn") for row in table) or not table:  # the account's root user is always among them
        raise BadAnswer("AWS's credential report has no rows, or rows without a user")
    for row in table:
        yield {name: _value(name, value) for name, value in row.items() if name and value and value not in _SAYS_NOTHING}


def _value(name: str, value: str) -> bool | str:
    return value[:_MONTH] if name.endswith(("_last_used", "_last_used_date")) else _TRUTH.get(value, value)


def pause(response: tuple[Any, dict[str, Any]] | None, attempts: int, **_: Any) -> float | None:
    """The seconds until the report is asked for again; None leaves the decision to botocore."""
    code = response[1].get("Error", {}).get("Code") if response else None
    return PAUSE if code in _NOT_YET and attempts < ATTEMPTS else None
