"""What goes over a network in the clear is remarked upon, once; a CA file is tried at the start."""

from __future__ import annotations

import pytest

from worker.config import settings, transport
from worker.config.environment import SettingsError


def complaints(**environ) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        settings.load(environ)
    return list(caught.value.complaints)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("postgresql://elder:s3cret@db.example:5432/elder", "db.example"),
        ("postgresql://elder:s3cret@db.example/elder?sslmode=prefer", "db.example"),
        ("postgresql://elder:s3cret@db.example/elder?sslmode=disable&connect_timeout=3", "db.example"),
        ("postgresql://elder:s3c%40ret@10.0.0.7/elder?sslmode=allow", "10.0.0.7"),
        ("postgresql://elder:s3cret@[fd00::7]:5432/elder", "fd00::7"),
        ("postgresql://elder:s3cret@localhost,db.example:5433/elder", "db.example"),
        ("postgresql:///elder?host=db.example&password=s3cret", "db.example"),
        ("postgresql://localhost/elder?hostaddr=10.0.0.8&password=s3cret", "10.0.0.8"),
        ("host=db.example dbname=elder password='s3cret with blank'", "db.example"),
        ("host = 'db.example' sslmode = prefer password=s3cret", "db.example"),
    ],
)
def test_a_database_over_a_network_without_tls_is_remarked_upon(url, host):
    [remark] = settings.load({"DATABASE_URL": url}).warnings
    assert remark.startswith(f"DATABASE_URL: nothing demands TLS on the way to {host},")
    assert "sslmode=verify-full" in remark
    assert "s3c" not in remark


@pytest.mark.parametrize(
    "url",
    [
        "postgresql:///elder",
        "postgresql://elder@/elder?host=/run/postgresql",
        "postgresql://%2Frun%2Fpostgresql/elder",
        "postgresql://elder@localhost:5432/elder",
        "postgresql://elder@127.0.0.1/elder?sslmode=disable",
        "postgresql://elder@[::1]:5432/elder",
        "host=/run/postgresql dbname=elder",
        "dbname=elder",
        "postgresql://elder@db.example/elder?sslmode=require",
        "postgresql://elder@db.example/elder?sslmode=verify-ca",
        "postgresql://elder@db.example/elder?sslmode=verify-full&sslrootcert=system",
        "host=db.example sslmode=verify-full",
        "postgresql://[broken",
    ],
)
def test_sockets_this_machine_and_tls_are_not_remarked_upon(url):
    assert list(transport.remarks({"database_url": url})) == []


def test_all_databases_are_told_in_one_line():
    url = "postgresql://elder@{}.example/elder"
    [remark] = settings.load({"DATABASE_URL": url.format("one"), "DATABASE_READ_URL": url.format("two")}).warnings
    assert remark.startswith("DATABASE_URL and DATABASE_READ_URL: nothing demands TLS on the way to one.example, two.example,")


def test_a_certificate_without_its_key_stops_the_start():
    assert complaints(ELDER_API_TLS_CERT="/x.pem") == [
        "ELDER_API_TLS_CERT is set but ELDER_API_TLS_KEY is not: TLS needs the certificate and its key"
    ]
    assert complaints(ELDER_API_TLS_KEY="/x.key") == [
        "ELDER_API_TLS_KEY is set but ELDER_API_TLS_CERT is not: TLS needs the certificate and its key"
    ]


def test_a_ca_file_that_cannot_be_used_stops_the_start(authority, tmp_path):
    assert complaints(ELDER_API_CA_BUNDLE="/none.pem") == [
        "ELDER_API_CA_BUNDLE: /none.pem cannot be used: it cannot be read (No such file or directory)"
    ]
    (tmp_path / "empty").write_text("no certificate")
    assert complaints(ELDER_API_CA_BUNDLE=str(tmp_path / "empty")) == [
        f"ELDER_API_CA_BUNDLE: {tmp_path}/empty cannot be used: it holds no certificate in PEM"
    ]
    assert settings.load({"ELDER_API_CA_BUNDLE": str(authority.ca)}).elder_api_ca_bundle == str(authority.ca)
