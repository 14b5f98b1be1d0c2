"""One example of each body that the API takes, for the OpenAPI document."""

from __future__ import annotations

from typing import Any

_SCOPE = ["ldap", "dc=example,dc=com", "", "ldap_user", ""]
_SYNC = {"owner": "connector:ldap", "run": "2026-01-31T03:00:00Z"}

EXAMPLES: dict[str, dict[str, Any]] = {
    "JobBody": {
        "name": "production",
        "provider": "aws",
        "config": {"role_arn": "arn:aws:iam::123456789012:role/elder-discovery", "regions": ["eu-central-1", "us-east-1"]},
        "schedule_cron": "0 3 * * *",
        "schedule_timezone": "Europe/Berlin",
    },
    "JobChanges": {"schedule_interval": 3600, "config": {"regions": None}},
    "IgnoreBody": {"field": "status.lastSyncedAt"},
    "OrganizationBody": {"name": "Payments", "parent_id": 1},
    "OrganizationChanges": {"name": "Payments and invoices"},
    "MergeBody": {"into": 1},
    "RetireBody": {"provider": "aws", "account": "123456789012"},
    "KeyBody": {"name": "dashboards", "role": "read", "expires_in_days": 90},
    "RotateBody": {"grace_seconds": 3600},
    "WebhookBody": {"name": "on-call", "url": "https://example.com/hooks/elder", "events": ["run.ended", "job.parked"]},
    "RotateSecretBody": {"grace_seconds": 86400},
    "SyncRun": {**_SYNC, "status": "completed", "resources": 2, "created": 1},
    "Batch": {
        **_SYNC,
        "scope": _SCOPE,
        "organizations": [["dc=example,dc=com", "LDAP: example.com", ""]],
        "resources": [["3f1c7a52-0d7e-4b7e-9a57-2f6c0f0a1c11", "user", "ldap_user", "Ada Lovelace", {"mail": ["ada@example.com"]}]],
    },
    "ScopeOpened": {**_SYNC, "scope": _SCOPE},
    "ScopeClosed": {**_SYNC, "scope": _SCOPE, "outcome": "complete", "resources": 2},
    "WorkerConnectors": {
        "worker": "0b6a3c1e-52a1-4b0f-9d4e-7a1c2f3e4d5b",
        "name": "worker-1",
        "connectors": [{"name": "ldap", "next_in": 1800.0, "ready": True}],
    },
    "ReleaseHeld": {"owner": "connector:ldap"},
}
"""Name of the body -> the example."""
