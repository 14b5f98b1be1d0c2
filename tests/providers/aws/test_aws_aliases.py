"""Alias records of Route 53 lead to what has their host names: balancers, distributions, domains of API Gateway, websites of buckets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from peers.aws_proxy import AwsReply
from peers.moto import Moto
from test_aws_reading import ACCOUNT, REGION, found, read, report

from providers.errors import CredentialsError, Outcome


class Zone:
    """A hosted zone of moto, for alias records."""

    def __init__(self, moto: Moto) -> None:
        self._route53 = moto.client("route53")
        self._id = self._route53.create_hosted_zone(Name="example.org", CallerReference="x")["HostedZone"]["Id"]

    def alias(self, host: str, name: str = "www.example.org") -> None:
        """Adds a record, whose target Route 53 stores in lower case and with a dot at its end."""
        target = {"HostedZoneId": "Z2", "DNSName": f"{host.lower()}.", "EvaluateTargetHealth": False}
        record = {"Name": name, "Type": "A", "AliasTarget": target}
        self._route53.change_resource_record_sets(
            HostedZoneId=self._id, ChangeBatch={"Changes": [{"Action": "CREATE", "ResourceRecordSet": record}]}
        )


@pytest.fixture
def zone(moto: Moto) -> Zone:
    return Zone(moto)


def records(collected) -> dict[str, Any]:
    return {resource.name: resource for resource in found(collected, "route53_record").values()}


def targets(collected, name: str = "www.example.org.") -> list[str]:
    return [link.target for link in records(collected)[name].links if link.type == "alias_of"]


def balancer(moto: Moto, name: str = "Shop") -> tuple[str, str]:
    """The host and the ARN of a load balancer."""
    subnet = moto.client("ec2", REGION).describe_subnets()["Subnets"][0]["SubnetId"]
    made = moto.client("elbv2", REGION).create_load_balancer(Name=name, Subnets=[subnet])["LoadBalancers"][0]
    return made["DNSName"], made["LoadBalancerArn"]


@pytest.mark.parametrize("before", ["", "dualstack."])
def test_a_record_is_an_alias_of_its_balancer(moto: Moto, zone: Zone, before):
    host, arn = balancer(moto)
    zone.alias(before + host)
    collected = read(moto.url, "route53_record", "load_balancer")

    assert targets(collected) == [arn]
    assert arn in found(collected, "load_balancer")
    assert "AliasOf" not in records(collected)["www.example.org."].attributes


def test_a_balancer_of_the_network_has_its_region_elsewhere_in_its_name(moto: Moto, zone: Zone, aws_proxy):
    arn = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:loadbalancer/net/shop/1"
    zone.alias(f"shop-1.elb.{REGION}.amazonaws.com")
    member = f"<member><LoadBalancerArn>{arn}</LoadBalancerArn><DNSName>shop-1.elb.{REGION}.amazonaws.com</DNSName></member>"
    result = f"<DescribeLoadBalancersResult><LoadBalancers>{member}</LoadBalancers></DescribeLoadBalancersResult>"
    answer = AwsReply(200, "", f"<DescribeLoadBalancersResponse>{result}</DescribeLoadBalancersResponse>".encode())
    with aws_proxy.broken(lambda call: answer if call.operation == "DescribeLoadBalancers" else None):
        assert targets(read(aws_proxy.url, "route53_record")) == [arn]


def test_a_record_is_an_alias_of_its_classic_balancer(moto: Moto, zone: Zone):
    """moto gives every classic balancer a host in us-east-1."""
    home = "us-east-1"
    listeners = [{"Protocol": "HTTP", "LoadBalancerPort": 80, "InstancePort": 80}]
    host = moto.client("elb", home).create_load_balancer(LoadBalancerName="old", Listeners=listeners, AvailabilityZones=["us-east-1a"])[
        "DNSName"
    ]
    zone.alias(host)
    collected = read(moto.url, "route53_record", "classic_load_balancer", regions=[home])

    assert targets(collected) == [f"arn:aws:elasticloadbalancing:{home}:{ACCOUNT}:loadbalancer/old"]
    assert set(targets(collected)) == set(found(collected, "classic_load_balancer"))


def test_a_record_is_an_alias_of_its_distribution(moto: Moto, zone: Zone):
    origin = {
        "Id": "o",
        "DomainName": "origin.example.org",
        "CustomOriginConfig": {"HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"},
    }
    behavior = {
        "TargetOriginId": "o",
        "ViewerProtocolPolicy": "allow-all",
        "MinTTL": 0,
        "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
    }
    config = {
        "CallerReference": "x",
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": behavior,
    }
    made = moto.client("cloudfront").create_distribution(DistributionConfig=config)["Distribution"]
    zone.alias(made["DomainName"])
    collected = read(moto.url, "route53_record", "cloudfront_distribution")

    assert targets(collected) == [made["ARN"]]
    assert made["ARN"] in found(collected, "cloudfront_distribution")


def test_a_record_is_an_alias_of_its_domain_of_an_api(moto: Moto, zone: Zone, aws_proxy):
    zone.alias(f"d-1.execute-api.{REGION}.amazonaws.com", "api.example.org")
    configurations = [{"apiGatewayDomainName": f"d-1.execute-api.{REGION}.amazonaws.com", "endpointType": "REGIONAL"}]
    body = json.dumps({"items": [{"domainName": "api.example.org", "domainNameConfigurations": configurations}]})
    with aws_proxy.broken(lambda call: AwsReply(200, "", body.encode()) if "/v2/domainnames" in call.path else None):
        collected = read(aws_proxy.url, "route53_record", "api_domain")

    assert targets(collected, "api.example.org.") == list(found(collected, "api_domain"))
    assert targets(collected, "api.example.org.") != []


def domains(regions: dict[str, str]):
    """A rule by which API Gateway has an edge-optimised domain in some regions: region -> its host."""

    def rule(call):
        if "/v2/domainnames" not in call.path:
            return None
        configurations = [{"apiGatewayDomainName": regions.get(call.region, "other.cloudfront.net"), "endpointType": "EDGE"}]
        return AwsReply(
            200, "", json.dumps({"items": [{"domainName": "api.example.org", "domainNameConfigurations": configurations}]}).encode()
        )

    return rule


def test_a_record_is_an_alias_of_its_edge_optimised_domain_in_whatever_region_that_is(moto: Moto, zone: Zone, aws_proxy):
    zone.alias("D123.cloudfront.net", "api.example.org")
    zone.alias("d124.cloudfront.net", "gone.example.org")
    with aws_proxy.broken(domains({"us-west-2": "d123.cloudfront.net"})):
        collected = read(aws_proxy.url, "route53_record", "api_domain", regions=[REGION, "us-west-2"])

    assert targets(collected, "api.example.org.") == ["arn:aws:apigateway:us-west-2::/domainnames/api.example.org"]
    assert targets(collected, "api.example.org.")[0] in found(collected, "api_domain")
    assert targets(collected, "gone.example.org.") == []
    asked = [call.region for call in aws_proxy.calls if "/v2/domainnames" in call.path]
    assert sorted(asked) == sorted(2 * [REGION, "us-west-2"]), "once for the records, and once for the type itself"


def test_a_distribution_is_found_without_a_look_at_the_domains_of_apis(moto: Moto, zone: Zone, aws_proxy):
    made = "<Items><DistributionSummary><ARN>arn:aws:cloudfront::1:distribution/E</ARN><DomainName>d1.cloudfront.net</DomainName></DistributionSummary></Items>"
    answer = AwsReply(200, "", f"<DistributionList>{made}<IsTruncated>false</IsTruncated></DistributionList>".encode())
    zone.alias("d1.cloudfront.net")
    with aws_proxy.broken(lambda call: answer if call.service == "cloudfront" else None):
        assert targets(read(aws_proxy.url, "route53_record")) == ["arn:aws:cloudfront::1:distribution/E"]
    assert not [call for call in aws_proxy.calls if "/v2/domainnames" in call.path]


def test_a_record_is_an_alias_of_its_environment(moto: Moto, zone: Zone, aws_proxy):
    """moto gives environments no host."""
    arn, host = f"arn:aws:elasticbeanstalk:{REGION}:{ACCOUNT}:environment/shop/prod", f"Shop.eba-1.{REGION}.elasticbeanstalk.com"
    zone.alias(host)
    member = f"<member><EnvironmentArn>{arn}</EnvironmentArn><EnvironmentName>prod</EnvironmentName><CNAME>{host}</CNAME></member>"
    result = f"<DescribeEnvironmentsResult><Environments>{member}</Environments></DescribeEnvironmentsResult>"
    answer = AwsReply(200, "", f"<DescribeEnvironmentsResponse>{result}</DescribeEnvironmentsResponse>".encode())
    with aws_proxy.broken(lambda call: answer if call.operation == "DescribeEnvironments" else None):
        assert targets(read(aws_proxy.url, "route53_record")) == [arn]


@pytest.mark.parametrize("host", ["s3-website-us-east-1.amazonaws.com", "s3-website.eu-central-1.amazonaws.com"])
def test_a_record_of_a_website_is_an_alias_of_the_bucket_of_its_name(moto: Moto, zone: Zone, host):
    zone.alias(host)

    assert targets(read(moto.url, "route53_record")) == ["arn:aws:s3:::www.example.org"]


def test_a_balancer_that_is_not_there_is_no_target(moto: Moto, zone: Zone):
    zone.alias(f"gone-1.{REGION}.elb.amazonaws.com")
    collected = read(moto.url, "route53_record")

    assert targets(collected) == []
    assert not records(collected)["www.example.org."].links_partial


def test_balancers_that_cannot_be_read_leave_the_links_of_the_record_as_they_are(moto: Moto, zone: Zone, aws_proxy):
    zone.alias(balancer(moto)[0])
    refused = AwsReply(403, "AccessDenied")
    with aws_proxy.broken(lambda call: refused if call.operation == "DescribeLoadBalancers" else None):
        collected = read(aws_proxy.url, "route53_record", "load_balancer")

    assert records(collected)["www.example.org."].links_partial
    assert report(collected, "route53_record", "").outcome is Outcome.COMPLETE
    assert report(collected, "load_balancer").outcome is Outcome.DENIED


def test_a_key_that_dies_while_balancers_are_looked_up_ends_the_reading(moto: Moto, zone: Zone, aws_proxy):
    zone.alias(balancer(moto)[0])
    dead: list[str] = []

    def rule(call):
        if call.operation == "DescribeLoadBalancers":
            dead.append(call.operation)
        return AwsReply(403, "ExpiredToken") if dead else None

    with aws_proxy.broken(rule), pytest.raises(CredentialsError, match="session token has expired"):
        read(aws_proxy.url, "route53_record")


def test_a_region_that_is_not_read_is_not_asked(moto: Moto, zone: Zone, aws_proxy):
    zone.alias("shop-1.us-west-2.elb.amazonaws.com")
    collected = read(aws_proxy.url, "route53_record")

    assert "us-west-2" not in {call.region for call in aws_proxy.calls}
    assert targets(collected) == []


def test_many_records_cost_one_list_of_balancers(moto: Moto, zone: Zone, aws_proxy):
    hosts = dict(balancer(moto, name) for name in ("a", "b", "c"))
    for number, host in enumerate(hosts):
        zone.alias(host, f"www{number}.example.org")
    collected = read(aws_proxy.url, "route53_record")

    assert {target for name in records(collected) for target in targets(collected, name)} == set(hosts.values())
    assert [call.operation for call in aws_proxy.calls].count("DescribeLoadBalancers") == 1


def test_an_account_without_aliases_asks_for_nothing_more(moto: Moto, zone: Zone, aws_proxy):
    read(aws_proxy.url, "route53_record")

    assert {call.service for call in aws_proxy.calls} <= {"route53", "sts", "ec2"}
