"""A simulated AWS account for the demo and the tests: moto's server with a small company in it.

``python -m providers.aws.simulation --port 5555`` serves it until it is stopped, and says on stdout when it is ready. A job reads it when
the worker's `AWS_ENDPOINT_URL` is set to its address, with any keys. ``--faults`` makes it deny a call and never answer one key.
``--at ADDRESS --terminate REGION`` terminates the instances of a region in the account that is served at the address.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import os
import signal
import sys
import threading
import zipfile
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config

from providers.aws.simulation_faults import Faulty, terminate_instances

REGIONS = ("us-east-1", "us-west-2", "eu-west-1")
TEAMS = ("payments", "search", "platform", "data")
SEED = 7
KEYS = {"access_key_id": "AKIDSIMULATEDACCOUNT", "secret_access_key": "simulated/simulated/simulated/simulated0"}

LACKING = {"AmazonSSM.DescribeInstanceInformation": b'{"InstanceInformationList": []}'}
"""Calls that moto does not know, with the answer of an account that has nothing of the kind."""

ClientOf = Callable[[str, str], Any]


def seed(endpoint: str, regions: tuple[str, ...] = REGIONS, instances: int = 24) -> None:
    """Fills an empty account: about 120 resources a region, and IAM."""
    client_of = clients(endpoint)
    people(client_of)
    for region in regions:
        subnets, group = network(client_of, region)
        machines(client_of, region, subnets, group, instances)
        databases(client_of, region, subnets)
        services(client_of, region, subnets, group)
    organization(client_of)


def clients(endpoint: str) -> ClientOf:
    """A function that makes the client of a service in a region of the account at `endpoint`."""

    def client_of(service: str, region: str) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=endpoint,
            aws_access_key_id=KEYS["access_key_id"],
            aws_secret_access_key=KEYS["secret_access_key"],
            config=Config(retries={"total_max_attempts": 2}),
        )

    return client_of


def people(client_of: ClientOf) -> None:
    """Users in groups, roles, and the policies that they have."""
    iam = client_of("iam", "us-east-1")
    document = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}]})
    policy = iam.create_policy(PolicyName="read-buckets", PolicyDocument=document)["Policy"]["Arn"]
    for team in TEAMS:
        iam.create_group(GroupName=team, Path="/teams/")
        iam.attach_group_policy(GroupName=team, PolicyArn=policy)
    for number, team in zip(range(24), itertools.cycle(TEAMS), strict=False):
        name = f"{team}.engineer{number:02}"
        iam.create_user(UserName=name, Tags=_tags(team))
        iam.add_user_to_group(GroupName=team, UserName=name)
    for team in TEAMS:
        role = f"{team}-service"
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=_trust("ec2.amazonaws.com"), Tags=_tags(team))
        iam.attach_role_policy(RoleName=role, PolicyArn=policy)
        iam.create_instance_profile(InstanceProfileName=role)
        iam.add_role_to_instance_profile(InstanceProfileName=role, RoleName=role)


def organization(client_of: ClientOf) -> None:
    """An organization with units for production and for the teams' own accounts, and a policy over them."""
    organizations = client_of("organizations", "us-east-1")
    organizations.create_organization(FeatureSet="ALL")
    root = organizations.list_roots()["Roots"][0]["Id"]
    organizations.enable_policy_type(RootId=root, PolicyType="SERVICE_CONTROL_POLICY")
    workloads = organizations.create_organizational_unit(ParentId=root, Name="workloads")["OrganizationalUnit"]["Id"]
    production = organizations.create_organizational_unit(ParentId=workloads, Name="production")["OrganizationalUnit"]["Id"]
    for team in TEAMS:
        made = organizations.create_account(AccountName=team, Email=f"{team}@example.com")["CreateAccountStatus"]["AccountId"]
        organizations.move_account(AccountId=made, SourceParentId=root, DestinationParentId=production)


def network(client_of: ClientOf, region: str) -> tuple[list[str], str]:
    """A VPC of its own with subnets, gateways and a security group. Gives the subnets and the group."""
    ec2 = client_of("ec2", region)
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=_named("vpc", f"prod-{region}", "platform"))["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(
            VpcId=vpc,
            CidrBlock=f"10.0.{number}.0/24",
            AvailabilityZone=region + zone,
            TagSpecifications=_named("subnet", f"{kind}-{zone}", "platform"),
        )["Subnet"]["SubnetId"]
        for number, (kind, zone) in enumerate(itertools.product(("public", "private"), "ab"))
    ]
    gateway = ec2.create_internet_gateway(TagSpecifications=_named("internet-gateway", "edge", "platform"))["InternetGateway"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway["InternetGatewayId"], VpcId=vpc)
    address = ec2.allocate_address(Domain="vpc")["AllocationId"]
    ec2.create_nat_gateway(SubnetId=subnets[0], AllocationId=address)
    group = ec2.create_security_group(GroupName="web", Description="HTTPS from anywhere", VpcId=vpc)["GroupId"]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[rule])
    return subnets, group


def machines(client_of: ClientOf, region: str, subnets: list[str], group: str, instances: int) -> None:
    """Instances, some volumes without an instance, and a load balancer in front."""
    ec2, elbv2 = client_of("ec2", region), client_of("elbv2", region)
    image = ec2.register_image(Name="base", RootDeviceName="/dev/sda1", Architecture="x86_64", VirtualizationType="hvm")["ImageId"]
    for team in TEAMS:
        ec2.run_instances(
            ImageId=image,
            MinCount=instances // len(TEAMS),
            MaxCount=instances // len(TEAMS),
            InstanceType="m5.large",
            SubnetId=subnets[2],
            SecurityGroupIds=[group],
            IamInstanceProfile={"Name": f"{team}-service"},
            TagSpecifications=_named("instance", f"{team}-api", team),
        )
        volume = _named("volume", f"{team}-data", team)
        ec2.create_volume(AvailabilityZone=f"{region}a", Size=100, VolumeType="gp3", TagSpecifications=volume)
    elbv2.create_load_balancer(Name="web", Subnets=subnets[:2], SecurityGroups=[group], Tags=_tags("platform"))


def databases(client_of: ClientOf, region: str, subnets: list[str]) -> None:
    """Relational and key-value databases, and buckets."""
    rds, dynamodb, s3 = client_of("rds", region), client_of("dynamodb", region), client_of("s3", region)
    rds.create_db_subnet_group(DBSubnetGroupName="private", DBSubnetGroupDescription="private", SubnetIds=subnets[2:])
    for team in TEAMS:
        rds.create_db_instance(
            DBInstanceIdentifier=f"{team}-db",
            DBInstanceClass="db.r6g.large",
            Engine="postgres",
            AllocatedStorage=100,
            MasterUsername="master",
            MasterUserPassword="not-a-real-password",
            DBSubnetGroupName="private",
            Tags=_tags(team),
        )
        dynamodb.create_table(
            TableName=f"{team}-sessions",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            BillingMode="PAY_PER_REQUEST",
            Tags=_tags(team),
        )
        bucket = f"example-{team}-{region}"
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        s3.create_bucket(Bucket=bucket, **where)
        s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": _tags(team)})
    for snapshot in rds.describe_db_snapshots(SnapshotType="automated")["DBSnapshots"]:  # named after the minute of this start
        rds.delete_db_snapshot(DBSnapshotIdentifier=snapshot["DBSnapshotIdentifier"])


def services(client_of: ClientOf, region: str, subnets: list[str], group: str) -> None:
    """Functions, queues, topics, logs and a container cluster."""
    functions, sqs, sns = client_of("lambda", region), client_of("sqs", region), client_of("sns", region)
    logs, ecs = client_of("logs", region), client_of("ecs", region)
    role = client_of("iam", region).get_role(RoleName="platform-service")["Role"]["Arn"]
    for team in TEAMS:
        functions.create_function(
            FunctionName=f"{team}-resize",
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": _archive()},
            Environment={"Variables": {"LOG_LEVEL": "info"}},
            VpcConfig={"SubnetIds": subnets[2:], "SecurityGroupIds": [group]},
            Tags={"team": team},
        )
        sqs.create_queue(QueueName=f"{team}-work", tags={"team": team})
        sns.create_topic(Name=f"{team}-events", Tags=_tags(team))
        logs.create_log_group(logGroupName=f"/app/{team}")
    ecs.create_cluster(clusterName="batch", tags=[{"key": "team", "value": "data"}])
    client_of("kms", region).create_key(Description="customer data")
    client_of("sso-admin", region).list_instances()  # makes one, whose id is that of the last start if it is made here


def serve(port: int, *, filled: bool, faulty: bool = False) -> int:
    """Serves an account until a signal comes. A `faulty` one has the faults of the demo."""
    os.environ["MOTO_EC2_LOAD_DEFAULT_AMIS"] = "false"  # else there are 1,300 images and snapshots in every region
    from moto.moto_api._internal import mock_random as moto_random  # noqa: PLC0415 - reads that
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app  # noqa: PLC0415 - reads that
    from werkzeug.serving import make_server  # noqa: PLC0415 - comes with moto

    stop = threading.Event()
    application: Any = _OneAtATime(DomainDispatcherApplication(create_backend_app))
    if faulty:
        application = Faulty(application, stop)
    server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_quiet())
    thread = threading.Thread(target=server.serve_forever, name="moto")
    thread.start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    endpoint = f"http://127.0.0.1:{server.server_port}"
    if filled:
        moto_random.seed(SEED)  # the ids that moto makes up are those of the last start
        seed(endpoint)
    sys.stdout.write(f"simulated AWS account at {endpoint}\n")
    sys.stdout.flush()
    stop.wait()
    server.shutdown()
    thread.join()
    return 0


class _OneAtATime:
    """Moto's models are dictionaries that one request may change while another walks them."""

    def __init__(self, application: Any) -> None:
        self._application, self._lock = application, threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        empty = LACKING.get(environ.get("HTTP_X_AMZ_TARGET", ""))
        if empty is not None:
            start_response("200 OK", [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(empty)))])
            return [empty]
        with self._lock:
            return list(self._application(environ, start_response))


def _quiet() -> Any:
    from werkzeug.serving import WSGIRequestHandler  # noqa: PLC0415 - comes with moto

    class Quiet(WSGIRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # otherwise each body waits 40 ms for the client to confirm the headers

        def log_request(self, *_: Any) -> None:
            """Logs nothing for a request."""

    return Quiet


def _tags(team: str) -> list[dict[str, str]]:
    return [{"Key": "team", "Value": team}, {"Key": "environment", "Value": "production"}]


def _named(kind: str, name: str, team: str) -> list[dict[str, Any]]:
    return [{"ResourceType": kind, "Tags": [{"Key": "Name", "Value": name}, *_tags(team)]}]


def _trust(service: str) -> str:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(zipfile.ZipInfo("index.py"), "def handler(event, context): return event")
    return packed.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """Runs the simulated account as a command."""
    parser = argparse.ArgumentParser(prog="python -m providers.aws.simulation", description="A simulated AWS account.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--empty", action="store_true", help="nothing in it")
    parser.add_argument("--faults", action="store_true", help="deny a call, and never answer one key")
    parser.add_argument("--at", metavar="ADDRESS", help="with --terminate: the address of the account")
    parser.add_argument(
        "--terminate", metavar="REGION", help="serve nothing; terminate the instances of this region in the account at --at"
    )
    chosen = parser.parse_args(arguments)
    if chosen.terminate:
        sys.stdout.write(f"{terminate_instances(clients(chosen.at), chosen.terminate)}\n")
        return 0
    return serve(chosen.port, filled=not chosen.empty, faulty=chosen.faults)


if __name__ == "__main__":
    sys.exit(main())
