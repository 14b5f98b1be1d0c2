"""Secrets of Vault's KV engine, read from an OpenBao server: what they hold, each way to sign in, and a sentence for each thing that is wrong."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey
from peers import openbao as bao
from peers.openbao import ROOT_TOKEN
from peers.serving import Handler, serving

from providers import secrecy
from providers.errors import BadAnswer, ConfigError, CredentialsError, Denied, ProviderError, TimedOut
from providers.http import retry
from providers.references import VAULT
from providers.stores.access import StoreAccess
from providers.stores.reading import SecretReader

SECRET = "s3cret-of-the-store-52"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr(retry, "wait", lambda _: None)


@pytest.fixture
def known():
    """The secrets that are registered meanwhile, as a job's redactor is told them."""
    found: list[str] = []
    secrecy.add_listener(found.extend)
    yield found
    secrecy.remove_listener(found.extend)


@pytest.fixture
def reader(openbao) -> Iterator:
    """A reader of a KV mount, with the root token unless told otherwise."""
    readers = []

    def opened(timeout: float = 1, **settings) -> SecretReader:
        ways = {"token", "token_sink", "role_id", "kubernetes_role"}
        given = {"addr": openbao.url} | ({} if ways & settings.keys() else {"token": ROOT_TOKEN}) | settings
        readers.append(SecretReader(StoreAccess({VAULT: given}, timeout=timeout)))
        return readers[-1]

    yield opened
    for one in readers:
        one.close()


@pytest.fixture
def mount(openbao):
    """A KV mount of version 2 with a secret `jobs/okta`."""
    name = openbao.mount()
    openbao.call("POST", f"{name}/data/jobs/okta", {"data": {"token": SECRET, "number": 7, "key.json": {"private_key": SECRET}}})
    return name


def policy(mount: str, path: str = "data/jobs/*") -> str:
    return f'path "{mount}/{path}" {{ capabilities = ["read"] }}'


def refused(reader: SecretReader, where: str, kind: type[ProviderError], key: str = "token") -> str:
    reference = {VAULT: where, "key": key}
    with pytest.raises(ProviderError) as caught:
        reader.read(reference)
    assert type(caught.value) is kind, caught.value
    for secret in (SECRET, ROOT_TOKEN):
        assert secret not in str(caught.value) + caught.value.detail
    return str(caught.value).removeprefix(f"{json.dumps(reference)} ")


def test_a_field_an_object_and_all_fields(reader, mount):
    one = reader(kv_mount=mount)
    assert one.read({VAULT: "jobs/okta", "key": "token"}) == SECRET
    assert one.read({VAULT: "jobs/okta", "key": "key.json"}) == {"private_key": SECRET}
    assert one.read({VAULT: "jobs/okta"})["token"] == SECRET
    assert refused(one, "jobs/okta", ConfigError, "none") == "has no field of that name"
    assert refused(one, "jobs/okta", ConfigError, "number").startswith("is not text: the field holds a number")


def test_version_1_of_the_engine(reader, openbao):
    name = openbao.mount("1")
    openbao.call("POST", f"{name}/jobs/okta", {"token": SECRET})
    assert reader(kv_mount=name, kv_version="1").read({VAULT: "jobs/okta", "key": "token"}) == SECRET
    assert refused(reader(kv_mount=name, kv_version="1"), "none", ConfigError).startswith("is not there: ")


@pytest.mark.parametrize(("actual", "given"), [("1", "2"), ("2", "1")])
def test_the_other_version_of_the_engine_is_named(reader, openbao, actual, given):
    name = openbao.mount(actual)
    openbao.call("POST", f"{name}/{'data/' if actual == '2' else ''}jobs/okta", {"data": {"token": SECRET}})
    found = refused(reader(kv_mount=name, kv_version=given), "jobs/okta", ConfigError)
    assert found == f"cannot be read: the mount '{name}' is KV version {actual}: set VAULT_KV_VERSION={actual}"


def test_a_secret_that_is_not_there_deleted_or_destroyed(reader, openbao, mount):
    assert refused(reader(kv_mount=mount), "jobs/none", ConfigError) == (
        f"is not there: the mount '{mount}' (KV version 2) has no such secret; its path is given without the mount and `data/`"
    )
    openbao.call("DELETE", f"{mount}/data/jobs/okta")
    assert "is deleted: its current version" in refused(reader(kv_mount=mount), "jobs/okta", ConfigError)
    openbao.call("PUT", f"{mount}/destroy/jobs/okta", {"versions": [1]})
    assert "is destroyed: its current version" in refused(reader(kv_mount=mount), "jobs/okta", ConfigError)
    assert refused(reader(kv_mount="nowhere"), "x", ConfigError) == "cannot be read: Vault has no mount 'nowhere': check VAULT_KV_MOUNT"


def test_a_token_that_may_not_read_it_and_one_that_is_none(reader, openbao, mount):
    limited = openbao.token(policy(mount))
    assert reader(kv_mount=mount, token=limited).read({VAULT: "jobs/okta", "key": "token"}) == SECRET
    found = refused(reader(kv_mount=mount, token=limited), "prod/root", Denied)
    assert f"Vault refuses `read` on {mount}/data/prod/root (403; it says: " in found
    assert "no policy of it allows that" in found
    assert "the token has ended" in refused(reader(kv_mount=mount, token="no-token-at-all"), "jobs/okta", Denied)


def test_a_token_in_a_file_is_read_at_each_run(reader, openbao, mount, tmp_path, known):
    sink = tmp_path / "sink"
    sink.write_text(f"{openbao.token(policy(mount))}\n")
    assert reader(kv_mount=mount, token_sink=str(sink)).read({VAULT: "jobs/okta", "key": "token"}) == SECRET
    assert known == [sink.read_text().strip()]
    sink.write_text("")
    assert "holds no token" in refused(reader(kv_mount=mount, token_sink=str(sink)), "jobs/okta", CredentialsError)
    sink.unlink()
    assert "cannot be read: No such file" in refused(reader(kv_mount=mount, token_sink=str(sink)), "jobs/okta", CredentialsError)


def test_a_sign_in_by_approle_leaves_no_token_behind(reader, openbao, mount, known):
    auth, role, secret = openbao.approle(policy(mount))
    before = openbao.tokens()
    one = reader(kv_mount=mount, auth_mount=auth, role_id=role, secret_id=secret)
    assert one.read({VAULT: "jobs/okta", "key": "token"}) == SECRET
    assert len(openbao.tokens() - before) == 1
    assert len(known) == 1
    one.close()
    assert openbao.tokens() == before

    found = refused(reader(auth_mount=auth, role_id=role, secret_id="wrong-secret-id"), "jobs/okta", CredentialsError)
    assert f"Vault refuses the sign-in at auth/{auth}/login (400; it says: invalid role or secret ID)" in found
    found = refused(reader(auth_mount="nowhere", role_id=role, secret_id=secret), "jobs/okta", CredentialsError)
    assert "Vault refuses the sign-in at auth/nowhere/login (403; it says: permission denied)" in found
    assert found.endswith("and VAULT_AUTH_MOUNT")


def test_a_sign_in_by_a_service_account_leaves_no_token_behind(reader, openbao, mount, tmp_path, known):
    """OpenBao's JWT method, which is signed in to as its Kubernetes method is, and asks no API server."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    openbao.call("PUT", "sys/policies/acl/account", {"policy": policy(mount)})
    openbao.call("POST", "sys/auth/cluster", {"type": "jwt"})
    openbao.call("POST", "auth/cluster/config", {"jwt_validation_pubkeys": [public]})
    role = {"role_type": "jwt", "user_claim": "sub", "bound_subject": "system:serviceaccount:elder:worker", "token_policies": ["account"]}
    openbao.call("POST", "auth/cluster/role/worker", role)
    account = tmp_path / "token"
    account.write_text(_signed(key, "system:serviceaccount:elder:worker"))
    settings = {"kv_mount": mount, "auth_mount": "cluster", "kubernetes_role": "worker", "jwt_path": str(account)}

    before = openbao.tokens()
    one = reader(**settings)
    assert one.read({VAULT: "jobs/okta", "key": "token"}) == SECRET
    assert account.read_text() in known
    one.close()
    assert openbao.tokens() == before

    account.write_text(_signed(key, "system:serviceaccount:other:worker"))
    assert "Vault refuses the sign-in at auth/cluster/login" in refused(reader(**settings), "jobs/okta", CredentialsError)


def _signed(key: rsa.RSAPrivateKey, subject: str) -> str:
    now = int(time.time())
    claims = {"sub": subject, "iat": now - 60, "nbf": now - 60, "exp": now + 600}
    return jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(key))


def test_a_namespace(reader, openbao):
    openbao.call("POST", "sys/namespaces/team")
    name = openbao.mount(**{"X-Vault-Namespace": "team"})
    openbao.call("POST", f"{name}/data/x", {"data": {"token": SECRET}}, **{"X-Vault-Namespace": "team"})
    assert reader(kv_mount=name, namespace="team").read({VAULT: "x", "key": "token"}) == SECRET
    found = refused(reader(kv_mount=name, namespace="nope"), "x", ConfigError)
    assert found == "cannot be read: Vault has no namespace 'nope': check VAULT_NAMESPACE"


def test_tls_with_its_own_authority_and_a_server_that_is_sealed(reader, tmp_path):
    with bao.serving(tmp_path, tls=True) as server:
        server.call("POST", "secret/data/x", {"data": {"token": SECRET}})
        assert reader(addr=server.url, cacert=server.ca).read({VAULT: "x", "key": "token"}) == SECRET
        assert "set VAULT_CACERT to the file with the CA" in refused(reader(addr=server.url), "x", CredentialsError)
        server.call("PUT", "sys/seal")
        found = refused(reader(addr=server.url, cacert=server.ca), "x", TimedOut)
        assert "Vault is sealed or does not serve (503; it says: Vault is sealed): unseal it" in found
        assert "(tried 3 times)" in found


def test_a_server_that_does_not_answer_is_asked_three_times(reader):
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        found = refused(reader(0.2, addr=f"http://127.0.0.1:{silent.getsockname()[1]}"), "x", TimedOut)
    assert "it accepts connections, but was silent for too long (tried 3 times)" in found
    assert "nothing listens there; check VAULT_ADDR" in refused(reader(addr=f"http://127.0.0.1:{silent_port()}"), "x", TimedOut)


def silent_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


class Elsewhere(Handler):
    """Leads every request to another host, as a standby does, or says something in HTML."""

    status = 307
    seen: list[str]
    login: tuple[int, dict]

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.answer(
            self.status, b"" if self.status == 307 else b"<html>", {"Location": "http://localhost:1/v1/x", "Content-Type": "text/html"}
        )

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(*self.login)


@pytest.mark.parametrize(
    ("login", "words"),
    [
        ((404, {"errors": []}), "Vault has no sign-in at auth/approle: check VAULT_AUTH_MOUNT"),
        ((200, {"auth": None}), "Vault gives no token at auth/approle: is another kind of sign-in mounted there?"),
    ],
)
def test_a_sign_in_that_gives_no_token(reader, login, words):
    with serving(Elsewhere, login=login) as url:
        assert refused(reader(addr=url, role_id="r", secret_id="secret-id"), "x", CredentialsError) == f"cannot be read: {words}"


@pytest.mark.parametrize(("status", "words"), [(307, "a redirect (307), which is not followed"), (200, "something that is not JSON")])
def test_a_token_is_not_led_elsewhere_and_a_page_is_no_answer(reader, status, words):
    seen: list[str] = []
    with serving(Elsewhere, status=status, seen=seen) as url:
        assert words in refused(reader(addr=url), "x", BadAnswer)
    assert seen == ["/v1/secret/data/x"]
