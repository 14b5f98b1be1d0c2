"""How many calls Azure takes, as docs/providers.md says it, beside one list for each type."""

from __future__ import annotations

import pytest
from azure_account import read
from costs import documented
from peers.arm_account import SUBSCRIPTION

from providers.azure import catalogue

MORE = [f"{number:08}-0000-4000-8000-000000000000" for number in range(1, 10)]


def calls(azure) -> int:
    """The calls of one run, without those of the sign-in."""
    azure.page = 1000
    azure.requests.clear()
    read(azure)
    return len([path for _, path in azure.requests if "oauth2" not in path and "openid" not in path])


def naive() -> int:
    """One list for each type, of a page each."""
    apart = [kind for kind in catalogue.KINDS if not kind.inside and not kind.optional and not kind.rest]
    return sum(len(kind.arm_types) for kind in apart)


@pytest.fixture
def empty(azure):
    azure.subscription()
    return azure


def test_an_empty_subscription(empty):
    assert (calls(empty), naive()) == documented("Azure", "an empty subscription")


def test_ten_empty_subscriptions(empty):
    for number in MORE:
        empty.subscription(number)
    assert (calls(empty), 10 * naive()) == documented("Azure", "ten empty subscriptions")


def test_a_subscription_of_a_thousand_resources(empty):
    types = [kind.arm_type for kind in catalogue.in_table("Resources") if not kind.rest and not kind.variant][:20]
    for number in range(1000):
        empty.add(types[number % len(types)], f"r{number}")
    assert (calls(empty), naive()) == documented("Azure", "a subscription of 1,000 resources of 20 types")


def test_a_hundred_storage_accounts(empty):
    for number in range(100):
        empty.add("Microsoft.Storage/storageAccounts", f"store{number}")
    more, before = calls(empty), documented("Azure", "an empty subscription")[0]
    assert (more - before, 200) == documented("Azure", "each 100 storage accounts, for containers and shares")
    assert len(empty.objects[SUBSCRIPTION]["microsoft.storage/storageaccounts"]) == 100
