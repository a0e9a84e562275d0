"""What is found by searching counts only if nobody but the operator, or root, can have written it."""

from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.errors import UsageError
from runner.text import owners
from tests.projects import Project

if TYPE_CHECKING:
    from tests.projects import Ended

NOBODY = 65534
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files to another user")


def written_by_all(path: Path) -> None:
    path.chmod(path.stat().st_mode | 0o002)


def written_by_a_group(path: Path) -> None:
    others = next(each for each in os.getgroups() if each != pwd.getpwuid(os.geteuid()).pw_gid)
    os.chown(path, -1, others)
    path.chmod(path.stat().st_mode | 0o020)


def of_another_user(path: Path) -> None:
    os.chown(path, NOBODY, -1)


needs_groups = pytest.mark.skipif(
    os.geteuid() != 0 and len(set(os.getgroups())) < 2, reason="this user is in one group only"
)
FAULTS = [
    pytest.param(written_by_all, "every user may write to", id="all"),
    pytest.param(of_another_user, "belongs to the user", id="owner", marks=needs_root),
]


@pytest.fixture
def place(tmp_path: Path) -> Project:
    """A folder that any command with `-i HOST,` would touch `ran` in, were its configuration read."""
    made = Project(tmp_path / "place")
    made.write("tasks.py", "from runner.tasks import namespace\n")
    return made


def script(place: Project, name: str) -> Path:
    path = place.write(name, f"#!{sys.executable}\nopen({str(place.folder / 'ran')!r}, 'w')\nprint('{{}}')\n")
    path.chmod(0o755)
    return path


def refused(place: Project, ended: Ended, *words: str) -> None:
    assert (ended.code, ended.stdout) == (1, "")
    assert len(ended.stderr.splitlines()) == 1, ended.stderr
    assert all(word in ended.stderr for word in words), ended.stderr
    assert not (place.folder / "ran").exists()


@pytest.mark.parametrize(("break_rule", "why"), FAULTS)
@pytest.mark.parametrize("broken", ["invoke.yaml", "."])
@pytest.mark.parametrize("program", ["invoke", "runner"])
def test_a_configuration_of_others_is_not_used(
    place: Project, program: str, broken: str, break_rule: object, why: str
) -> None:
    script(place, "inventory.py")
    place.write("invoke.yaml", "runner:\n  inventory: inventory.py\n")
    break_rule(place.folder / broken)  # type: ignore[operator]

    refused(place, place.type("ping", program=program), "invoke.yaml", why, "-f")


@pytest.mark.parametrize(("break_rule", "why"), FAULTS)
def test_a_configuration_further_up_neither(place: Project, break_rule: object, why: str) -> None:
    place.write("invoke.yaml", "runner:\n  user: mallory\n")
    below = place.folder / "a" / "b"
    below.mkdir(parents=True)
    break_rule(place.folder / "invoke.yaml")  # type: ignore[operator]

    ended = place.type("ping", "-i", "127.0.0.1,", program="runner", folder=below)

    refused(place, ended, str(place.folder / "invoke.yaml"), why)


def test_one_that_a_flag_names_is_the_operators_choice(place: Project) -> None:
    written_by_all(place.write("invoke.yaml", "runner:\n  user: chosen\n"))
    for program in ("invoke", "runner"):
        ended = place.type("-f", "invoke.yaml", "settings", program=program)
        assert (ended.code, ended.stderr) == (0, ""), program
        assert "chosen" in ended.stdout


@pytest.mark.parametrize(("break_rule", "why"), FAULTS)
@pytest.mark.parametrize("broken", ["inventories", "inventories/hosts", "inventories/group_vars/all.yml"])
def test_an_inventory_that_nothing_names_is_not_used(
    place: Project, broken: str, break_rule: object, why: str
) -> None:
    place.write("inventories/hosts", "127.0.0.1 ansible_port=1\n")
    place.write("inventories/group_vars/all.yml", "a: 1\n")
    assert place.type("inventory", "--list").code == 0
    break_rule(place.folder / broken)  # type: ignore[operator]

    refused(place, place.type("inventory", "--list"), broken, why, "-i")
    below = place.folder / "below"
    below.mkdir()
    refused(place, place.type("inventory", "--list", folder=below), broken, why, "-i")
    assert place.type("inventory", "--list", "-i", "inventories").code == 0


@pytest.mark.parametrize(("break_rule", "why"), FAULTS)
def test_variables_beside_a_file_that_a_flag_names_are_not_used(
    place: Project, break_rule: object, why: str
) -> None:
    place.write("some/hosts", "127.0.0.1 ansible_port=1\n")
    variables = place.write("some/group_vars/all.yml", "ansible_connection: local\n")
    break_rule(variables)  # type: ignore[operator]

    refused(place, place.type("inventory", "--host", "127.0.0.1", "-i", "some/hosts"), "all.yml", why)
    assert place.type("inventory", "--host", "127.0.0.1", "-i", "some").code == 0, "a flag names the folder"


@pytest.mark.parametrize(("break_rule", "why"), FAULTS)
def test_variables_in_the_current_folder_are_not_used(place: Project, break_rule: object, why: str) -> None:
    place.write("some/hosts", "127.0.0.1 ansible_port=1\n")
    break_rule(place.write("host_vars/127.0.0.1.yml", "ansible_connection: local\n"))  # type: ignore[operator]

    refused(place, place.type("run", "--cmd", "touch ran", "-i", "some"), "host_vars", why)


@needs_root
def test_what_lies_beside_may_belong_to_the_owner_of_what_a_flag_names(place: Project) -> None:
    for path in (place.write("some/hosts", "h\n"), place.write("some/group_vars/all.yml", "a: 1\n")):
        of_another_user(path)
        of_another_user(path.parent)
    ended = place.type("inventory", "--host", "h", "-i", "some/hosts")
    assert (ended.code, ended.document) == (0, {"a": 1})


@needs_root
@pytest.mark.parametrize("given", ["invoke.yaml", "ansible.cfg", "folder"])
def test_an_inventory_script_of_others_is_not_run(place: Project, given: str) -> None:
    of_another_user(script(place, "some/inventory.py"))
    if given == "invoke.yaml":
        place.write(given, "runner:\n  inventory: some/inventory.py\n")
    else:
        place.write("ansible.cfg", "[defaults]\ninventory = some/inventory.py\n")
    words = ("-i", "some") if given == "folder" else ()

    refused(place, place.type("inventory", "--list", *words), "inventory.py", "nobody", "is not run", "-i")
    assert place.type("inventory", "--list", "-i", "some/inventory.py").code == 0
    assert (place.folder / "ran").exists()


@needs_root
def test_a_vault_script_of_others_is_not_run(place: Project) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    sealed = VaultLib([("default", VaultSecret(b"{}"))]).encrypt("a: 1").decode()
    place.write("some/hosts", "h\n")
    place.write("some/group_vars/all.yml", sealed)
    of_another_user(script(place, "vault.py"))
    place.write("invoke.yaml", "runner:\n  vault_password_file: vault.py\n")
    words = ("inventory", "--host", "h", "-i", "some")

    refused(place, place.type(*words), "vault.py", "is not run", "--vault-password-file")
    assert place.type(*words, "--vault-password-file", "vault.py").document == {"a": 1}


def test_ansible_is_not_told_of_an_ansible_cfg_that_was_passed_over(place: Project) -> None:
    place.write("plugins/evil.py", f"open({str(place.folder / 'ran')!r}, 'w')\n")
    written_by_all(place.write("ansible.cfg", "[defaults]\ninventory_plugins = plugins\n"))
    place.write("some.yml", "plugin: evil\n")

    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    ended = place.type(
        "inventory", "--list", "-i", "some.yml", "--allow-inventory-commands", env={"PATH": path}
    )

    assert "by ansible-inventory" in ended.stderr
    assert not (place.folder / "ran").exists()


def test_a_run_says_that_an_ansible_cfg_was_passed_over(place: Project) -> None:
    path = place.write("ansible.cfg", "[defaults]\nremote_user = mallory\n")
    written_by_all(path)
    ended = place.type("ping", "--dry-run", "-i", "127.0.0.1,")
    assert f"{path} is not read: every user may write to {path}" in ended.stderr


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_file_of_ones_own_passes(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.touch(mode)
    path.chmod(mode)
    assert owners.fault(path) is None


def test_the_group_of_the_same_name_is_the_users_own(tmp_path: Path) -> None:
    own = pwd.getpwuid(os.geteuid())
    tmp_path.chmod(0o775)
    os.chown(tmp_path, -1, own.pw_gid)
    assert owners.fault(tmp_path) is None


@needs_groups
def test_another_group_is_not(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(tmp_path, -1, NOBODY)
        tmp_path.chmod(0o775)
    else:
        written_by_a_group(tmp_path)
    assert "may write to" in (owners.fault(tmp_path) or "")


def test_a_sticky_folder_is_safe_for_folders_alone(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir(0o700)
    (tmp_path / "folder" / "file").touch()
    assert owners.fault(tmp_path / "folder" / "file") is None
    assert f"every user may write to {tmp_path}:" in (owners.fault(tmp_path / "file") or "")


def test_both_ends_of_a_link_count(tmp_path: Path) -> None:
    safe, shared = tmp_path / "safe", tmp_path / "shared"
    safe.mkdir()
    shared.mkdir()
    written_by_all(shared)
    (shared / "file").touch()
    (safe / "file").touch()
    (safe / "out").symlink_to(shared / "file")
    (shared / "back").symlink_to(safe / "file")
    assert owners.fault(safe / "file") is None
    assert owners.fault(safe / "out") is not None
    assert owners.fault(shared / "back") is not None


@pytest.mark.parametrize("middle", ["link", "folder/../link", "linked/link"])
def test_every_link_on_the_way_counts(tmp_path: Path, middle: str) -> None:
    """Whoever may replace a link in the middle chooses the file, however safe both ends are."""
    safe, shared = tmp_path / "safe", tmp_path / "shared"
    safe.mkdir()
    (shared / "folder").mkdir(parents=True)
    written_by_all(shared)
    (safe / "file").touch()
    (shared / "link").symlink_to(safe)
    (shared / "linked").symlink_to(shared)
    (safe / "start").symlink_to(shared / middle / "file")
    (safe / "relative").symlink_to(f"../shared/{middle}/file")
    assert owners.fault(safe / "file") is None
    for start in ("start", "relative"):
        assert f"every user may write to {shared}: chmod o-w it" in (owners.fault(safe / start) or "")


def test_the_folder_above_a_linked_one_is_that_of_its_target(tmp_path: Path) -> None:
    safe, shared = tmp_path / "safe", tmp_path / "shared"
    (shared / "folder").mkdir(parents=True)
    safe.mkdir()
    (shared / "file").touch()
    written_by_all(shared)
    (safe / "link").symlink_to(shared / "folder")
    assert owners.fault(f"{safe}/link/../file") is not None


def test_links_without_an_end_end(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "two")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    assert owners.fault(tmp_path / "one") is None
    owners.check_tree("the inventory", tmp_path)


def test_what_is_in_a_linked_folder_of_the_tree_counts(tmp_path: Path) -> None:
    tree, elsewhere = tmp_path / "tree", tmp_path / "elsewhere"
    tree.mkdir()
    elsewhere.mkdir()
    (tree / "link").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(tree)
    owners.check_tree("the inventory", tree)
    (elsewhere / "hosts.ini").touch()
    written_by_all(elsewhere / "hosts.ini")
    with pytest.raises(UsageError, match="every user may write to"):
        owners.check_tree("the inventory", tree)


@needs_root
def test_under_sudo_the_caller_owns_what_is_theirs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_another_user(tmp_path)
    assert owners.fault(tmp_path) == f"{tmp_path} belongs to the user nobody: chown it"
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    assert owners.fault(tmp_path) is None
    monkeypatch.setenv("SUDO_UID", "x")
    assert owners.fault(tmp_path) is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="only an ordinary user cannot claim to be under sudo")
def test_sudos_variable_means_nothing_without_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    assert NOBODY not in owners._trusted()


def test_a_folder_that_dots_lead_out_of_counts(tmp_path: Path) -> None:
    """Its owner could replace it with a link, and so choose the folder above it."""
    shared = tmp_path / "shared"
    (shared / "sub").mkdir(parents=True)
    (tmp_path / "file").touch()
    written_by_all(shared)
    assert owners.fault(f"{shared}/sub/../../file") is not None


def test_the_path_without_dots_counts_too(tmp_path: Path) -> None:
    """A caller that removes `..` by text opens another file than the system would."""
    safe, shared = tmp_path / "safe", tmp_path / "shared"
    (safe / "a" / "b" / "c").mkdir(parents=True)
    shared.mkdir()
    (safe / "a" / "file").touch()
    (shared / "file").touch()
    (shared / "link").symlink_to(safe / "a" / "b")
    assert owners.fault(f"{shared}/link/c/../../file") is None
    written_by_all(shared / "file")
    assert f"{shared}/file" in (owners.fault(f"{shared}/link/c/../../file") or "")


def test_in_a_sticky_folder_the_advice_is_another_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    (tmp_path / "file").touch()
    said = f"every user may write to {tmp_path}: use a folder of your own in it"
    assert owners.fault(tmp_path / "file") == said


def test_a_file_that_vanishes_in_between_breaks_no_rule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hosts.ini").touch()
    monkeypatch.setattr(os, "walk", lambda _top: [(str(tmp_path), [], ["gone", "hosts.ini"])])
    owners.check_tree("the inventory", tmp_path)
