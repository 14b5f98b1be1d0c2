"""What the tests of the Azure provider share: credentials that the fake accepts, a run, and a refusal as Azure words it."""

from __future__ import annotations

from peers.arm_account import SECRET, TENANT
from recorder import Recorder

from providers import registry
from providers.errors import Outcome
from providers.runner import run
from providers.schema import parse
from providers.testing import operator_of

CREDENTIALS = {"tenant_id": TENANT, "client_id": "app-1", "client_secret": SECRET}
NOT_FOUND = {"error": {"code": "ResourceNotFound", "message": "The Resource was not found."}}


def read(azure, **config):
    provider = registry.get("azure")
    sink = Recorder()
    source = provider.open(parse(provider.config, {**CREDENTIALS, **config}), operator_of(provider, azure.operator))
    try:
        sink.tally = run(source, sink)
    finally:
        source.close()
    return sink


def refusal(permission: str):
    message = f"The client 'x' does not have authorization to perform action '{permission}' over scope '/subscriptions/x'."
    return 403, {}, {"error": {"code": "AuthorizationFailed", "message": message}}


def outcome(sink, kind: str) -> tuple[Outcome, int]:
    report = sink.report(kind)
    return report.outcome, report.resources
