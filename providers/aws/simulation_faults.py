"""The faults of the demo's simulated account: a call that is denied, a key that is never answered, instances that are terminated."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

DENIED_CALL = "secretsmanager.ListSecrets"
"""The call that the account refuses, as the header X-Amz-Target has it."""

SILENT_KEY = "never-answered"
"""Access key id whose requests are taken and never answered."""

CALLER = "arn:aws:sts::123456789012:user/moto"
"""Whom moto's STS names for every key."""


class Faulty:
    """A simulated account that denies `DENIED_CALL` and never answers `SILENT_KEY`."""

    def __init__(self, application: Any, stop: threading.Event) -> None:
        """`stop` ends the requests that are never answered."""
        self._application, self._stop = application, stop

    def __call__(self, environ: Any, start_response: Any) -> list[bytes]:
        """Answers one request (WSGI)."""
        if environ.get("HTTP_X_AMZ_TARGET") == DENIED_CALL:
            return _deny(start_response)
        if f"Credential={SILENT_KEY}/" in environ.get("HTTP_AUTHORIZATION", ""):
            self._stop.wait()
        answer: list[bytes] = self._application(environ, start_response)
        return answer


def _deny(start_response: Any) -> list[bytes]:
    """The answer of AWS Secrets Manager to a user who has no permission to list secrets."""
    permission = DENIED_CALL.replace(".", ":")
    message = f"User: {CALLER} is not authorized to perform: {permission} because no identity-based policy allows the {permission} action"
    body = json.dumps({"__type": "AccessDeniedException", "Message": message}).encode()
    headers = [("Content-Type", "application/x-amz-json-1.1"), ("Content-Length", str(len(body)))]
    start_response("400 Bad Request", headers)
    return [body]


def terminate_instances(client_of: Callable[[str, str], Any], region: str) -> int:
    """Terminates all instances of a region; their volumes and network interfaces are deleted with them. Returns their number."""
    ec2 = client_of("ec2", region)
    found = [one for page in ec2.get_paginator("describe_instances").paginate() for one in page["Reservations"]]
    running = [one["InstanceId"] for reservation in found for one in reservation["Instances"] if one["State"]["Name"] != "terminated"]
    if running:
        ec2.terminate_instances(InstanceIds=running)
    return len(running)
