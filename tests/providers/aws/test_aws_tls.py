"""HTTPS: the CAs are loaded once, however many clients there are, and every certificate is checked. Memory does not grow with the regions."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest
from botocore.credentials import Credentials
from peers import http_proxy
from peers.certificates import Authority
from test_aws_reading import REGION

from providers import registry
from providers.aws import account, simulation
from providers.aws.client import Sessions
from providers.aws.config import AwsConfig, AwsOperator
from providers.collected import Collected
from providers.errors import ConfigError, ProviderError
from providers.runner import run
from providers.schema import parse

SERVICES = ("ec2", "sqs", "sns", "lambda", "kms", "logs", "rds", "ecr")


@pytest.fixture
def https(moto, authority) -> Iterator[str]:
    """The URL of a simulated AWS with a certificate of the tests' authority."""
    proxy = http_proxy.Proxy(moto.url, tls=authority.server_context())
    yield proxy.url
    proxy.close()


def opened(url: str, ca_bundle: str, *regions: str):
    config = parse(AwsConfig, {**simulation.KEYS, "regions": [*regions]})
    return registry.get("aws").open(config, AwsOperator(endpoint_url=url, ca_bundle=ca_bundle))


def test_the_cas_are_loaded_once_for_all_clients_of_a_job(https, authority, monkeypatch):
    loaded, load = [], ssl.SSLContext.load_verify_locations
    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", lambda *given, **named: (loaded.append(given), load(*given, **named)))
    source, collected = opened(https, str(authority.ca), REGION, "eu-west-1"), Collected()
    try:
        run(source, collected)
    finally:
        source.close()

    read = {(scope.region, report.outcome.value) for scope, report in collected.reports.items()}
    assert {(REGION, "complete"), ("eu-west-1", "complete")} <= read
    assert len(loaded) == 1


@pytest.mark.parametrize("host", ["localhost", "elsewhere.test"])
def test_a_certificate_of_another_authority_or_another_host_is_refused(moto, authority, tmp_path, host):
    issuer = Authority(tmp_path) if host == "localhost" else authority
    proxy = http_proxy.Proxy(moto.url, tls=issuer.server_context(host))
    source = opened(proxy.url, str(authority.ca), REGION)
    try:
        with pytest.raises(ProviderError, match=r"the TLS certificate of AWS.* is not trusted: set AWS_CA_BUNDLE"):
            source.check()
        assert proxy.requests == []
    finally:
        source.close()
        proxy.close()


def test_without_a_bundle_the_tests_authority_is_not_trusted(https):
    source = opened(https, "", REGION)
    try:
        with pytest.raises(ProviderError, match="is not trusted"):
            source.check()
    finally:
        source.close()


def test_a_bundle_that_cannot_be_read_is_named(https, tmp_path):
    (tmp_path / "none.pem").write_text("no certificate\n")
    for path in (tmp_path / "missing.pem", tmp_path / "none.pem"):
        source = opened(https, str(path), REGION)
        with pytest.raises(ConfigError, match=f"the CAs of {path} .AWS_CA_BUNDLE. cannot be read"):
            source.check()
        source.close()


def test_clients_have_the_limits_that_botocore_gives_them(https, authority, monkeypatch):
    """The connections are ours; their time-outs, size and proxies are those of the client that botocore has made."""
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.test:3128")
    sessions = Sessions(AwsOperator(endpoint_url="https://sqs.test", ca_bundle=str(authority.ca)), REGION, 24)
    made = sessions.client(sessions.session(None), "sqs", REGION)
    probe = sessions.probe(sessions.session(None), "sqs", REGION)

    connections = made._endpoint.http_session
    assert (connections._timeout.connect_timeout, connections._timeout.read_timeout) == (5, 60)
    assert (connections._max_pool_connections, len(connections._socket_options)) == (24, 2)
    assert connections._proxy_config.proxy_url_for("https://sqs.test/") == "http://proxy.test:3128"
    assert probe._endpoint.http_session._timeout.read_timeout == 10


def test_an_account_keeps_the_clients_that_were_used_last(moto, monkeypatch):
    monkeypatch.setattr(account, "CLIENTS", 3)
    sessions = Sessions(AwsOperator(endpoint_url=moto.url), REGION, 2)
    one = account.Account(sessions, "123456789012", "aws", Credentials("AKIDEXAMPLEEXAMPLE01", "example"))
    first, *_, last = [one.client(service, REGION) for service in SERVICES]
    assert first._endpoint.http_session._manager.pools.keys() == set(), "its connections are closed"
    assert first.describe_regions()["Regions"], "whoever still has it can use it"

    assert one.client(SERVICES[-1], REGION) is last
    assert one.client(SERVICES[0], REGION) is not first
    assert len(one._clients.computed()) == 3
    one.close()
    assert one._clients.computed() == []
