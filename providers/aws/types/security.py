"""Types for identities, permissions and secrets. Secrets and parameters are read without their values."""

from __future__ import annotations

from providers.aws.declaration import KEY, AwsKind, Detail, Listing
from providers.catalogue.kinds import LinkRule

HAS_POLICY = LinkRule("has_policy", "AttachedManagedPolicies[].PolicyArn")
BOUNDED_BY = LinkRule("bounded_by", "PermissionsBoundary.PermissionsBoundaryArn")
DETAILS = "GetAccountAuthorizationDetails"
FILTER = {"Filter": ["User", "Role", "Group", "LocalManagedPolicy"]}

KEY_TYPES = ["RSA_1024", "RSA_2048", "RSA_3072", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1"]
"""Key types of certificates: without this argument, AWS lists only those with RSA keys of up to 2,048 bits."""

KEY_COLUMNS = tuple(
    f"access_key_{number}_{column}" for number in (1, 2) for column in ("active", "last_rotated", "last_used_date")
)  # fmt: skip
CREDENTIAL_COLUMNS = (
    "user", "arn", "user_creation_time", "password_enabled", "password_last_used", "password_last_changed", "mfa_active",
    *KEY_COLUMNS, "cert_1_active", "cert_1_last_rotated", "cert_2_active", "cert_2_last_rotated",
)  # fmt: skip
"""The columns of the credential report that are stored: not where and by which service a key was last used, which changes all the time.

Nor the end of a password, which follows from its last change and the account's password policy.
"""

# A table reads better than one argument a line.
# fmt: off
SECURITY = (
    AwsKind(
        "iam_user", "user", "{Arn}", "iam", DETAILS, "UserDetailList[]", name="UserName", parameters=FILTER, regional=False,
        links=(HAS_POLICY, BOUNDED_BY, LinkRule("member_of", "GroupArns[]")), omit=("GroupArns",),
        unordered=("GroupList", "AttachedManagedPolicies", "UserPolicyList"),
    ),
    AwsKind(
        "iam_group", "group", "{Arn}", "iam", DETAILS, "GroupDetailList[]", name="GroupName", parameters=FILTER, tags="", regional=False,
        links=(HAS_POLICY,), unordered=("AttachedManagedPolicies", "GroupPolicyList"),
    ),
    AwsKind(
        "iam_role", "role", "{Arn}", "iam", DETAILS, "RoleDetailList[]", name="RoleName", parameters=FILTER, regional=False,
        links=(HAS_POLICY, BOUNDED_BY, LinkRule("assumable_by", "AssumableBy[]")),
        unordered=("AttachedManagedPolicies", "RolePolicyList", "InstanceProfileList"),
        omit=("AssumableBy", "RoleLastUsed", "InstanceProfileList[].Roles[].RoleLastUsed"),
    ),
    AwsKind(
        "iam_policy", "permission", "{Arn}", "iam", DETAILS, "Policies[]", name="PolicyName", parameters=FILTER, tags="", regional=False,
        unordered=("PolicyVersionList",), omit=("AttachmentCount", "PermissionsBoundaryUsageCount"),
    ),
    AwsKind(
        "iam_access_key", "secret", "{User.Arn}/access-key/{AccessKeyId}", "iam", "ListAccessKeys", "AccessKeyMetadata[]",
        name="AccessKeyId", tags="", regional=False, under=Listing("ListUsers", "Users[]", into="User"),
        parameters={"UserName": "{User.UserName}"}, parent="{User.Arn}", omit=("User",),
    ),
    AwsKind(
        "iam_credentials", "secret", "{arn}/credentials", "iam", "GetCredentialReport", "Content", name="user", tags="", regional=False,
        optional=True, table=True, as_of="GeneratedTime", under=Listing("GenerateCredentialReport", "", into="Report"), parent="{arn}",
        omit=("Report",), kept=CREDENTIAL_COLUMNS,
    ),
    AwsKind(
        "iam_virtual_mfa_device", "secret", "{SerialNumber}", "iam", "ListVirtualMFADevices", "VirtualMFADevices[]", regional=False,
        parent="{User.Arn}", omit=("User", "Base32StringSeed", "QRCodePNG"), links=(LinkRule("attached_to", "User.Arn"),),
    ),
    AwsKind(
        "iam_instance_profile", "role", "{Arn}", "iam", "ListInstanceProfiles", "InstanceProfiles[]", name="InstanceProfileName",
        regional=False, links=(LinkRule("has_role", "Roles[].Arn"),), omit=("Roles",),
    ),
    AwsKind(
        "iam_saml_provider", "identity_provider", "{Arn}", "iam", "ListSAMLProviders", "SAMLProviderList[]", tags="", regional=False,
    ),
    AwsKind(
        "iam_oidc_provider", "identity_provider", "{Arn}", "iam", "ListOpenIDConnectProviders", "OpenIDConnectProviderList[]", tags="",
        regional=False,
    ),
    AwsKind(
        "kms_key", "secret", "{KeyArn}", "kms", "ListKeys", "Keys[]", tagged_as="kms:key",
        details=(Detail("DescribeKey", {"KeyId": "{KeyId}"}, "KeyMetadata"),), omit=("AWSAccountId",),
        unmasked=("CustomerMasterKeySpec",),
    ),
    AwsKind(
        "kms_alias", "secret", "{AliasArn}", "kms", "ListAliases", "Aliases[]", name="AliasName", tags="",
        links=(LinkRule("alias_of", "TargetKeyId", "kms:key/{value}"),),
    ),
    AwsKind(
        "secretsmanager_secret", "secret", "{ARN}", "secretsmanager", "ListSecrets", "SecretList[]", name="Name",
        omit=("LastAccessedDate", "SecretVersionsToStages"),
        links=(LinkRule("encrypted_with", "KmsKeyId", KEY), LinkRule("rotated_by", "RotationLambdaARN")),
    ),
    AwsKind(
        "ssm_parameter", "secret", "{ARN}", "ssm", "DescribeParameters", "Parameters[]", name="Name",
        tagged_as="ssm:parameter", omit=("AllowedPattern",), links=(LinkRule("encrypted_with", "KeyId", KEY),),
    ),
    AwsKind(
        "ssm_managed_instance", "compute", "ssm:managed-instance/{InstanceId}", "ssm", "DescribeInstanceInformation",
        "InstanceInformationList[]", name="ComputerName", tags="",
        omit=(
            "PingStatus", "LastPingDateTime", "AssociationStatus", "LastAssociationExecutionDate", "LastSuccessfulAssociationExecutionDate",
            "AssociationOverview", "IsLatestVersion",
        ),
        links=(LinkRule("runs_on", "InstanceId", "ec2:instance/{value}", when=("ResourceType", "EC2Instance")),),
    ),
    AwsKind(
        "acm_certificate", "certificate", "{CertificateArn}", "acm", "ListCertificates", "CertificateSummaryList[]", name="DomainName",
        tagged_as="acm:certificate", parameters={"Includes": {"keyTypes": KEY_TYPES}}, unordered=("SubjectAlternativeNameSummaries",),
        omit=("InUse",),
    ),
    AwsKind(
        "cloudtrail_trail", "monitoring", "{TrailARN}", "cloudtrail", "DescribeTrails", "trailList[]", name="Name",
        parameters={"includeShadowTrails": False}, tagged_as="cloudtrail:trail",
        links=(
            LinkRule("writes_to", "S3BucketName", "arn:{partition}:s3:::{value}"), LinkRule("encrypted_with", "KmsKeyId", KEY),
            LinkRule("writes_to", "CloudWatchLogsLogGroupArn", "{group}", match=r"(?P<group>.+?)(?::\*)?$"),
            LinkRule("has_role", "CloudWatchLogsRoleArn"), LinkRule("notifies", "SnsTopicARN"),
        ),
    ),
    AwsKind(
        "cognito_user_pool", "identity_provider", "cognito-idp:userpool/{Id}", "cognito-idp", "ListUserPools", "UserPools[]",
        name="Name", parameters={"MaxResults": 60}, tagged_as="cognito-idp:userpool",
        unmasked=("LambdaConfig.PreTokenGenerationConfig.LambdaVersion",),
    ),
    AwsKind(
        "iam_account", "account", "arn:{partition}:iam::{account}:root", "iam", "GetAccountSummary", "SummaryMap", tags="", regional=False,
        details=(
            Detail("GetAccountPasswordPolicy", {}, "PasswordPolicy", "PasswordPolicy", ("NoSuchEntity", "NoSuchEntityException")),
        ),
        kept=(
            "AccountMFAEnabled", "AccountAccessKeysPresent", "AccountPasswordPresent", "AccountSigningCertificatesPresent",
            "PasswordPolicy",
        ),
    ),
)
# fmt: on
