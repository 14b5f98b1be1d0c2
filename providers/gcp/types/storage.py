"""The buckets of Cloud Storage."""

from __future__ import annotations

from providers.gcp.declaration import GcpKind
from providers.gcp.types.texts import encrypted_with

# fmt: off
KINDS: tuple[GcpKind, ...] = (
    GcpKind(
        "gcs_bucket", "storage", "//storage.googleapis.com/projects/_/buckets/{name}", "storage.buckets.list", "items[]",
        location="location", largest=1000, links=(encrypted_with("encryption.defaultKmsKeyName"),),
        omit=("metageneration", "updated", "selfLink"),
    ),
)
