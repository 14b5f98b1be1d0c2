"""Secrets at rest."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet

from worker.config.secretbox import SecretBox, SecretBoxError, is_sealed

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


def test_sealed_and_opened_at_any_depth():
    box = SecretBox([NEW])
    config = {"user": "me", "password": box.seal("hunter2"), "nested": [{"key": box.seal({"type": "service_account"})}]}

    assert "hunter2" not in str(config)
    assert is_sealed(config["password"])
    assert box.open(config) == {"user": "me", "password": "hunter2", "nested": [{"key": {"type": "service_account"}}]}


def test_what_is_sealed_stays_as_it_is():
    box = SecretBox([NEW])
    sealed = box.seal("x")

    assert box.seal(sealed) == sealed


def test_case_sec_1_what_an_older_key_has_sealed_is_sealed_anew():
    config = {"a": SecretBox([OLD]).seal("x"), "b": [{"c": SecretBox([NEW]).seal("y")}], "d": 1}
    box = SecretBox([NEW, OLD])

    assert box.older(config) == 1
    renewed = box.renewed(config)
    assert renewed["b"] == config["b"]
    assert (box.older(renewed), SecretBox([NEW]).open(renewed)) == (0, {"a": "x", "b": [{"c": "y"}], "d": 1})
    assert SecretBox([NEW]).open(box.seal(config["a"])) == "x"
    with pytest.raises(SecretBoxError, match="no key in ELDER_SECRET_KEYS"):
        SecretBox([NEW]).older(config)
    with pytest.raises(SecretBoxError, match="no key in ELDER_SECRET_KEYS"):
        SecretBox([NEW]).renewed(config)


def test_rotation():
    sealed = SecretBox([OLD]).seal("x")

    assert SecretBox([NEW, OLD]).open(sealed) == "x"
    with pytest.raises(SecretBoxError, match="no key in ELDER_SECRET_KEYS"):
        SecretBox([NEW]).open(sealed)


def test_without_keys():
    with pytest.raises(SecretBoxError, match="ELDER_SECRET_KEYS is not set"):
        SecretBox([]).seal("x")
    with pytest.raises(SecretBoxError, match="ELDER_SECRET_KEYS is not set"):
        SecretBox([]).open({"$fernet": "gAAAA"})
    assert SecretBox([]).open({"regions": ["eu-west-1"]}) == {"regions": ["eu-west-1"]}


@pytest.mark.parametrize("key", ["short", "x" * 44, ""])
def test_a_key_that_is_none(key):
    with pytest.raises(SecretBoxError, match="not a Fernet key"):
        SecretBox([key])
