"""The TCP ports that a job may connect to, from its config, its settings, its files and the proxy."""

from __future__ import annotations

import pytest

from worker.job.ports import ports


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({}, set()),
        ({"server": "https://cluster.example:6443/api"}, {6443}),
        ({"server": "https://[2001:db8::1]:6443"}, {6443}),
        ({"server": "https://cluster.example"}, set()),
        ({"endpoint_url": "http://127.0.0.1:4566"}, {4566}),
        ({"endpoint_url": "http://localhost"}, {80}),
        ({"domain": "auth.example.com:9443"}, {9443}),
        ({"server": "dc1.example.com:3268, ldaps://dc2.example.com,[2001:db8::2]:1636"}, {3268, 636, 1636}),
        ({"port": 1389}, {1389}),
        ({"service_host": "10.0.0.1", "service_port": "6443"}, {6443}),
        ({"kubeconfig": {"clusters": [{"cluster": {"server": "https://u:p@k.example:16443"}}]}}, {16443}),
        ({"role_arn": "arn:aws:iam::123456789012:role/reader", "tags": ["a:b"], "address": "fe80::1:2", "time": "10:30:00"}, set()),
        ({"port": 0, "service_port": "99999"}, set()),
        ({"port": True, "x": None, "y": 1.5}, set()),
    ],
)
def test_ports_of_a_config(value, found):
    assert set(ports([value], (), (), ())) == {443, 53} | found


def test_port_80_is_given_to_nobody_who_does_not_name_it():
    config = {"server": "https://10.0.0.1", "token": "t", "name": "http", "note": "see metadata.google.internal"}
    assert 80 not in ports([config], (), (), ())


def test_ports_of_files_of_proxies_and_of_settings(tmp_path, monkeypatch):
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("clusters:\n- cluster:\n    server: https://k.example:7443\n")
    (tmp_path / "binary").write_bytes(b"\xff\x00" * 99)
    monkeypatch.setenv("HTTPS_PROXY", "http://user:pass@proxy.example:3128")

    found = ports([{}], [str(kubeconfig), str(tmp_path), str(tmp_path / "binary"), "/nowhere"], (80,), ("8443",))

    assert found == (53, 80, 443, 3128, 7443, 8443)


def test_every_port():
    assert ports([{}], (), (), ("*",)) is None
