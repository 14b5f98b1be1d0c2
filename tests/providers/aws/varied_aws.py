"""Fills an account with something of many types, whose number and shape another seed makes another one."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

WORDS = ("alpha", "Beta_2", "gamma-prod", "delta.eu", "epsilon")


def fill(client: Callable[[str], Any], seed: int) -> None:
    """Fills it beside what is there already."""
    chance = random.Random(seed)
    tags = lambda: [  # noqa: E731
        {"Key": key, "Value": chance.choice(("", "x", "größe", "a=b;c"))}
        for key in chance.sample(("team", "Name", "cost:center", "ä"), chance.randint(0, 3))
    ]
    _networks(client("ec2"), chance, tags)
    _balancers(client, chance, tags)
    _machines(client, chance, tags)
    _messages(client, chance, tags)
    _rest(client, chance, tags)
    _people(client("iam"), chance, tags)
    _parts(client, chance)


def _specified(kind: str, tags: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": tags}] if tags else []


def _networks(ec2: Any, chance: random.Random, tags: Callable[[], Any]) -> None:
    vpcs = []
    for number in range(chance.randint(2, 3)):
        vpc = ec2.create_vpc(CidrBlock=f"10.{10 + number}.0.0/16", TagSpecifications=_specified("vpc", tags()))["Vpc"]["VpcId"]
        vpcs.append(vpc)
        table = ec2.create_route_table(VpcId=vpc, TagSpecifications=_specified("route-table", tags()))["RouteTable"]["RouteTableId"]
        for part in range(chance.randint(1, 3)):
            subnet = ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.{10 + number}.{part}.0/24")["Subnet"]["SubnetId"]
            if chance.random() < 0.7:
                ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
        nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])["NatGateway"]
        ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGatewayId"])
        if chance.random() < 0.5:
            ec2.delete_nat_gateway(NatGatewayId=nat["NatGatewayId"])
        for word in chance.sample(WORDS, chance.randint(1, 4)):
            ec2.create_security_group(GroupName=word, Description=word, VpcId=vpc, TagSpecifications=_specified("security-group", tags()))
        ec2.create_vpc_endpoint(VpcId=vpc, ServiceName="com.amazonaws.eu-west-1.s3", VpcEndpointType="Gateway", RouteTableIds=[table])
    ec2.create_vpc_peering_connection(VpcId=vpcs[0], PeerVpcId=vpcs[1])
    ec2.create_internet_gateway(TagSpecifications=_specified("internet-gateway", tags()))


def _balancers(client: Callable[[str], Any], chance: random.Random, tags: Callable[[], Any]) -> None:
    elbv2 = client("elbv2")
    [balancer, *_] = elbv2.describe_load_balancers()["LoadBalancers"]
    for number in range(chance.randint(1, 3)):
        group = elbv2.create_target_group(
            Name=f"targets{number}", Protocol="HTTP", Port=80, VpcId=balancer["VpcId"], **({"Tags": found} if (found := tags()) else {})
        )["TargetGroups"][0]["TargetGroupArn"]
        action = {"Type": "forward", "TargetGroupArn": group}
        elbv2.create_listener(LoadBalancerArn=balancer["LoadBalancerArn"], Protocol="HTTP", Port=8000 + number, DefaultActions=[action])


def _machines(client: Callable[[str], Any], chance: random.Random, tags: Callable[[], Any]) -> None:
    ec2 = client("ec2")
    running = [one for some in ec2.describe_instances()["Reservations"] for one in some["Instances"]]
    ec2.terminate_instances(InstanceIds=[chance.choice(running)["InstanceId"]])
    for volume in chance.sample(ec2.describe_volumes()["Volumes"], 2):
        ec2.create_snapshot(VolumeId=volume["VolumeId"], TagSpecifications=_specified("snapshot", tags()))
    for word in chance.sample(WORDS, 2):
        ec2.create_key_pair(KeyName=word, TagSpecifications=_specified("key-pair", tags()))
    ami = ec2.describe_images(Owners=["self"])["Images"][0]["ImageId"]
    template = ec2.create_launch_template(LaunchTemplateName="machines", LaunchTemplateData={"ImageId": ami, "InstanceType": "t3.micro"})
    group = client("elbv2").describe_target_groups()["TargetGroups"][0]["TargetGroupArn"]
    client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="machines",
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"]},
        MinSize=1,
        MaxSize=4,
        DesiredCapacity=chance.randint(1, 3),
        VPCZoneIdentifier=ec2.describe_subnets()["Subnets"][0]["SubnetId"],
        TargetGroupARNs=[group],
        Tags=[{**tag, "PropagateAtLaunch": False} for tag in tags()],
    )


def _messages(client: Callable[[str], Any], chance: random.Random, tags: Callable[[], Any]) -> None:
    sqs, sns, events, kinesis = client("sqs"), client("sns"), client("events"), client("kinesis")
    queues = [
        sqs.create_queue(QueueName=f"{word.replace('.', '-')}-{number}")["QueueUrl"]
        for number, word in enumerate(WORDS * chance.randint(1, 3))
    ]
    arn = sqs.get_queue_attributes(QueueUrl=chance.choice(queues), AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="varied", Tags=tags())["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    sns.subscribe(TopicArn=topic, Protocol="https", Endpoint="https://hook.example/canary-key-9f")
    bus = events.create_event_bus(Name="orders", Tags=tags())
    for name in ("default", "orders"):
        for number in range(chance.randint(1, 3)):
            events.put_rule(Name=f"rule{number}", EventBusName=name, EventPattern=json.dumps({"source": ["x"]}), Tags=tags())
    assert bus
    for number in range(chance.randint(1, 2)):
        kinesis.create_stream(StreamName=f"stream{number}", ShardCount=1)


def _rest(client: Callable[[str], Any], chance: random.Random, tags: Callable[[], Any]) -> None:
    kms, logs = client("kms"), client("logs")
    key = kms.create_key(Tags=[{"TagKey": "team", "TagValue": "x"}])["KeyMetadata"]
    kms.create_alias(AliasName="alias/varied", TargetKeyId=key["KeyId"])
    for number, word in enumerate(chance.sample(WORDS, 3)):
        client("secretsmanager").create_secret(
            Name=f"{word}/{number}", SecretString="canary-secret", Tags=tags(), **({"KmsKeyId": key["Arn"]} if number else {})
        )
        client("ecr").create_repository(repositoryName=f"apps/{word.lower()}", tags=tags())
        client("dynamodb").create_table(
            TableName=f"{word}.{number}",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
        )
    logs.create_log_group(logGroupName="/varied/encrypted", kmsKeyId=key["Arn"], tags={"team": "x"})
    client("efs").create_file_system(CreationToken="varied", Encrypted=True, KmsKeyId=key["Arn"], Tags=[{"Key": "Name", "Value": "files"}])
    topic = client("sns").list_topics()["Topics"][0]["TopicArn"]
    client("cloudwatch").put_metric_alarm(
        AlarmName="busy", MetricName="CPUUtilization", Namespace="AWS/EC2", Statistic="Average", Period=60, EvaluationPeriods=1, Threshold=90,
        ComparisonOperator="GreaterThanThreshold", AlarmActions=[topic], Tags=tags(),
    )  # fmt: skip
    zone = client("route53").create_hosted_zone(Name="example.org.", CallerReference="varied")["HostedZone"]["Id"]
    records = [
        {"Name": "www.example.org.", "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": "192.0.2.1"}]},
        {"Name": "\\052.example.org.", "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": "www.example.org."}]},
        *(
            {
                "Name": "w.example.org.",
                "Type": "A",
                "SetIdentifier": name,
                "Weight": 1,
                "TTL": 60,
                "ResourceRecords": [{"Value": "192.0.2.2"}],
            }
            for name in ("one", "two")
        ),
    ]
    changes = [{"Action": "CREATE", "ResourceRecordSet": record} for record in records]
    client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": changes})


def _people(iam: Any, chance: random.Random, tags: Callable[[], Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]})
    policies = [
        iam.create_policy(PolicyName=f"varied{number}", Path="/some/", PolicyDocument=document)["Policy"]["Arn"] for number in range(3)
    ]
    for number in range(chance.randint(2, 5)):
        name = f"person+{number}@example.org"
        iam.create_user(UserName=name, Path=chance.choice(("/", "/people/")), Tags=tags())
        for policy in chance.sample(policies, chance.randint(0, 2)):
            iam.attach_user_policy(UserName=name, PolicyArn=policy)
        if chance.random() < 0.6:
            iam.create_access_key(UserName=name)
    trust = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        }
    )
    iam.create_role(RoleName="varied", Path="/service/", AssumeRolePolicyDocument=trust, Tags=tags())
    iam.attach_role_policy(RoleName="varied", PolicyArn=chance.choice(policies))
    iam.create_instance_profile(InstanceProfileName="varied", Path="/service/")


def _parts(client: Callable[[str], Any], chance: random.Random) -> None:
    """Makes parts and companions of other things: rules, targets, mappings."""
    ec2, elbv2, glue = client("ec2"), client("elbv2"), client("glue")
    gateway = ec2.create_transit_gateway()["TransitGateway"]["TransitGatewayId"]
    ec2.create_transit_gateway_route_table(TransitGatewayId=gateway)
    for word in chance.sample(WORDS, 2):
        ec2.create_managed_prefix_list(PrefixListName=word, MaxEntries=3, AddressFamily="IPv4")
    vpc, bucket = ec2.describe_vpcs()["Vpcs"][0]["VpcId"], client("s3").list_buckets()["Buckets"][0]["Name"]
    destination = {"LogDestinationType": "s3", "LogDestination": f"arn:aws:s3:::{bucket}/flows/"}
    ec2.create_flow_logs(ResourceIds=[vpc], ResourceType="VPC", TrafficType="ALL", **destination)
    balancer = elbv2.describe_load_balancers()["LoadBalancers"][0]["LoadBalancerArn"]
    listener = elbv2.describe_listeners(LoadBalancerArn=balancer)["Listeners"][0]
    for number in range(chance.randint(1, 3)):
        condition = {"Field": "path-pattern", "Values": [f"/{number}/*"]}
        elbv2.create_rule(
            ListenerArn=listener["ListenerArn"], Priority=number + 1, Conditions=[condition], Actions=listener["DefaultActions"]
        )
    files = client("efs").describe_file_systems()["FileSystems"][0]["FileSystemId"]
    client("efs").create_mount_target(FileSystemId=files, SubnetId=ec2.describe_subnets()["Subnets"][0]["SubnetId"])
    queue = client("sqs").list_queues()["QueueUrls"][0]
    source = client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    function = client("lambda").list_functions()["Functions"][0]["FunctionName"]
    client("lambda").create_event_source_mapping(EventSourceArn=source, FunctionName=function)
    glue.create_crawler(Name="shop", Role="varied", DatabaseName="shop", Targets={"S3Targets": [{"Path": f"s3://{bucket}/shop"}]})
    properties = {"JDBC_CONNECTION_URL": "jdbc:postgresql://db/shop", "USERNAME": "shop", "PASSWORD": "canary-secret"}
    glue.create_connection(ConnectionInput={"Name": "shop", "ConnectionType": "JDBC", "ConnectionProperties": properties})
    api = client("apigatewayv2").create_api(Name="shop", ProtocolType="HTTP")["ApiId"]
    client("apigatewayv2").create_stage(ApiId=api, StageName="live", StageVariables={"key": "canary-secret"}, Tags={"team": "x"})
