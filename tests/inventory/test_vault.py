"""Encrypted values and files, written by `ansible-vault` of ansible-core 2.19."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from runner.errors import InvalidVariable, InventoryError, UsageError
from runner.inventory import load
from runner.inventory.output.listing import host_document, list_document
from runner.inventory.vault import Vault
from runner.inventory.vault_ids import vault_of
from runner.models import Secret

if TYPE_CHECKING:
    from pathlib import Path

FILE_OF_ONE = """\
$ANSIBLE_VAULT;1.1;AES256
65333632653638333761626134353431633531316334316264643832616434356463646431663137
6662376563383464346231616132353564396333626333620a643037343836353762633365626364
61383634666636316536656663386266643233393139653464653161333463633933386232306462
6537363663656137640a323231306237316465303933336564313330386335356334633733376230
38626662383433336638646465626536666630353733376434343864333231363730653432363762
6530386563316132353763326362306139653339626662333564
"""
"""`a: secret value` and `ansible_password: s3cr3t`, with the password `one`."""

FILE_OF_TWO = """\
$ANSIBLE_VAULT;1.2;AES256;dev
31356230376435343532363332366230316539643632326264623661353662303933356131613035
6438656531643630613835646633363731666236313930320a306132316362313535633965613934
64666635333862656433643539353763386338336165656332336531343138643631323237366562
3139363431316636650a643836346237336636613566656333636263303633376261363964616239
31653338393030326535613365393132346437623761323465363362626332643037653065323839
3432356266336236303461656431643636666432653236323038
"""
"""The same, with the label `dev` and the password `two`."""

INVENTORY_OF_ONE = """\
$ANSIBLE_VAULT;1.1;AES256
31626361363633646337656439313738353737333763373636653737633739376639656531633639
6335656639306632623734303965626361306365326530660a653565616136623438633636653338
62303231656633666461663633363837623934396163373538313233393832366537613631613962
3030303234306131380a323464333833623765376438356137643539626532386264313131326264
37396237343165303162613262643965326534303036396336356133336631343064
"""
"""An INI inventory of `h1` and `h2 a=1` in `web`, with the password `one`."""

VALUE_OF_ONE = """\
$ANSIBLE_VAULT;1.1;AES256
37373332636536326464353364643066306462363965626438346562313134383539666132613339
6434643265326162353564646333363963623936613766310a333365633965656231343233653831
61663563393632383839346432303639646636323261353435303136666163643633303935383639
6430346339393463630a643066326531396430623564343936326664356333313438326134623561
6261
"""
"""`héslo {{ x }}`, with the password `one`."""


@pytest.fixture
def passwords(tmp_path: Path) -> Path:
    """A folder with a file for each password."""
    folder = tmp_path / "passwords"
    folder.mkdir()
    (folder / "one").write_text("one\n")
    (folder / "two").write_text("two \n")
    (folder / "wrong").write_text("wrong\n")
    return folder


def inventory_with(folder: Path, *, all_file: str | None = None, value: str | None = None) -> Path:
    """Write an inventory with an encrypted file, or an encrypted value."""
    lines = "".join(f"        {line}\n" for line in (value or "").splitlines())
    tagged = f"\n      ansible_password: !vault |\n{lines}" if value else " {}\n"
    (folder / "hosts.yml").write_text(f"all:\n  hosts:\n    h1:{tagged}    h2: {{ansible_password: open}}\n")
    if all_file:
        (folder / "group_vars").mkdir()
        (folder / "group_vars" / "all.yml").write_text(all_file)
    return folder / "hosts.yml"


def test_an_encrypted_value_is_opened_when_it_is_used(tmp_path: Path, passwords: Path) -> None:
    path = inventory_with(tmp_path, value=VALUE_OF_ONE)
    host = load(path, vault=vault_of([f"{passwords}/one"])).host("h1")
    assert host.variables["ansible_password"] == "héslo {{ x }}", "what was encrypted is no template"


def test_a_listing_shows_encrypted_values_encrypted(tmp_path: Path, passwords: Path) -> None:
    inventory = load(inventory_with(tmp_path, value=VALUE_OF_ONE), vault=vault_of([f"{passwords}/one"]))
    assert host_document(inventory, "h1") == {"ansible_password": {"__ansible_vault": VALUE_OF_ONE}}


@pytest.mark.parametrize("identities", [["one"], ["wrong", "one"], ["dev@wrong", "prod@one"], ["x@one"]])
def test_every_password_is_tried(tmp_path: Path, passwords: Path, identities: list[str]) -> None:
    at = [
        each.replace("@", f"@{passwords}/") if "@" in each else f"{passwords}/{each}" for each in identities
    ]
    inventory = load(inventory_with(tmp_path, value=VALUE_OF_ONE), vault=vault_of(at))
    assert inventory.host("h1").variables["ansible_password"] == "héslo {{ x }}"


def test_without_the_password_it_is_that_hosts_error(tmp_path: Path, passwords: Path) -> None:
    path = inventory_with(tmp_path, value=VALUE_OF_ONE)
    for vault, why in (
        (None, "no vault password was given"),
        (vault_of([f"{passwords}/wrong"]), "no vault password"),
    ):
        inventory = load(path, vault=vault)
        with pytest.raises(InvalidVariable, match=why) as caught:
            _ = inventory.host("h1").variables["ansible_password"]
        assert str(caught.value).startswith("h1: ansible_password is encrypted")
        assert inventory.host("h2").variables["ansible_password"] == "open"


def test_an_encrypted_file_of_variables_is_opened(tmp_path: Path, passwords: Path) -> None:
    path = inventory_with(tmp_path, all_file=FILE_OF_ONE)
    inventory = load(path, vault=vault_of([f"{passwords}/one"]))
    assert inventory.host("h1").variables["a"] == "secret value"
    assert list_document(inventory)["_meta"]["hostvars"]["h1"]["a"] == "secret value"


def test_an_encrypted_file_without_its_password_stops_the_load_of_variables(
    tmp_path: Path, passwords: Path
) -> None:
    path = inventory_with(tmp_path, all_file=FILE_OF_TWO)
    assert load(path).names() == ("h1", "h2")
    with pytest.raises(
        InventoryError, match=r"group_vars/all.yml: encrypted, and no vault password was given"
    ):
        load(path).select()
    with pytest.raises(
        InventoryError, match=r"group_vars/all.yml: no vault password opens this \(label 'dev'"
    ):
        load(path, vault=vault_of([f"{passwords}/one"])).select()


def test_the_password_of_its_label_is_tried_first() -> None:
    asked: list[str] = []

    def password(name: str) -> Secret:
        asked.append(name)
        return Secret(name)

    vault = Vault({"other": lambda: password("one"), "dev": lambda: password("two")})
    assert vault.decrypt(FILE_OF_TWO, "x").startswith(b"a: secret value")
    assert asked == ["two"], "and no other is asked for"
    assert vault.decrypt(FILE_OF_TWO, "x")
    assert asked == ["two"], "and each once"


def test_an_encrypted_inventory_is_opened(tmp_path: Path, passwords: Path) -> None:
    (tmp_path / "hosts").write_text(INVENTORY_OF_ONE)
    inventory = load(tmp_path / "hosts", vault=vault_of([f"{passwords}/one"]))
    assert inventory.names("web") == ("h1", "h2")
    with pytest.raises(InventoryError, match="hosts: encrypted, and no vault password was given"):
        load(tmp_path / "hosts")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("$ANSIBLE_VAULT;1.1;AES256\nxyz\n", "a damaged vault"),
        ("$ANSIBLE_VAULT;1.1;AES256\n", "a damaged vault"),
        ("$ANSIBLE_VAULT;1.1;AES256\n6162\n", "a damaged vault"),
        ("$ANSIBLE_VAULT;9.9;AES256\n6162\n", "vault version 9.9 with AES256 is not supported"),
        ("$ANSIBLE_VAULT;1.1;AES128\n6162\n", "vault version 1.1 with AES128 is not supported"),
        ("$ANSIBLE_VAULT\n6162\n", "not a vault"),
    ],
)
def test_a_damaged_vault_says_so(passwords: Path, text: str, message: str) -> None:
    vault = vault_of([f"{passwords}/one"])
    assert vault is not None
    with pytest.raises(InventoryError, match=message):
        vault.decrypt(text, "f.yml")


def test_a_changed_byte_opens_nothing(passwords: Path) -> None:
    vault = vault_of([f"{passwords}/one"])
    assert vault is not None
    for position in range(len(FILE_OF_ONE) - 10, len(FILE_OF_ONE) - 1):
        changed = (
            FILE_OF_ONE[:position]
            + ("1" if FILE_OF_ONE[position] != "1" else "2")
            + FILE_OF_ONE[position + 1 :]
        )
        with pytest.raises(InventoryError):
            vault.decrypt(changed, "f.yml")


def test_a_program_may_print_the_password(tmp_path: Path) -> None:
    program = tmp_path / "ask-client.sh"
    program.write_text('#!/bin/sh\n[ "$1 $2" = "--vault-id dev" ] && echo "two"\n')
    program.chmod(0o755)
    vault = vault_of([f"dev@{program}"])
    assert vault is not None
    assert vault.decrypt(FILE_OF_TWO, "x").startswith(b"a: secret value")


def test_a_password_may_be_asked_for_and_is_not_asked_for_in_vain() -> None:
    asked: list[str] = []

    def ask(label: str) -> Secret:
        asked.append(label)
        return Secret("one")

    vault = vault_of(["prompt", "dev@prompt"], ask)
    assert vault is not None
    assert asked == []
    vault.decrypt(FILE_OF_ONE, "x")
    assert asked == ["default"]
    with pytest.raises(UsageError, match="cannot be asked for here"):
        vault_of(["prompt"])


def test_without_passwords_there_is_no_vault() -> None:
    assert vault_of([]) is None


def test_a_password_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    vault = vault_of([f"{tmp_path}/nosuch"])
    assert vault is not None
    with pytest.raises(InventoryError, match="nosuch: the vault password cannot be read"):
        vault.decrypt(FILE_OF_ONE, "x")
    (tmp_path / "empty").write_text("\n")
    empty = vault_of([f"{tmp_path}/empty"])
    assert empty is not None
    with pytest.raises(InventoryError, match="the vault password is empty"):
        empty.decrypt(FILE_OF_ONE, "x")


def test_no_password_is_shown_by_a_repr(passwords: Path) -> None:
    vault = vault_of([f"{passwords}/one"])
    assert vault is not None
    vault.decrypt(FILE_OF_ONE, "x")
    assert "b'one'" not in repr(vault)
