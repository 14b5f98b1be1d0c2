"""Impersonation and tokens: the names of a kubeconfig reach the server as kubectl sends them."""

from __future__ import annotations

import base64
import datetime as dt
import json

import pytest
from cluster_access import read

from providers.errors import ConfigError, Outcome
from providers.kubernetes.access import Access, impersonation
from providers.kubernetes.config import KubernetesConfig, KubernetesOperator
from providers.kubernetes.kubeconfig import access


def test_names_and_values_are_encoded_as_kubernetes_decodes_them():
    user = {
        "as": "Jörg",
        "as-groups": ["größte"],
        "as-user-extra": {"acme.com/project": ["ßa"], "100%": ["x"], "größe": ["y"], "plain_-1": ["z"]},
    }
    headers = impersonation(user)
    assert {name: headers[name] for name in headers if name.startswith("Impersonate-Extra")} == {
        "Impersonate-Extra-acme.com%2Fproject": ("ßa".encode().decode("latin-1"),),
        "Impersonate-Extra-100%25": ("x",),
        "Impersonate-Extra-gr%C3%B6%C3%9Fe": ("y",),
        "Impersonate-Extra-plain_-1": ("z",),
    }
    assert headers["Impersonate-User"].encode("latin-1").decode() == "Jörg"


def written(tmp_path, kubeconfig: dict, **user) -> str:
    """The path of a kubeconfig whose user has further keys."""
    kubeconfig["users"][0]["user"] |= user
    place = tmp_path / "kubeconfig"
    place.write_text(json.dumps(kubeconfig))
    return str(place)


def test_a_server_takes_the_extras_and_a_name_beyond_ascii(kube, tmp_path):
    """Without the encoding the server answers 400, or knows somebody else."""
    user = {"as": "Jörg", "as-groups": ["system:masters"], "as-user-extra": {"acme.com/project": ["größe"]}}
    sink = read({"namespaces": ["default"]}, {"KUBECONFIG": written(tmp_path, kube.kubeconfig(), **user)})
    assert sink.report("k8s_config_map").outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    "user", [{"as": "ops\r\nX-Other: 1"}, {"as": "ops", "as-groups": ["a\nb"]}, {"as": "ops", "as-user-extra": {"a": ["\0"]}}]
)
def test_a_line_break_in_a_name_is_a_wrong_config(kube, tmp_path, user):
    with pytest.raises(ConfigError, match="line break"):
        access(KubernetesConfig(), KubernetesOperator(kubeconfig=written(tmp_path, kube.kubeconfig(), **user)))


def test_a_token_written_as_a_block_of_yaml_is_taken_without_its_line_break(kube, tmp_path):
    sink = read({"namespaces": ["default"]}, {"KUBECONFIG": written(tmp_path, kube.kubeconfig(), token="admin-token\n")})
    assert sink.report("k8s_config_map").outcome is Outcome.COMPLETE


@pytest.mark.parametrize(
    ("server", "place"),
    [
        ("https://K8s.example.com/", "https://k8s.example.com:443"),
        ("https://reader:canary@k8s.example.com:6443/k8s/c-1", "https://k8s.example.com:6443/k8s/c-1"),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443"),
    ],
)
def test_the_place_of_a_cluster_has_one_spelling_and_names_no_user(server, place):
    assert Access(server=server).place == f"{place} (any CA of the system)"
    assert Access(server=server, verify=False).place == f"{place} (any certificate)"


def test_what_ends_first_says_when_the_credentials_end(authority):
    late, soon = (authority.issue(host, lasts=dt.timedelta(days=days))[0].read_text() for host, days in (("late", 20_000), ("soon", 3)))
    server, unknown = "https://kube:6443", Access(server="https://kube:6443").expiry()
    by_certificate = Access(server=server, ca=late, client_certificate=soon).expiry()["credential_expires_at"]
    by_authority = Access(server=server, ca=soon, client_certificate=late).expiry()["credential_expires_at"]
    assert unknown == {}
    assert by_certificate == by_authority
    assert dt.timedelta(days=2) < dt.datetime.fromisoformat(by_certificate) - dt.datetime.now(dt.UTC) < dt.timedelta(days=3)
    assert Access(server=server, ca=soon, verify=False).expiry() == {}, "it is not looked at"


def test_a_token_that_kubernetes_renews_in_its_file_has_no_end(tmp_path):
    body = base64.urlsafe_b64encode(b'{"exp": 1900000000}').decode().rstrip("=")
    token, server = f"eyJhbGciOiJSUzI1NiJ9.{body}.c2ln", "https://kube:6443"
    assert Access(server=server, token=token).expiry() == {"credential_expires_at": "2030-03-17T17:46:40Z"}
    assert Access(server=server, token=token, token_file=tmp_path / "token").expiry() == {}
