"""``elder-worker migrate --app-role``: what is asked for by halves is refused before the schema is touched."""

from __future__ import annotations

import pytest

from worker.cli.main import main


@pytest.fixture
def migrate(monkeypatch, tmp_path, capsys):
    """Runs it against a database that does not answer, so that only what comes before can be told."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://elder@127.0.0.1:1/elder")
    (tmp_path / "empty").write_text("\n")

    def call(*arguments: str) -> str:
        assert main(["migrate", *(one.format(folder=tmp_path) for one in arguments)]) == 78
        return capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--app-role", "elder_app"), "--app-role and --app-password-file go together"),
        (("--app-password-file", "{folder}/empty"), "--app-role and --app-password-file go together"),
        (("--app-role", "elder_app", "--app-password-file", "{folder}/none"), "No such file"),
        (("--app-role", "elder_app", "--app-password-file", "{folder}/empty"), "/empty is empty"),
    ],
)
def test_a_role_without_a_password_is_refused(migrate, arguments, said):
    assert said in migrate(*arguments)
