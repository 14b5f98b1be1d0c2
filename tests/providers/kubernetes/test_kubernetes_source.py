"""The Kubernetes provider against a real API server."""

from __future__ import annotations

import contextlib
import json

import pytest
import volatile
from peers.http_proxy import Cut
from peers.kube import NOBODY, READER
from peers.kube_proxy import EMPTY, THROTTLED, as_who_has, at, status
from recorder import Recorder
from stored_suite import StoredSuite

from providers import registry
from providers.collected import canonical
from providers.errors import ConfigError, CredentialsError, Outcome
from providers.kubernetes import catalogue
from providers.kubernetes.client import TRIES
from providers.runner import run
from providers.schema import parse
from providers.testing import Fault, operator_of


def opened(config, operator=None):
    provider = registry.get("kubernetes")
    return contextlib.closing(provider.open(parse(provider.config, config), operator_of(provider, operator or {})))


def read(kube, token=None, **config) -> Recorder:
    sink = Recorder()
    with opened({"kubeconfig": kube.kubeconfig(*([token] if token else [])), "page_size": 50, **config}) as source:
        sink.tally = run(source, sink)
    return sink


def test_a_test_of_the_connection_names_namespaces_that_the_cluster_does_not_have(kube):
    for names, expected in ((["default"], ()), (["default", "nowhere"], ("`namespaces`: the cluster has no namespace `nowhere`",))):
        with opened({"kubeconfig": kube.kubeconfig(), "namespaces": names}) as source:
            assert tuple(source.unknown()) == expected


@pytest.fixture(scope="module")
def whole(kube):
    return read(kube, cluster_name="production")


class TestKubernetes(StoredSuite):
    """What holds for every provider."""

    provider = "kubernetes"
    expected = frozenset({"k8s_cluster", "k8s_pod", "k8s_node", "k8s_widget__acme_example", "k8s_pvc", "k8s_secret"})

    @pytest.fixture(autouse=True)
    def peer(self, kube, kube_proxy, waits):
        self.kube, self.proxy, self.waits = kube, kube_proxy, waits
        self.config = {"kubeconfig": kube_proxy.kubeconfig(), "page_size": 50}
        self.secrets = ("admin-token",)

    def move(self, time):
        volatile.move_kubernetes(self.kube, time)

    @contextlib.contextmanager
    def inject(self, fault):
        if fault == Fault.WRONG_CREDENTIALS:
            self.config = {"kubeconfig": self.proxy.kubeconfig("no-such-token")}
            yield lambda _: True
            return
        verdict = {
            Fault.DENIED: as_who_has(NOBODY),
            Fault.CUT: Cut(),
            Fault.THROTTLED: THROTTLED,
            Fault.EMPTY: EMPTY,
            Fault.EXPIRED: as_who_has(self.proxy.service_account_token(-3600)),
        }[fault]
        with self.proxy.broken(at("/widgets", verdict)):
            yield lambda scope: scope.resource_type == "k8s_widget__acme_example"


@pytest.fixture
def waits(monkeypatch):
    """The seconds that were to be waited, and are not."""
    waited: list[float] = []
    monkeypatch.setattr("providers.http.retry.wait", waited.append)
    return waited


def once(part, verdict):
    """A rule for the first request only whose address has `part`, and the list of those that it met."""
    met: list[str] = []

    def rule(request):
        if part in request.path and not met:
            met.append(request.path)
            return verdict
        return None

    return rule, met


def test_more_than_one_page(whole):
    assert whole.report("k8s_pod").resources == 130
    assert len(set(whole.ids("k8s_pod"))) == 130


def test_custom_resources_are_read_like_all_others(whole):
    widget = whole.one("shop/w")
    assert (widget.sub_type, widget.attributes["spec"]) == ("k8s_widget__acme_example", {"size": 3})
    [scope] = [scope for scope in whole.reports if scope.resource_type == "k8s_widget__acme_example"]
    assert scope.coverage == ""


def test_secrets_configmaps_and_environment_values_never_leave_the_server(whole):
    everything = b"".join(canonical(resource) for _, resource in whole.all())
    assert b"canary" not in everything
    assert b'"PASSWORD"' in everything, "the names of environment variables are inventory"
    assert whole.one("shop/s").sub_type == "k8s_secret"


def test_identity_is_the_clusters_uid_and_the_objects(whole, kube):
    uid = kube.call("GET", "/api/v1/namespaces/kube-system")["metadata"]["uid"]
    pod = kube.call("GET", "/api/v1/namespaces/shop/pods/pod-7")["metadata"]["uid"]
    assert whole.one("shop/pod-7").external_id == f"{uid}/{pod}"
    assert {scope.account for scope in whole.reports} == {uid}


def test_links(whole):
    ids = {resource.name + "/" + resource.sub_type: resource.external_id for _, resource in whole.all()}
    pod = {link.type: link.target for link in whole.one("shop/pod-0").links}
    assert pod == {
        "runs_on": ids["node-1/k8s_node"],
        "runs_as": ids["shop/web/k8s_service_account"],
        "runs_image": ids["nginx/k8s_image"],
    }
    assert whole.one("shop/pod-0").parent == ids["shop/k8s_namespace"]
    assert [(link.type, link.target) for link in whole.one("shop/pvc").links] == [("bound_to", ids["pv/k8s_persistent_volume"])]
    binding = next(r for _, r in whole.all() if r.sub_type == "k8s_cluster_role_binding" and r.name == "some")
    assert {(link.type, link.target) for link in binding.links} == {
        ("has_role", ids["some/k8s_cluster_role"]),
        ("granted_to", ids["shop/web/k8s_service_account"]),
        ("granted_to", ids["reader/k8s_user"]),
    }


def test_a_403_names_the_permission_and_leaves_the_rest(kube):
    sink = read(kube, READER)
    secrets = sink.report("k8s_secret")
    assert (secrets.outcome, secrets.permission) == (Outcome.DENIED, "list secrets")
    assert sink.report("k8s_pod").outcome == Outcome.COMPLETE
    assert sink.report("k8s_pod").resources == 130


def test_who_may_nothing_is_told_so_by_every_scope(kube):
    sink = read(kube, NOBODY)
    result = {report.outcome for scope, report in sink.reports.items() if scope.resource_type != catalogue.CLUSTER}
    assert result == {Outcome.DENIED}


def test_only_some_namespaces_is_a_scope_of_its_own(kube):
    sink = read(kube, namespaces=["default"])
    assert not sink.ids("k8s_pod")
    [scope] = [scope for scope in sink.reports if scope.resource_type == "k8s_pod"]
    assert scope.coverage == "namespaces=default"
    assert "k8s_node" not in {scope.resource_type for scope in sink.reports}


def test_the_folder_of_a_service_account_as_in_the_quick_start(kube, tmp_path):
    (tmp_path / "token").write_text("admin-token\n")
    (tmp_path / "ca.crt").write_text(kube.ca)
    host, _, port = kube.server.removeprefix("https://").partition(":")
    operator = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
    with opened({"kubeconfig_path": str(tmp_path), "cluster_name": "production-eks"}, operator) as source:
        assert source.check().name == "production-eks"


def test_the_operators_kubeconfig_file(kube, tmp_path):
    path = tmp_path / "kubeconfig.yaml"
    path.write_text(json.dumps(kube.kubeconfig()))
    with opened({}, {"KUBECONFIG": str(path)}) as source:
        assert source.check().details["version"]


def test_two_clusters_in_one_process_do_not_mix(kube):
    with opened({"kubeconfig": kube.kubeconfig()}) as one, opened({"kubeconfig": kube.kubeconfig("wrong")}) as other:
        assert one.check().account
        with pytest.raises(CredentialsError):
            other.check()
        assert one.check().account


def test_a_throttle_is_waited_for_as_long_as_it_asks(kube_proxy, waits):
    rule, met = once("/widgets", THROTTLED)
    with kube_proxy.broken(rule):
        sink = read(kube_proxy)
    assert met
    assert (sink.report("k8s_widget__acme_example").outcome, sink.report("k8s_widget__acme_example").resources) == (Outcome.COMPLETE, 1)
    assert waits == [float(THROTTLED.headers["Retry-After"])]


@pytest.mark.parametrize("verdict", [Cut(), Cut(b""), Cut(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n13\r\n{"items": [')])
def test_a_page_that_was_cut_once_is_read_again(kube_proxy, waits, verdict):
    rule, met = once("continue=", verdict)
    with kube_proxy.broken(rule):
        sink = read(kube_proxy)
    assert met
    assert (sink.report("k8s_pod").outcome, len(set(sink.ids("k8s_pod")))) == (Outcome.COMPLETE, 130)
    assert len(waits) == 1


def test_a_token_of_a_service_account_is_good_until_it_expires(kube_proxy):
    live, expired = kube_proxy.service_account_token(3600), kube_proxy.service_account_token(-3600)
    assert read(kube_proxy, live).report("k8s_pod").outcome == Outcome.COMPLETE
    with pytest.raises(CredentialsError, match=r"401.*expired"), opened({"kubeconfig": kube_proxy.kubeconfig(expired)}) as source:
        source.check()


def test_a_list_that_expires_under_way_is_begun_anew(kube_proxy):
    expired = status(410, "Expired", "The provided continue parameter is too old to display a consistent list result.")
    rule, met = once("/pods?limit=50&continue=", expired)
    with kube_proxy.broken(rule):
        sink = read(kube_proxy)
    assert (sink.report("k8s_pod").outcome, len(sink.ids("k8s_pod"))) == (Outcome.COMPLETE, 130)
    assert met


def test_a_group_that_does_not_answer_is_a_scope_that_failed(kube_proxy, waits):
    with kube_proxy.broken(at("/apis/acme.example/v1", status(503, "ServiceUnavailable", "the server is currently unable"))):
        sink = read(kube_proxy)
    assert sink.report("*").outcome == Outcome.TIMEOUT
    assert sink.report("k8s_pod").outcome == Outcome.COMPLETE
    assert len(waits) == TRIES - 1


def test_a_wrong_ca_is_not_overlooked(kube, authority):
    config = kube.kubeconfig()
    import base64

    config["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(authority.ca.read_bytes()).decode()
    with pytest.raises(CredentialsError, match="certificate"), opened({"kubeconfig": config}) as source:
        source.check()


@pytest.mark.parametrize(
    ("user", "key"),
    [
        ({"exec": {"command": "touch", "args": ["CANARY"]}}, "users[0].user.exec"),
        ({"auth-provider": {"name": "gcp"}}, "users[0].user.auth-provider"),
        ({"tokenFile": "/etc/shadow"}, "users[0].user.tokenFile"),
        ({"client-key": "/etc/shadow"}, "users[0].user.client-key"),
    ],
)
def test_g08_a_kubeconfig_may_not_run_programs_or_read_files(kube, tmp_path, user, key):
    canary = tmp_path / "canary"
    config = json.loads(json.dumps(kube.kubeconfig(**user)).replace("CANARY", str(canary)))
    with pytest.raises(ConfigError) as caught, opened({"kubeconfig": config}):
        pass
    assert f"`{key}`" in str(caught.value)
    assert not canary.exists()


def test_g08_verification_cannot_be_switched_off(kube):
    config = kube.kubeconfig()
    config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
    with pytest.raises(ConfigError, match="insecure-skip-tls-verify"), opened({"kubeconfig": config}):
        pass


@pytest.mark.parametrize(
    ("config", "sentence"),
    [
        ({"kubeconfig_path": "/no/such/file"}, "/no/such/file cannot be read"),
        ({"kubeconfig": {"current-context": "x"}}, "no context named 'x'"),
        ({"server": "http://plain", "token": "t"}, "must begin with https"),
        ({"server": "https://x"}, "`server` needs `token`"),
        ({"kubeconfig_path": "a", "kubeconfig": {"b": 1}}, "exclude each other"),
    ],
)
def test_bad_configs(config, sentence):
    with pytest.raises(ConfigError, match=sentence), opened(config):
        pass
