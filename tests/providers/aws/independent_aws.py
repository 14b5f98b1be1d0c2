"""A second reader of an AWS account, by boto3 alone: it shares no line with ours, and says what there is in the same words.

It is written from Amazon's own reference: a function a service, with the calls that a person would make by hand. Lists are read by boto3's
paginators where there are any. Nothing here may import `providers` or `worker`: a test holds it to that.
"""

from __future__ import annotations

import collections
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

Client = Callable[[str], Any]
Links = set[tuple[str, str]]


class Found(NamedTuple):
    """A resource: its type, its tags, and its links as (type, ARN)."""

    type: str
    tags: dict[str, str]
    links: Links


class Account:
    """Reads one region of one account, and what is global."""

    def __init__(self, client: Client, region: str) -> None:
        self._client, self._region = client, region
        self._number = client("sts").get_caller_identity()["Account"]
        self.found: dict[str, Found] = {}

    def read(self) -> dict[str, Found]:
        """Everything, by ARN."""
        parts = (self._networks, self._machines, self._balancers, self._groups_of_machines, self._storage, self._databases, self._functions)
        for part in (*parts, self._messages, self._events, self._watching, self._keys, self._containers, self._names, self._people):
            part()
        return self.found

    def _put(self, arn: str, kind: str, tags: dict[str, str] | None = None, links: Links | None = None) -> None:
        assert arn not in self.found, arn
        self.found[arn] = Found(kind, tags or {}, {(name, target) for name, target in links or set() if target})

    def _all(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        client = self._client(service)
        if client.can_paginate(operation):
            for page in client.get_paginator(operation).paginate(**parameters):
                yield from page.get(key, ())
        else:
            yield from getattr(client, operation)(**parameters).get(key, ())

    def _ec2(self, kind: str, number: str | None) -> str:
        return f"arn:aws:ec2:{self._region}:{self._number}:{kind}/{number}" if number else ""

    def _placed(self, item: dict[str, Any], subnets: list[str], groups: list[str]) -> Links:
        """The links to networks that most things have."""
        links = {("in_subnet", self._ec2("subnet", one)) for one in subnets}
        links |= {("has_security_group", self._ec2("security-group", one)) for one in groups}
        return links | {("in_vpc", self._ec2("vpc", item.get("VpcId")))}

    def _networks(self) -> None:
        in_vpc = lambda item: {("in_vpc", self._ec2("vpc", item["VpcId"]))}  # noqa: E731
        for vpc in self._all("ec2", "describe_vpcs", "Vpcs"):
            self._put(self._ec2("vpc", vpc["VpcId"]), "vpc", _tags(vpc))
        for subnet in self._all("ec2", "describe_subnets", "Subnets"):
            self._put(self._ec2("subnet", subnet["SubnetId"]), "subnet", _tags(subnet), in_vpc(subnet))
        for group in self._all("ec2", "describe_security_groups", "SecurityGroups"):
            self._put(self._ec2("security-group", group["GroupId"]), "security_group", _tags(group), in_vpc(group))
        for acl in self._all("ec2", "describe_network_acls", "NetworkAcls"):
            attached = {("attached_to", self._ec2("subnet", one["SubnetId"])) for one in acl["Associations"]}
            self._put(self._ec2("network-acl", acl["NetworkAclId"]), "network_acl", _tags(acl), in_vpc(acl) | attached)
        for table in self._all("ec2", "describe_route_tables", "RouteTables"):
            links = {("attached_to", self._ec2("subnet", one.get("SubnetId"))) for one in table["Associations"]}
            links |= {("routes_to", self._ec2("natgateway", route.get("NatGatewayId"))) for route in table["Routes"]}
            gateways = [route.get("GatewayId", "local") for route in table["Routes"]]
            for start, kind in (("igw-", "internet-gateway"), ("vpce-", "vpc-endpoint")):
                links |= {("routes_to", self._ec2(kind, one)) for one in gateways if one.startswith(start)}
            self._put(self._ec2("route-table", table["RouteTableId"]), "route_table", _tags(table), links | in_vpc(table))
        for gateway in self._all("ec2", "describe_internet_gateways", "InternetGateways"):
            attached = {("attached_to", self._ec2("vpc", one["VpcId"])) for one in gateway["Attachments"]}
            self._put(self._ec2("internet-gateway", gateway["InternetGatewayId"]), "internet_gateway", _tags(gateway), attached)
        for gateway in self._all("ec2", "describe_nat_gateways", "NatGateways"):
            if gateway["State"] != "deleted":
                links = in_vpc(gateway) | {("in_subnet", self._ec2("subnet", gateway["SubnetId"]))}
                links |= {("has_address", self._ec2("elastic-ip", one.get("AllocationId"))) for one in gateway["NatGatewayAddresses"]}
                self._put(self._ec2("natgateway", gateway["NatGatewayId"]), "nat_gateway", _tags(gateway), links)
        for peering in self._all("ec2", "describe_vpc_peering_connections", "VpcPeeringConnections"):
            sides = (peering["RequesterVpcInfo"], peering["AccepterVpcInfo"])
            links = {("connects", f"arn:aws:ec2:{side['Region']}:{side['OwnerId']}:vpc/{side['VpcId']}") for side in sides}
            self._put(self._ec2("vpc-peering-connection", peering["VpcPeeringConnectionId"]), "vpc_peering", _tags(peering), links)
        for endpoint in self._all("ec2", "describe_vpc_endpoints", "VpcEndpoints"):
            links = self._placed(endpoint, endpoint.get("SubnetIds", []), [one["GroupId"] for one in endpoint.get("Groups", ())])
            links |= {("attached_to", self._ec2("route-table", one)) for one in endpoint.get("RouteTableIds", ())}
            self._put(self._ec2("vpc-endpoint", endpoint["VpcEndpointId"]), "vpc_endpoint", _tags(endpoint), links)

    def _machines(self) -> None:
        for reservation in self._all("ec2", "describe_instances", "Reservations"):
            for machine in reservation["Instances"]:
                if machine["State"]["Name"] == "terminated":
                    continue
                links = self._placed(machine, [machine["SubnetId"]], [one["GroupId"] for one in machine["SecurityGroups"]])
                links |= {("has_instance_profile", machine.get("IamInstanceProfile", {}).get("Arn", ""))}
                links |= {("runs_image", self._ec2("image", machine["ImageId"]))}
                self._put(self._ec2("instance", machine["InstanceId"]), "ec2_instance", _tags(machine), links)
        for card in self._all("ec2", "describe_network_interfaces", "NetworkInterfaces"):
            links = self._placed(card, [card["SubnetId"]], [one["GroupId"] for one in card["Groups"]])
            links |= {("attached_to", self._ec2("instance", card.get("Attachment", {}).get("InstanceId")))}
            self._put(self._ec2("network-interface", card["NetworkInterfaceId"]), "network_interface", _tags(card, "TagSet"), links)
        for address in self._all("ec2", "describe_addresses", "Addresses"):
            links = {("attached_to", self._ec2("instance", address.get("InstanceId")))}
            links |= {("attached_to", self._ec2("network-interface", address.get("NetworkInterfaceId")))}
            self._put(self._ec2("elastic-ip", address["AllocationId"]), "elastic_ip", _tags(address), links)
        for image in self._all("ec2", "describe_images", "Images", Owners=["self"]):
            disks = [disk.get("Ebs", {}).get("SnapshotId") for disk in image["BlockDeviceMappings"]]
            self._put(self._ec2("image", image["ImageId"]), "ami", _tags(image), {("made_of", self._ec2("snapshot", one)) for one in disks})
        for pair in self._all("ec2", "describe_key_pairs", "KeyPairs"):
            self._put(self._ec2("key-pair", pair["KeyPairId"]), "key_pair", _tags(pair))
        for template in self._all("ec2", "describe_launch_templates", "LaunchTemplates"):
            self._put(self._ec2("launch-template", template["LaunchTemplateId"]), "launch_template", _tags(template))

    def _balancers(self) -> None:
        client = self._client("elbv2")
        tagged = lambda arn: _pairs(client.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])  # noqa: E731
        for balancer in self._all("elbv2", "describe_load_balancers", "LoadBalancers"):
            arn = balancer["LoadBalancerArn"]
            zones = [zone["SubnetId"] for zone in balancer["AvailabilityZones"]]
            self._put(arn, "load_balancer", tagged(arn), self._placed(balancer, zones, balancer.get("SecurityGroups", [])))
            for listener in self._all("elbv2", "describe_listeners", "Listeners", LoadBalancerArn=arn):
                links = {("forwards_to", action.get("TargetGroupArn", "")) for action in listener["DefaultActions"]}
                self._put(listener["ListenerArn"], "listener", tagged(listener["ListenerArn"]), links)
        for group in self._all("elbv2", "describe_target_groups", "TargetGroups"):
            arn, links = group["TargetGroupArn"], {("attached_to", one) for one in group["LoadBalancerArns"]}
            for one in client.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]:
                links |= {("balances", self._ec2("instance", one["Target"]["Id"]))}
            self._put(arn, "target_group", tagged(arn), links | {("in_vpc", self._ec2("vpc", group.get("VpcId")))})

    def _groups_of_machines(self) -> None:
        for group in self._all("autoscaling", "describe_auto_scaling_groups", "AutoScalingGroups"):
            links = {("contains", self._ec2("instance", one["InstanceId"])) for one in group["Instances"]}
            links |= {("uses", self._ec2("launch-template", group.get("LaunchTemplate", {}).get("LaunchTemplateId")))}
            links |= {("attached_to", arn) for arn in group.get("TargetGroupARNs", ())}
            self._put(group["AutoScalingGroupARN"], "auto_scaling_group", _tags(group), links)

    def _storage(self) -> None:
        for volume in self._all("ec2", "describe_volumes", "Volumes"):
            links = {("attached_to", self._ec2("instance", one["InstanceId"])) for one in volume["Attachments"]}
            links |= {("encrypted_with", volume.get("KmsKeyId", "")), ("made_of", self._ec2("snapshot", volume.get("SnapshotId")))}
            self._put(self._ec2("volume", volume["VolumeId"]), "ebs_volume", _tags(volume), links)
        for snapshot in self._all("ec2", "describe_snapshots", "Snapshots", OwnerIds=["self"]):
            links = {("made_of", self._ec2("volume", snapshot["VolumeId"])), ("encrypted_with", snapshot.get("KmsKeyId", ""))}
            self._put(self._ec2("snapshot", snapshot["SnapshotId"]), "ebs_snapshot", _tags(snapshot), links)
        s3 = self._client("s3")
        for bucket in self._all("s3", "list_buckets", "Buckets"):
            if (s3.get_bucket_location(Bucket=bucket["Name"])["LocationConstraint"] or "us-east-1") == self._region:
                try:
                    tags = _pairs(s3.get_bucket_tagging(Bucket=bucket["Name"])["TagSet"])
                except s3.exceptions.ClientError:
                    tags = {}
                self._put(f"arn:aws:s3:::{bucket['Name']}", "s3_bucket", tags)
        for files in self._all("efs", "describe_file_systems", "FileSystems"):
            self._put(files["FileSystemArn"], "efs_file_system", _tags(files), {("encrypted_with", files.get("KmsKeyId", ""))})

    def _databases(self) -> None:
        for database in self._all("rds", "describe_db_instances", "DBInstances"):
            network = database.get("DBSubnetGroup", {})
            groups = [one["VpcSecurityGroupId"] for one in database["VpcSecurityGroups"]]
            links = self._placed(network, [one["SubnetIdentifier"] for one in network.get("Subnets", ())], groups)
            named = [("pg", one["DBParameterGroupName"]) for one in database["DBParameterGroups"]]
            named += [("subgrp", network["DBSubnetGroupName"])] if network else []
            links |= {("uses", f"arn:aws:rds:{self._region}:{self._number}:{kind}:{name}") for kind, name in named}
            self._put(database["DBInstanceArn"], "rds_instance", _tags(database, "TagList"), links)
        client = self._client("dynamodb")
        for name in self._all("dynamodb", "list_tables", "TableNames"):
            arn = client.describe_table(TableName=name)["Table"]["TableArn"]
            self._put(arn, "dynamodb_table", _pairs(client.list_tags_of_resource(ResourceArn=arn)["Tags"]))

    def _functions(self) -> None:
        client = self._client("lambda")
        for function in self._all("lambda", "list_functions", "Functions"):
            network = function.get("VpcConfig", {})
            links = self._placed(network, network.get("SubnetIds", []), network.get("SecurityGroupIds", []))
            tags = client.list_tags(Resource=function["FunctionArn"])["Tags"]
            self._put(function["FunctionArn"], "lambda_function", tags, links | {("has_role", function["Role"])})

    def _messages(self) -> None:
        sqs, sns, kinesis = self._client("sqs"), self._client("sns"), self._client("kinesis")
        for url in self._all("sqs", "list_queues", "QueueUrls"):
            arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
            self._put(arn, "sqs_queue", sqs.list_queue_tags(QueueUrl=url).get("Tags", {}))
        for topic in self._all("sns", "list_topics", "Topics"):
            self._put(topic["TopicArn"], "sns_topic", _pairs(sns.list_tags_for_resource(ResourceArn=topic["TopicArn"])["Tags"]))
        for one in self._all("sns", "list_subscriptions", "Subscriptions"):
            links = {("attached_to", one["TopicArn"])} | (
                {("notifies", one["Endpoint"])} if one["Protocol"] in ("sqs", "lambda") else set()
            )
            self._put(one["SubscriptionArn"], "sns_subscription", {}, links)
        for name in self._all("kinesis", "list_streams", "StreamNames"):
            arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
            self._put(arn, "kinesis_stream", _pairs(kinesis.list_tags_for_stream(StreamName=name)["Tags"]))

    def _events(self) -> None:
        events = self._client("events")
        for bus in self._all("events", "list_event_buses", "EventBuses"):
            self._put(bus["Arn"], "event_bus", _pairs(events.list_tags_for_resource(ResourceARN=bus["Arn"])["Tags"]))
            for rule in self._all("events", "list_rules", "Rules", EventBusName=bus["Name"]):
                links = {("member_of", bus["Arn"]), ("has_role", rule.get("RoleArn", ""))}
                tags = _pairs(events.list_tags_for_resource(ResourceARN=rule["Arn"])["Tags"])
                self._put(rule["Arn"], "event_rule", tags, links)

    def _watching(self) -> None:
        logs, cloudwatch = self._client("logs"), self._client("cloudwatch")
        for group in self._all("logs", "describe_log_groups", "logGroups"):
            arn = group["arn"].removesuffix(":*")
            links = {("encrypted_with", group.get("kmsKeyId", ""))}
            self._put(arn, "log_group", logs.list_tags_log_group(logGroupName=group["logGroupName"])["tags"], links)
        for alarm in self._all("cloudwatch", "describe_alarms", "MetricAlarms"):
            tags = _pairs(cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"])
            self._put(alarm["AlarmArn"], "cloudwatch_alarm", tags, {("notifies", one) for one in alarm["AlarmActions"]})

    def _keys(self) -> None:
        kms = self._client("kms")
        for key in self._all("kms", "list_keys", "Keys"):
            if kms.describe_key(KeyId=key["KeyId"])["KeyMetadata"]["KeyManager"] == "CUSTOMER":
                tags = {tag["TagKey"]: tag["TagValue"] for tag in kms.list_resource_tags(KeyId=key["KeyId"])["Tags"]}
                self._put(key["KeyArn"], "kms_key", tags)
        for alias in self._all("kms", "list_aliases", "Aliases"):
            target = alias.get("TargetKeyId")
            links = {("alias_of", f"arn:aws:kms:{self._region}:{self._number}:key/{target}")} if target else set()
            self._put(alias["AliasArn"], "kms_alias", {}, links)
        for secret in self._all("secretsmanager", "list_secrets", "SecretList"):
            self._put(secret["ARN"], "secretsmanager_secret", _tags(secret), {("encrypted_with", secret.get("KmsKeyId", ""))})

    def _containers(self) -> None:
        ecs, ecr = self._client("ecs"), self._client("ecr")
        for arn in self._all("ecs", "list_clusters", "clusterArns"):
            self._put(arn, "ecs_cluster", {tag["key"]: tag["value"] for tag in ecs.list_tags_for_resource(resourceArn=arn)["tags"]})
        for repository in self._all("ecr", "describe_repositories", "repositories"):
            arn = repository["repositoryArn"]
            self._put(arn, "ecr_repository", _pairs(ecr.list_tags_for_resource(resourceArn=arn)["tags"]))
        for group in self._all("athena", "list_work_groups", "WorkGroups"):
            self._put(f"arn:aws:athena:{self._region}:{self._number}:workgroup/{group['Name']}", "athena_workgroup")

    def _names(self) -> None:
        for zone in self._all("route53", "list_hosted_zones", "HostedZones"):
            arn = f"arn:aws:route53:::{zone['Id'].strip('/')}"
            number = zone["Id"].rpartition("/")[2]
            tags = self._client("route53").list_tags_for_resource(ResourceType="hostedzone", ResourceId=number)["ResourceTagSet"]["Tags"]
            self._put(arn, "route53_zone", _pairs(tags))
            for record in self._all("route53", "list_resource_record_sets", "ResourceRecordSets", HostedZoneId=zone["Id"]):
                self._put(f"{arn}/{record['Type']}/{record['Name']}/{record.get('SetIdentifier', '')}", "route53_record")

    def _people(self) -> None:
        iam = self._client("iam")
        for policy in self._all("iam", "list_policies", "Policies", Scope="Local"):
            self._put(policy["Arn"], "iam_policy")
        for group in self._all("iam", "list_groups", "Groups"):
            given = self._all("iam", "list_attached_group_policies", "AttachedPolicies", GroupName=group["GroupName"])
            self._put(group["Arn"], "iam_group", {}, {("has_policy", one["PolicyArn"]) for one in given})
        for user in self._all("iam", "list_users", "Users"):
            name = user["UserName"]
            links = {("member_of", one["Arn"]) for one in self._all("iam", "list_groups_for_user", "Groups", UserName=name)}
            given = self._all("iam", "list_attached_user_policies", "AttachedPolicies", UserName=name)
            links |= {("has_policy", one["PolicyArn"]) for one in given}
            self._put(user["Arn"], "iam_user", _pairs(iam.list_user_tags(UserName=name)["Tags"]), links)
            for key in self._all("iam", "list_access_keys", "AccessKeyMetadata", UserName=name):
                self._put(f"{user['Arn']}/access-key/{key['AccessKeyId']}", "iam_access_key")
        for role in self._all("iam", "list_roles", "Roles"):
            given = self._all("iam", "list_attached_role_policies", "AttachedPolicies", RoleName=role["RoleName"])
            assert [one["Principal"].keys() for one in role["AssumeRolePolicyDocument"]["Statement"]] == [{"Service"}]
            tags = _pairs(iam.list_role_tags(RoleName=role["RoleName"])["Tags"])
            self._put(role["Arn"], "iam_role", tags, {("has_policy", one["PolicyArn"]) for one in given})
        for profile in self._all("iam", "list_instance_profiles", "InstanceProfiles"):
            links = {("has_role", role["Arn"]) for role in profile["Roles"]}
            self._put(profile["Arn"], "iam_instance_profile", _tags(profile), links)


def _tags(item: dict[str, Any], key: str = "Tags") -> dict[str, str]:
    return _pairs(item.get(key, ()))


def _pairs(tags: Any) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def differences(ours: dict[str, Found], theirs: dict[str, Found]) -> list[str]:
    """What one of two readings has and the other has not."""
    found = collections.Counter(one.type for one in theirs.values())
    lines = [f"only ours: {arn} ({ours[arn].type})" for arn in sorted(ours.keys() - theirs.keys())]
    lines += [f"only theirs: {arn} ({theirs[arn].type})" for arn in sorted(theirs.keys() - ours.keys())]
    for arn in sorted(ours.keys() & theirs.keys()):
        one, other = ours[arn], theirs[arn]
        for name in Found._fields:
            left, right = getattr(one, name), getattr(other, name)
            if left != right:
                lines.append(f"{name} of {arn}: ours {left}, theirs {right}")
    return lines if lines or found else ["nothing was found"]
