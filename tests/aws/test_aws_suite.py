"""The inherited suite on AWS, answered by moto."""

from __future__ import annotations

import pytest

from peers.moto import KEYS
from providers.testing import ProviderSuite


class TestAws(ProviderSuite):
    provider = "aws"
    config = {**KEYS, "regions": ["us-east-1", "eu-west-1"]}
    secrets = tuple(KEYS.values())
    expected = {"vpc", "subnet", "security_group", "s3_bucket", "iam_user", "iam_group", "iam_role", "ec2_instance"}

    @pytest.fixture(autouse=True)
    def account(self, moto):
        self.operator = moto.operator
