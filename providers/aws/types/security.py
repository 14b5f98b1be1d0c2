"""Who may do what, and what keeps secrets. Of secrets and parameters, only what is known about them is read, never their values."""

from __future__ import annotations

from providers.aws.declaration import Detail, Kind, LinkRule, Listing

HAS_POLICY = LinkRule("has_policy", "AttachedManagedPolicies[].PolicyArn")
BOUNDED_BY = LinkRule("bounded_by", "PermissionsBoundary.PermissionsBoundaryArn")
DETAILS = "GetAccountAuthorizationDetails"
FILTER = {"Filter": ["User", "Role", "Group", "LocalManagedPolicy"]}

# A table reads better than one argument a line.
# fmt: off
SECURITY = (
    Kind(
        "iam_user", "user", "iam", DETAILS, "UserDetailList[]", "{Arn}", name="UserName", parameters=FILTER, regional=False,
        links=(HAS_POLICY, BOUNDED_BY, LinkRule("member_of", "GroupArns[]")), omit=("GroupArns",),
        unordered=("GroupList", "AttachedManagedPolicies", "UserPolicyList"),
    ),
    Kind(
        "iam_group", "group", "iam", DETAILS, "GroupDetailList[]", "{Arn}", name="GroupName", parameters=FILTER, tags="", regional=False,
        links=(HAS_POLICY,), unordered=("AttachedManagedPolicies", "GroupPolicyList"),
    ),
    Kind(
        "iam_role", "role", "iam", DETAILS, "RoleDetailList[]", "{Arn}", name="RoleName", parameters=FILTER, regional=False,
        links=(HAS_POLICY, BOUNDED_BY), unordered=("AttachedManagedPolicies", "RolePolicyList", "InstanceProfileList"),
    ),
    Kind(
        "iam_policy", "permission", "iam", DETAILS, "Policies[]", "{Arn}", name="PolicyName", parameters=FILTER, tags="", regional=False,
        unordered=("PolicyVersionList",), omit=("AttachmentCount", "PermissionsBoundaryUsageCount"),
    ),
    Kind(
        "iam_access_key", "secret", "iam", "ListAccessKeys", "AccessKeyMetadata[]", "{User.Arn}/access-key/{AccessKeyId}",
        name="AccessKeyId", tags="", regional=False, under=Listing("ListUsers", "Users[]", into="User"),
        parameters={"UserName": "{User.UserName}"}, parent="{User.Arn}", omit=("User",),
    ),
    Kind(
        "iam_virtual_mfa_device", "secret", "iam", "ListVirtualMFADevices", "VirtualMFADevices[]", "{SerialNumber}", regional=False,
        parent="{User.Arn}", omit=("User", "Base32StringSeed", "QRCodePNG"), links=(LinkRule("attached_to", "User.Arn"),),
    ),
    Kind(
        "iam_instance_profile", "role", "iam", "ListInstanceProfiles", "InstanceProfiles[]", "{Arn}", name="InstanceProfileName",
        regional=False, links=(LinkRule("has_role", "Roles[].Arn"),), omit=("Roles",),
    ),
    Kind(
        "iam_saml_provider", "identity_provider", "iam", "ListSAMLProviders", "SAMLProviderList[]", "{Arn}", tags="", regional=False,
    ),
    Kind(
        "iam_oidc_provider", "identity_provider", "iam", "ListOpenIDConnectProviders", "OpenIDConnectProviderList[]", "{Arn}", tags="",
        regional=False,
    ),
    Kind(
        "kms_key", "secret", "kms", "ListKeys", "Keys[]", "{KeyArn}", tagged_as="kms:key",
        details=(Detail("DescribeKey", {"KeyId": "{KeyId}"}, "KeyMetadata"),), omit=("AWSAccountId",),
    ),
    Kind(
        "kms_alias", "secret", "kms", "ListAliases", "Aliases[]", "{AliasArn}", name="AliasName", tags="",
        links=(LinkRule("alias_of", "TargetKeyId", "kms:key/{value}"),),
    ),
    Kind(
        "secretsmanager_secret", "secret", "secretsmanager", "ListSecrets", "SecretList[]", "{ARN}", name="Name",
        omit=("SecretVersionsToStages",), links=(LinkRule("encrypted_with", "KmsKeyId"),),
    ),
    Kind(
        "ssm_parameter", "secret", "ssm", "DescribeParameters", "Parameters[]", "{ARN}", name="Name",
        tagged_as="ssm:parameter", omit=("AllowedPattern",),
    ),
    Kind(
        "ssm_managed_instance", "compute", "ssm", "DescribeInstanceInformation", "InstanceInformationList[]",
        "ssm:managed-instance/{InstanceId}", name="ComputerName", tags="",
        omit=(
            "PingStatus", "LastPingDateTime", "AssociationStatus", "LastAssociationExecutionDate", "LastSuccessfulAssociationExecutionDate",
            "AssociationOverview", "IsLatestVersion",
        ),
        links=(LinkRule("runs_on", "InstanceId", "ec2:instance/{value}", when=("ResourceType", "EC2Instance")),),
    ),
    Kind(
        "acm_certificate", "certificate", "acm", "ListCertificates", "CertificateSummaryList[]", "{CertificateArn}", name="DomainName",
        tagged_as="acm:certificate", unordered=("SubjectAlternativeNameSummaries",), omit=("InUse",),
    ),
    Kind(
        "cloudtrail_trail", "monitoring", "cloudtrail", "DescribeTrails", "trailList[]", "{TrailARN}", name="Name",
        parameters={"includeShadowTrails": False}, tagged_as="cloudtrail:trail",
        links=(LinkRule("writes_to", "S3BucketName", "arn:{partition}:s3:::{value}"),),
    ),
    Kind(
        "cognito_user_pool", "identity_provider", "cognito-idp", "ListUserPools", "UserPools[]", "cognito-idp:userpool/{Id}",
        name="Name", parameters={"MaxResults": 60}, tagged_as="cognito-idp:userpool",
    ),
)
# fmt: on
