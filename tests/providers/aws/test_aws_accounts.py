"""Accounts of an organization: their states, how many are read at once, and what becomes of a run whose token expires."""

from __future__ import annotations

import json
import threading

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, read_all, report

from providers.errors import BadAnswer, CredentialsError, Outcome
from providers.records import Scope

OTHERS = [f"2{number:011d}" for number in range(8)]
CAP = 60.0


def listing(*accounts: dict[str, str]) -> AwsReply:
    return AwsReply(200, "", json.dumps({"Accounts": [{"Arn": "arn", "Name": "x", **account} for account in accounts]}).encode())


def listed(aws_proxy, *accounts: dict[str, str], **config):
    answer = listing(*accounts)
    with aws_proxy.broken(lambda call: answer if call.operation == "ListAccounts" else None):
        return read(aws_proxy.url, "sqs_queue", assume_role_name="Reader", **config)


@pytest.mark.parametrize("body", [b"{}", b'{"Accounts": []}'])
def test_an_organization_without_accounts_is_an_error_and_not_a_run_with_nothing_to_do(moto: Moto, aws_proxy, body):
    answer = AwsReply(200, "", body)
    with (
        aws_proxy.broken(lambda call: answer if call.operation == "ListAccounts" else None),
        pytest.raises(BadAnswer, match="names no account of the organization"),
    ):
        read(aws_proxy.url, "sqs_queue", assume_role_name="Reader")


@pytest.mark.parametrize("account", [{"State": "ACTIVE"}, {"Status": "ACTIVE"}, {"State": "ACTIVE", "Status": "SUSPENDED"}])
def test_case_aws_2_an_account_with_a_state_a_status_or_both(moto: Moto, aws_proxy, account):
    collected = listed(aws_proxy, {"Id": OTHERS[0], **account})

    assert collected.reports[Scope("aws", OTHERS[0], REGION, "sqs_queue")].outcome is Outcome.COMPLETE


def test_case_aws_2_an_account_of_unknown_state_is_read_and_said_to_be(moto: Moto, aws_proxy):
    answer = listing({"Id": OTHERS[0]})
    with aws_proxy.broken(lambda call: answer if call.operation == "ListAccounts" else None):
        collected = read(aws_proxy.url, "sqs_queue", "iam_user", assume_role_name="Reader")
    reports = {scope: result for scope, result in collected.reports.items() if scope.account == OTHERS[0]}

    assert {result.outcome for result in reports.values()} == {Outcome.COMPLETE}
    assert [result.message for result in reports.values() if result.message] == [
        f"AWS names no state of account {OTHERS[0]}: it is read all the same"
    ]


@pytest.mark.parametrize("state", ["SUSPENDED", "PENDING_CLOSURE"])
def test_case_aws_2_an_account_that_cannot_be_read_is_skipped(moto: Moto, aws_proxy, state):
    collected = listed(aws_proxy, {"Id": OTHERS[0], "State": state}, {"Id": ACCOUNT, "State": "ACTIVE"})
    result = collected.reports[Scope("aws", OTHERS[0], "", "*")]

    assert result.outcome is Outcome.SKIPPED
    assert state in result.message
    assert report(collected, "sqs_queue").outcome is Outcome.COMPLETE


@pytest.mark.parametrize("account", [{"State": "CLOSED"}, {"Status": "SUSPENDED"}])
def test_case_aws_2_a_closed_account_is_no_part_of_the_plan(moto: Moto, aws_proxy, account):
    collected = listed(aws_proxy, {"Id": OTHERS[0], **account}, {"Id": ACCOUNT, "State": "ACTIVE"})

    assert {scope.account for scope in collected.reports} == {ACCOUNT}


@pytest.mark.parametrize("parallel", [1, 3, 8])
def test_case_aws_9_as_many_accounts_at_once_as_the_config_says(moto: Moto, aws_proxy, parallel):
    """Calls of an account are held until as many accounts as may be have one under way; a ninth would be seen."""
    meeting = Meeting(parallel)
    with aws_proxy.broken(meeting.rule):
        collected = read_all(aws_proxy.url, assume_role_name="Reader", accounts=OTHERS, parallel_accounts=parallel)

    assert meeting.largest == parallel
    assert {scope.account for scope in collected.reports} == {*OTHERS}


class Meeting:
    """The accounts that are being read: from the first call of each to the first of one that comes after it."""

    def __init__(self, wanted: int) -> None:
        self._wanted, self._changed = wanted, threading.Condition()
        self._under_way: dict[str, int] = {}
        self.largest = 0

    def rule(self, call):
        """Holds the calls of one service until the wanted number of accounts is asking for it."""
        if call.service != "sqs" or call.region != REGION:
            return
        with self._changed:
            self._under_way[call.key] = self._under_way.get(call.key, 0) + 1
            self.largest = max(self.largest, len(self._under_way))
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._under_way) >= self._wanted or self.largest >= self._wanted, CAP)
            self._under_way.pop(call.key, None)


EXPIRED = AwsReply(400, "ExpiredTokenException", message="The security token included in the request is expired")


def test_case_aws_12_an_expired_token_ends_the_run_with_one_sentence(moto: Moto, aws_proxy):
    """It is seen by those calls that are under way at that moment, and by no other."""
    expired = threading.Event()

    def rule(call):
        if call.operation == "ListKeys":
            expired.set()
        return EXPIRED if expired.is_set() else None

    with aws_proxy.broken(rule), pytest.raises(CredentialsError, match="the AWS session token has expired") as raised:
        read_all(aws_proxy.url, regions=[REGION, "eu-west-3", "us-east-1"], session_token="token")
    first = next(index for index, call in enumerate(aws_proxy.calls) if call.operation == "ListKeys")

    assert "give a new one" in str(raised.value)
    assert len(aws_proxy.calls) - first <= 16 + 8, "each thread of reads and of details has one call under way"


def test_case_aws_12_a_key_that_sts_does_not_accept_any_more_ends_the_run_too(moto: Moto, aws_proxy):
    gone = threading.Event()

    def rule(call):
        if call.operation == "ListQueues":
            gone.set()
        return AwsReply(403, "InvalidClientTokenId") if gone.is_set() else None

    with aws_proxy.broken(rule), pytest.raises(CredentialsError, match="does not accept the credentials"):
        read(aws_proxy.url, "sqs_queue", "sns_topic", "kms_key")


def test_case_aws_12_the_base_token_of_an_organization_expires(moto: Moto, aws_proxy):
    with (
        aws_proxy.broken(lambda call: EXPIRED if call.operation == "AssumeRole" else None),
        pytest.raises(CredentialsError, match="session token has expired"),
    ):
        read(aws_proxy.url, "sqs_queue", assume_role_name="Reader", accounts=OTHERS)
    assert len([call for call in aws_proxy.calls if call.operation == "AssumeRole"]) <= 2


def test_case_aws_11_the_keys_of_users_are_read_side_by_side(moto: Moto, aws_proxy):
    """Sixty calls, never more than eight at once, and more than one."""
    iam = moto.client("iam")
    for number in range(60):
        iam.create_user(UserName=f"user-{number}")
        iam.create_access_key(UserName=f"user-{number}")
    crowd = Crowd()
    with aws_proxy.broken(crowd.rule):
        collected = read(aws_proxy.url, "iam_access_key")

    assert len(found(collected, "iam_access_key")) == 60
    assert 4 <= crowd.largest <= 8
    assert [call.operation for call in aws_proxy.calls].count("ListAccessKeys") == 60
    assert [call.operation for call in aws_proxy.calls].count("ListUsers") == 1


class Crowd:
    """How many calls of one operation are under way: each waits for three others, until four were seen once."""

    def __init__(self) -> None:
        self._changed, self._present = threading.Condition(), 0
        self.largest = 0

    def rule(self, call):
        if call.operation != "ListAccessKeys":
            return
        with self._changed:
            self._present += 1
            self.largest = max(self.largest, self._present)
            self._changed.notify_all()
            self._changed.wait_for(lambda: self.largest >= 4, CAP)
            self._present -= 1
