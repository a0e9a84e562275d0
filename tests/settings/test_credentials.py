"""`runner.credentials` names the places of secrets; each mistake in it is a one-line error."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.connection.auth.named import Named
from runner.errors import UsageError
from runner.models import Secret
from runner.settings import Settings
from runner.settings.configuration import of_folder


def read(value: object) -> tuple[Named, ...]:
    return Settings.resolve({}, {"credentials": value}).credentials


def test_secrets_are_read_from_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "old").write_text("from-file\nnothing of this\n")
    monkeypatch.setenv("NEW", "from-environment")
    found = read(
        [
            {"password": "env:NEW"},
            {"user": "admin", "password": f"file:{tmp_path}/old", "private_key": "~/.ssh/id"},
        ]
    )

    assert found == (
        Named("runner.credentials 1", password=Secret("from-environment")),
        Named("runner.credentials 2", "admin", Secret("from-file"), "~/.ssh/id"),
    )


def test_relative_paths_stand_on_the_folder_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "old").write_text("from-file\n")
    (tmp_path / "invoke.yaml").write_text(
        "runner:\n  credentials:\n    - {password: 'file:old', private_key: keys/id}\n"
    )
    monkeypatch.chdir(tmp_path / "deep")
    (found,) = Settings.resolve({}, *of_folder(Path.cwd())).credentials

    assert found.password == Secret("from-file")
    assert found.key_file == str(tmp_path / "keys" / "id")


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("env:NEW", "expected a list"),
        ([1], "expected a mapping"),
        ([{}], "expected a password or a private_key"),
        ([{"user": "a"}], "expected a password or a private_key"),
        ([{"passwort": "env:A"}], "'passwort' is not one of user, password, private_key"),
        ([{"password": "hunter2"}], "env:NAME or file:PATH"),
        ([{"password": "command:cat"}], "env:NAME or file:PATH"),
        ([{"password": "env:NOT_SET_AT_ALL"}], "NOT_SET_AT_ALL is not set"),
        ([{"password": "file:/nonexistent/x"}], "No such file"),
        ([{"password": "file:/dev/null"}], "its first line is empty"),
        ([{"private_key": 5}], "private_key must be a text"),
        ([{"private_key": "-x"}], "private_key must be a text"),
        ([{"private_key": "a"}, {"user": ["x"], "private_key": "b"}], "credentials 2: user must be a text"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_line(value: object, says: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(value)

    assert says in str(raised.value)
    assert str(raised.value).startswith("runner.credentials")
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)
