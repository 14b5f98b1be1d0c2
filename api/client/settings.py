"""The API's address and key: from options, the environment, or a config file."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.client.errors import ClientError
from providers.complaints import sentence

DEFAULT_URL = "http://localhost:5000"


class ClientSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of the config file."""

    url: str = DEFAULT_URL
    key: str = ""


def load(url: str | None, environ: Mapping[str, str]) -> ClientSettings:
    """The settings: an option wins over ``ELDER_API_URL`` and ``ELDER_API_KEY``, and these over the file. Raises `ClientError`.

    A key is never sent to another URL than the one that it was given with: a key in the file goes to the file's URL only.
    """
    stored = _stored(config_file(environ))
    given = url or environ.get("ELDER_API_URL", "")
    key = environ.get("ELDER_API_KEY", "")
    if not key and (not given or given.rstrip("/") == stored.url.rstrip("/")):
        key = stored.key
    chosen = given or stored.url
    if not chosen.startswith(("http://", "https://")):
        raise ClientError(f"'{chosen}' is not a URL of an API: it begins with http:// or https://")
    return ClientSettings(chosen.rstrip("/"), key)


def config_file(environ: Mapping[str, str]) -> Path:
    """The path of the config file: ``ELDER_CONFIG``, else ``elder/config.toml`` in the user's folder of settings."""
    folder = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(environ.get("ELDER_CONFIG") or Path(folder) / "elder" / "config.toml")


def _stored(path: Path) -> ClientSettings:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            settings = msgspec.convert(tomllib.load(file), ClientSettings)
    except FileNotFoundError:
        return ClientSettings()
    except msgspec.ValidationError as error:
        raise ClientError(f"{path} cannot be used: {sentence(error, ClientSettings)}") from None
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ClientError(f"{path} cannot be used: {error}") from None
    if settings.key and mode & (stat.S_IRGRP | stat.S_IROTH):
        raise ClientError(f"{path} holds a key and can be read by others: chmod 600 {path}")
    return settings
