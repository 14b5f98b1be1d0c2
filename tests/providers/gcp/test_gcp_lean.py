"""google-cloud-compute made lean is the same library for what is read, and costs what it should."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from providers.gcp import lean
from providers.gcp.compute import _lists

FIELDS = """
import json, sys
def fields(descriptor, seen):
    if descriptor.full_name not in seen:
        seen.add(descriptor.full_name)
        for field in descriptor.fields:
            yield descriptor.full_name, field.name, field.number, field.json_name, field.type, field.is_repeated
            if field.message_type:
                yield from fields(field.message_type, seen)
names = json.loads(sys.argv[1])
{load}
import re, pathlib
kilobytes = int(re.search(r"Pss:\\s+(\\d+)", pathlib.Path("/proc/self/smaps_rollup").read_text())[1])
found = sorted(set(found for name in names for found in fields(getattr(compute, name).pb().DESCRIPTOR, set())))
print(json.dumps([kilobytes, found]))
"""
WHOLE = (
    "import worker.job.entry, providers.google.signin\nfrom google.cloud import storage\nfrom google.cloud.compute_v1.types import compute"
)
LEAN = "import worker.job.entry, providers.gcp.source, providers.gcp.buckets, providers.gcp.compute\nfrom google.cloud import storage\nfrom google.cloud.compute_v1.types import compute"


def run(code: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_every_field_of_every_answer_is_the_librarys_own_for_little_more_than_half_the_memory():
    """Time is for `make bench`."""
    names = sorted({name for service, calls in _lists().items() for call in calls for name in lean.messages(lean._folder(), service, call)})
    (whole, theirs), (ours, found) = (json.loads(run(FIELDS.replace("{load}", load), json.dumps(names))) for load in (WHOLE, LEAN))

    assert found == theirs
    assert len(found) > 1000
    assert ours < 0.6 * whole, (ours, whole)


def test_it_makes_a_small_part_of_the_classes_and_knows_the_names_of_the_others():
    code = f"""
{LEAN}
import proto
made = [name for name, value in vars(compute).items() if isinstance(value, type) and issubclass(value, proto.Message)]
assert 50 < len(made) < 500, len(made)
assert compute.InsertInstanceRequest.__name__ == "InsertInstanceRequest"
try:
    import importlib.util
    assert importlib.util.find_spec("google.cloud.compute_v1").name == "google.cloud.compute_v1"
    compute.NoSuchThing
except AttributeError:
    pass
else:
    raise AssertionError("a name that the library does not have")
"""
    run(code)


def test_a_job_is_ready_before_the_client_libraries_are_loaded_with_one_tls_context_for_all_apis():
    """The first list that a library reads loads it. Each context would hold the system's CAs anew: 1 MB for each of 28 hosts."""
    code = """
import ssl, sys
make, made = ssl.create_default_context, []
ssl.create_default_context = lambda *a, **k: made.append(k) or make(*a, **k)
import worker.job.entry
from providers import registry
key = {"type": "authorized_user", "client_id": "1", "client_secret": "2", "refresh_token": "3"}
from providers.google import signin
from providers.google.operator import GoogleOperator
from providers.gcp.config import GcpOperator
from providers.gcp.listing import Apis
apis = Apis(signin.sign_in(GoogleOperator(), (), key=key), GcpOperator(), 2)
import providers.gcp.source
assert len(apis._clients) > 20, len(apis._clients)
assert len(made) == 1, made
slow = {"google.cloud.compute_v1", "google.cloud.storage", "grpc", "proto", "google.protobuf", "requests"}
assert not slow & set(sys.modules), slow & set(sys.modules)
apis.load()
assert {"google.cloud.compute_v1", "google.cloud.storage"} <= set(sys.modules)
"""
    run(code)


def test_a_library_of_another_layout_is_not_touched(tmp_path):
    (tmp_path / "types").mkdir()
    source, rest = tmp_path / "types" / "compute.py", tmp_path / "services" / "disks" / "transports" / "rest.py"
    rest.parent.mkdir(parents=True)
    for text in ("__protobuf__ = proto.module()\n", "class DiskList(proto.Message):\n    x = 1\n", ""):
        source.write_text(text)
        with pytest.raises(lean.UnknownLayoutError):
            lean.cut(source, ["DiskList"])
    rest.write_text("request: disks.ListDisksRequest) -> disks.DiskList:")
    with pytest.raises(lean.UnknownLayoutError, match="no ListDisksRequest"):
        lean.messages(tmp_path, "disks", "list")
    code = """
import sys
from providers.gcp import lean
assert lean.load({"disks": ["no_such_call"]}) is False
assert lean.load({"no_such_service": ["list"]}) is False
assert lean.COMPUTE not in sys.modules
"""
    run(code)
