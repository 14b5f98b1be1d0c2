"""Links from a cluster's objects to the cloud that they run in, by the ids that the providers of these clouds give them.

A node of EC2 and a volume of EBS do not say whose account they are in: the job's `aws_account` does.
"""

from __future__ import annotations

import re

_AWS = re.compile(r"aws://[^/]*/((?:[a-z]+-)+\d)[^/]*/(i-[0-9a-f]+)")
_GCE = re.compile(r"gce://([^/]+)/([^/]+)/([^/]+)")
_AZURE = re.compile(r"azure://(/subscriptions/.+)", re.IGNORECASE)
_GKE_ISSUER = re.compile(r"https://container\.googleapis\.com/v1/(projects/[^/]+/locations/[^/]+/clusters/[^/]+)")
_EKS_ISSUER = re.compile(r"https://(oidc\.eks\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/id/\w+)")
_REGION = re.compile(r"(?:[a-z]+-)+\d")


def machine(provider_id: str, aws_account: str = "") -> str:
    """The instance of EC2 or Compute Engine, or the virtual machine of Azure, of a node's providerID; empty when it is not known."""
    if (aws := _AWS.match(provider_id)) and aws_account:
        return f"arn:{partition(aws[1])}:ec2:{aws[1]}:{aws_account}:instance/{aws[2]}"
    if gce := _GCE.match(provider_id):
        return f"//compute.googleapis.com/projects/{gce[1]}/zones/{gce[2]}/instances/{gce[3]}"
    azure = _AZURE.match(provider_id)
    return azure[1].lower() if azure else ""


def volume(handle: str, zone: str, aws_account: str = "") -> str:
    """The disk behind a volume's handle, as the CSI drivers of the three clouds write it; empty when it is not known."""
    if handle.startswith("vol-") and aws_account and (region := _REGION.match(zone)):
        return f"arn:{partition(region[0])}:ec2:{region[0]}:{aws_account}:volume/{handle}"
    if re.fullmatch(r"projects/[^/]+/(zones|regions)/[^/]+/disks/[^/]+", handle):
        return f"//compute.googleapis.com/{handle}"
    return handle.lower() if handle.lower().startswith("/subscriptions/") else ""


def service_account(email: str) -> str:
    """The service account of GCP with an address."""
    return f"//iam.googleapis.com/projects/-/serviceAccounts/{email}"


def managed_cluster(issuer: str) -> str:
    """The cluster of GKE whose tokens an issuer signs; empty for others."""
    gke = _GKE_ISSUER.fullmatch(issuer)
    return f"//container.googleapis.com/{gke[1]}" if gke else ""


def identity_provider(issuer: str, aws_account: str = "") -> str:
    """The OpenID Connect provider of IAM that trusts the issuer of an EKS cluster; empty for others."""
    eks = _EKS_ISSUER.fullmatch(issuer)
    return f"arn:{partition(eks[2])}:iam::{aws_account}:oidc-provider/{eks[1]}" if eks and aws_account else ""


def partition(region: str) -> str:
    """The partition of a region of AWS."""
    return "aws-cn" if region.startswith("cn-") else "aws-us-gov" if region.startswith("us-gov-") else "aws"
