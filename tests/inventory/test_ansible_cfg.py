"""What Ansible's own configuration says, where it is sought, and what wins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import UsageError
from runner.inventory.ansible_cfg import HONOURED, AnsibleDefaults, ansible_defaults
from runner.text.origin import Kind, Origin

if TYPE_CHECKING:
    from pathlib import Path

EVERYTHING = """\
[defaults]
inventory = hosts.ini, ~/more , /abs/hosts
remote_user = deploy ; who logs in
remote_port = 2222
private_key_file = keys/id
forks = 20
timeout=15
host_key_checking = False
playbook_dir = plays
vault_password_file = .vault
vault_identity_list = dev@.dev, prod@prompt
[ssh_connection]
pipelining = True
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A current folder that only its owner may write to."""
    (tmp_path / "here").mkdir(mode=0o755)
    return tmp_path / "here"


def defaults(folder: Path, **environment: str) -> AnsibleDefaults:
    return ansible_defaults({"HOME": str(folder.parent / "home"), **environment}, str(folder))


def test_the_file_in_the_current_folder_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    (folder / "ansible.cfg").write_text(EVERYTHING)
    found = defaults(folder)
    assert found.values == {
        "inventory": (f"{folder}/hosts.ini", "/home/me/more", "/abs/hosts"),
        "user": "deploy",
        "private_key": f"{folder}/keys/id",
        "workers": 20,
        "connect_timeout": 15,
        "host_key_policy": "off",
        "playbook_dir": f"{folder}/plays",
        "vault_password_file": f"{folder}/.vault",
        "vault_id": ("dev@.dev", "prod@prompt"),
    }
    assert found.origins["workers"] == Origin(Kind.ANSIBLE_CFG, "forks", f"{folder}/ansible.cfg")
    assert found.origins.keys() == found.values.keys() == {each.setting for each in HONOURED}
    assert found.path == f"{folder}/ansible.cfg"


def test_the_environment_wins_and_its_paths_begin_in_the_current_folder(folder: Path) -> None:
    (folder / "cfg").mkdir()
    (folder / "cfg" / "ansible.cfg").write_text(EVERYTHING)
    found = defaults(
        folder,
        ANSIBLE_CONFIG=f"{folder}/cfg",
        ANSIBLE_INVENTORY="a.ini,b.ini",
        ANSIBLE_FORKS="7",
        ANSIBLE_HOST_KEY_CHECKING="yes",
    )
    values = found.values
    assert values["inventory"] == (f"{folder}/a.ini", f"{folder}/b.ini")
    assert (values["workers"], values["user"]) == (7, "deploy")
    assert "host_key_policy" not in values, "as in Ansible, ssh_config decides"
    assert values["private_key"] == f"{folder}/cfg/keys/id"
    assert found.origins["workers"] == Origin(Kind.ANSIBLE_ENVIRONMENT, "ANSIBLE_FORKS")


def test_a_folder_that_everybody_may_write_to_is_not_trusted(folder: Path) -> None:
    (folder / "ansible.cfg").write_text("[defaults]\nremote_user = mallory\n")
    folder.chmod(0o777)
    found = defaults(folder)
    assert found.values == {}
    assert found.ignored == f"{folder}/ansible.cfg"
    assert defaults(folder, ANSIBLE_CONFIG="ansible.cfg").values == {"user": "mallory"}, (
        "who names it, means it"
    )


def test_the_file_in_the_home_folder_comes_after(folder: Path) -> None:
    (folder.parent / "home").mkdir()
    (folder.parent / "home" / ".ansible.cfg").write_text("[defaults]\nremote_user = home\n")
    assert defaults(folder).values == {"user": "home"}
    (folder / "ansible.cfg").write_text("[defaults]\n")
    assert defaults(folder).values == {}, "the first file counts alone"


def test_nothing_configured_is_nothing(folder: Path) -> None:
    assert defaults(folder).values == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[defaults]\nforks = many\n", "ansible.cfg: forks must be a whole number above 0, found 'many'"),
        ("[defaults]\nforks = 0\n", "forks must be a whole number above 0"),
        (
            "[defaults]\nhost_key_checking = perhaps\n",
            "host_key_checking must be true or false, found 'perhaps'",
        ),
        ("forks = 5\n", "cannot be read: File contains no section headers"),
    ],
)
def test_what_cannot_be_meant_is_an_error(folder: Path, text: str, message: str) -> None:
    (folder / "ansible.cfg").write_text(text)
    with pytest.raises(UsageError, match=message):
        defaults(folder)


def test_a_wrong_variable_is_named_as_such(folder: Path) -> None:
    with pytest.raises(UsageError, match="ANSIBLE_FORKS must be a whole number above 0, found 'x'"):
        defaults(folder, ANSIBLE_FORKS="x")
