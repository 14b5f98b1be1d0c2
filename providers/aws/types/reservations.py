"""Reservations: what has been paid for in advance. Optional types, for those who count costs."""

from __future__ import annotations

from providers.aws.declaration import AwsKind
from providers.aws.types.network import not_gone

# A table reads better than one argument a line.
# fmt: off
RESERVATIONS = (
    AwsKind(
        "reserved_instance", "billing", "ec2:reserved-instances/{ReservedInstancesId}", "ec2", "DescribeReservedInstances",
        "ReservedInstances[]", parameters={"Filters": not_gone("state", "payment-pending", "active", "payment-failed")}, optional=True,
    ),
    AwsKind(
        "rds_reserved_instance", "billing", "{ReservedDBInstanceArn}", "rds", "DescribeReservedDBInstances", "ReservedDBInstances[]",
        name="ReservedDBInstanceId", tagged_as="rds:ri", optional=True,
    ),
    AwsKind(
        "savings_plan", "billing", "{savingsPlanArn}", "savingsplans", "DescribeSavingsPlans", "savingsPlans[]", name="savingsPlanId",
        tags="tags", regional=False, optional=True,
    ),
)
# fmt: on
