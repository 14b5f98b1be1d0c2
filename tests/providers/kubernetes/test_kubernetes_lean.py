"""The kubernetes package as a job loads it: two classes, and none of its API classes."""

from __future__ import annotations

import subprocess
import sys

import pytest
import urllib3

from providers.http.proxy import Proxy
from providers.kubernetes.access import Access
from providers.kubernetes.client import Client

OPEN = "from providers.kubernetes import lean; assert lean.Configuration and lean.RESTClientObject\n"


def ran(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True, timeout=60).stdout.strip()


def test_the_api_classes_and_pydantic_stay_out_of_a_job():
    loaded = ran(f"import sys\n{OPEN}print(*sorted(m for m in sys.modules if m.startswith(('kubernetes', 'pydantic', 'aiohttp'))))").split()
    assert "kubernetes.client.rest" in loaded
    assert not [name for name in loaded if name.startswith(("pydantic", "aiohttp", "kubernetes.client.api", "kubernetes.client.models"))]
    assert len(loaded) < 15


def test_the_whole_package_is_used_where_it_is_there_already_or_is_built_in_another_way(tmp_path):
    assert ran(f"import kubernetes.client\n{OPEN}print(lean.Configuration is kubernetes.client.Configuration)") == "True"
    client = tmp_path / "kubernetes" / "client"
    client.mkdir(parents=True)
    (tmp_path / "kubernetes" / "__init__.py").write_text("from kubernetes import client")
    (client / "__init__.py").write_text("class Configuration: pass\nRESTClientObject = Configuration")
    for name in ("configuration", "rest"):  # what they need is in the package itself, as in no version that we know
        (client / f"{name}.py").write_text("from kubernetes.client import Configuration, RESTClientObject")
    assert ran(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{OPEN}print(lean.Configuration.__module__)") == "kubernetes.client"


def test_a_missing_package_is_told_by_its_name(tmp_path):
    code = "import sys\nfrom importlib.machinery import PathFinder\nimport importlib.util\n"
    code += "importlib.util.find_spec = lambda name, _find=importlib.util.find_spec: None if name == 'kubernetes' else _find(name)\n"
    code += "class No:\n    def find_spec(self, name, *_):\n        if name == 'kubernetes': raise ModuleNotFoundError('no', name=name)\n"
    code += "sys.meta_path.insert(0, No())\nfrom providers import registry\nfrom providers.errors import ConfigError\n"
    code += "try: registry.opened(registry.get('kubernetes'), {'server': 'https://x', 'token': 't'}, {})\n"
    code += "except ConfigError as error: print(error)"
    told = ran(code)
    assert told.startswith("provider 'kubernetes' needs a package that is not installed (kubernetes):")
    assert "[kubernetes]" in told


@pytest.mark.parametrize("proxy", [None, Proxy("http://me:word@p.example:3128", "HTTPS_PROXY")])
def test_the_connections_are_the_packages_under_our_policy(proxy):
    client = Client(Access(server="https://kube.example", proxy=proxy, tls_server_name="kubernetes.default.svc"))
    pool = client._http._pool
    assert type(pool) is (urllib3.ProxyManager if proxy else urllib3.PoolManager)
    kept = pool.connection_pool_kw
    assert (kept["retries"].total, kept["maxsize"], kept["block"], kept["server_hostname"]) == (False, 32, True, "kubernetes.default.svc")
    assert kept["timeout"].read_timeout == 60.0
    assert kept["ssl_context"].verify_mode.name == "CERT_REQUIRED"
    client.close()
