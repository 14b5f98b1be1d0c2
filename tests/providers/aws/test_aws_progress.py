"""Every answer of AWS is progress."""

from __future__ import annotations

from peers.moto import Moto
from test_aws_reading import REGION, found, read

from providers import progress


def test_case_aws_13_every_answer_counts(moto: Moto, aws_proxy):
    """Two details for each queue: a read that gives nothing yet still moves."""
    for number in range(12):
        moto.client("sqs", REGION).create_queue(QueueName=f"queue-{number}")
    before = progress.answers()
    collected = read(aws_proxy.url, "sqs_queue")

    assert len(found(collected, "sqs_queue")) == 12
    assert progress.answers() - before == len(aws_proxy.calls) > 24
