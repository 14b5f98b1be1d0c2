"""Access points of S3, and what an account forbids for all its buckets: optional types, as they take clients of one more service."""

from __future__ import annotations

from providers.aws.declaration import AwsKind, Detail, Listing
from providers.catalogue.kinds import LinkRule

ACCOUNT = {"AccountId": "{account}"}
BUCKET = "arn:{partition}:s3:::{value}"
BLOCK = Listing(
    "GetPublicAccessBlock", "PublicAccessBlockConfiguration", parameters=ACCOUNT, into="Block",
    absent=("NoSuchPublicAccessBlockConfiguration",), permission="s3:GetAccountPublicAccessBlock",
)  # fmt: skip

# A table reads better than one argument a line.
# fmt: off
ACCESS_POINTS = (
    AwsKind(
        "s3_access_point", "storage", "{AccessPointArn}", "s3control", "ListAccessPoints", "AccessPointList[]", name="Name", tags="",
        optional=True, parameters=ACCOUNT, details=(Detail("GetAccessPoint", {**ACCOUNT, "Name": "{Name}"}),),
        links=(LinkRule("exposes", "Bucket", BUCKET), LinkRule("in_vpc", "VpcConfiguration.VpcId", "ec2:vpc/{value}")),
    ),
    AwsKind(
        "s3_multi_region_access_point", "storage", "arn:{partition}:s3::{account}:accesspoint/{Alias}", "s3control",
        "ListMultiRegionAccessPoints", "AccessPoints[]", name="Name", tags="", optional=True, parameters=ACCOUNT, regional=False,
        home="us-west-2", unordered=("Regions",), links=(LinkRule("exposes", "Regions[].Bucket", BUCKET),),
    ),
    AwsKind(
        "s3_account_public_access_block", "configuration", "arn:{partition}:s3::{account}:public-access-block", "s3control",
        "GetPublicAccessBlock", "PublicAccessBlockConfiguration", tags="", optional=True, parameters=ACCOUNT, regional=False, under=BLOCK,
        omit=("Block",), permission="s3:GetAccountPublicAccessBlock",
    ),
)
# fmt: on
