"""Fixtures that all tests share; those of one kind of peer are in tests/peers/."""

from __future__ import annotations

import signal

from hypothesis import settings

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it, and so would all that is started here

settings.register_profile("untimed", settings(), deadline=None)
settings.load_profile("untimed")

pytest_plugins = [
    "workbench_fixture",
    "peers.moto",
    "peers.aws_proxy",
    "peers.certificates",
    "peers.arm",
    "peers.google_contract",
    "peers.google_cloud",
    "peers.postgres",
    "peers.tcp_proxy",
    "peers.kube",
    "peers.kube_proxy",
    "peers.slapd",
    "peers.samba",
    "peers.ds389",
    "peers.elder",
    "peers.image",
    "peers.service",
    "peers.okta",
    "peers.authentik",
    "peers.recorded",
]
