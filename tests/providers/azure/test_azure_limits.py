"""Limits of Resource Graph and Resource Manager: throttling, quotas, answers that are too large. Cases az-4, az-5 and az-7."""

from __future__ import annotations

import pytest
from azure_account import outcome, read

from providers.azure import catalogue
from providers.errors import Outcome
from providers.http import retry


def limited(path: str, times: int, status: int, headers: dict | None = None, code: str = "RateLimiting"):
    left = [times]

    def fault(_method, asked):
        if path.lower() in asked.lower() and left[0]:
            left[0] -= 1
            return status, headers or {}, {"error": {"code": code, "message": "Please provide below info."}}
        return None

    return fault


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [(429, {"x-ms-user-quota-remaining": "0", "x-ms-user-quota-resets-after": "00:00:05"}, 5.0), (502, {}, None), (503, {}, None)],
)
def test_case_az_4_resource_graph_is_waited_for_and_asked_again(account, monkeypatch, status, headers, seconds):
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    account.fault = limited("ResourceGraph", 2, status, headers)
    sink = read(account)
    assert outcome(sink, "azure_disk") == (Outcome.COMPLETE, 7)
    assert len(waits) >= 2
    assert seconds is None or [round(wait) for wait in waits].count(round(seconds)) >= 2


@pytest.mark.parametrize(("status", "kind"), [(429, Outcome.THROTTLED), (502, Outcome.TIMEOUT)])
def test_case_az_4_the_sentence_says_how_often_it_was_tried(account, status, kind):
    account.fault = limited("ResourceGraph", 1000, status)
    report = read(account).report("azure_disk")
    asked = [path for _, path in account.requests if "ResourceGraph" in path]
    assert report.outcome is kind
    assert f"(tried {retry.TRIES} times)" in report.message
    assert len(asked) == retry.TRIES * len(catalogue.tables())


@pytest.mark.parametrize("largest", [5, 2])
def test_case_az_5_an_answer_that_is_too_large_is_asked_for_in_halves(account, largest):
    account.largest = largest
    sink = read(account)
    assert outcome(sink, "azure_disk") == (Outcome.COMPLETE, 7)
    assert outcome(sink, "azure_network_interface") == (Outcome.COMPLETE, 7)
    assert [query["options"]["$top"] for query in account.queries][:3] == [1000, 500, 250]


def test_case_az_5_two_rows_that_are_too_large_are_an_error(account):
    account.largest = 1
    report = read(account).report("azure_disk")
    assert report.outcome is Outcome.ERROR
    assert "larger than Azure sends (BadRequest)" in report.message


def test_case_az_7_ten_minutes_are_not_waited_for(account, monkeypatch):
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    account.fault = limited("virtualMachines", 1000, 429, {"Retry-After": "600"}, "TooManyRequests")
    report = read(account).report("azure_vm")
    assert report.outcome is Outcome.THROTTLED
    assert max(waits) <= retry.LONGEST_WAIT
    assert "it asks for a wait of 600 s" in report.message


def test_a_typed_client_and_a_path_keep_the_same_quota(account, monkeypatch):
    """Little is left of the subscription's reads: what comes next waits, whoever sends it."""
    waits = []
    monkeypatch.setattr(retry, "wait", waits.append)
    account.headers = {"x-ms-ratelimit-remaining-subscription-reads": "3"}
    assert read(account).tally.complete
    assert waits
    assert max(waits) <= 1.0


def test_typed_clients_change_nothing_and_retry_nothing_themselves(account):
    account.fault = limited("storageAccounts", 1, 409, code="MissingSubscriptionRegistration")
    read(account)
    assert not [path for method, path in account.requests if method == "POST" and "register" in path]
