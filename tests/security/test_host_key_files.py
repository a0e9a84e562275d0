"""What an inventory names is read, never written, and lifts none of the operator's checks of host keys."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.deadline import Deadline
from runner.connection.host_keys.scan import shown_keys
from runner.connection.options import HostKeyPolicy
from runner.jobs import CommandJob, perform
from runner.models import HostResult, Status
from runner.text.origin import Kind, Origin
from tests.connection.sshd import Sshd, required_program

if TYPE_CHECKING:
    from collections.abc import Callable

ARGUMENTS = "ansible_ssh_common_args"


@pytest.fixture(params=["ssh", "openssh"])
def connect(request: pytest.FixtureRequest, sshd: Sshd) -> Callable[..., HostResult]:
    """Connect with arguments of an inventory; options that are given here are the operator's."""
    if request.param == "openssh":
        required_program("ssh")

    def run(arguments: str, *, origins: dict[str, Origin] | None = None, **options: Any) -> HostResult:
        host = sshd.host(ansible_connection=request.param, **{ARGUMENTS: arguments})
        return perform(host, CommandJob(("true",)), sshd.options(origins=origins or {}, **options))

    return run


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A file that an inventory names, as `authorized_keys` is one that is better not written."""
    file = tmp_path / "authorized_keys"
    file.write_text("ssh-ed25519 AAAA operator\n")
    return file


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "own"


def given(name: str, value: str) -> dict[str, Origin]:
    return {name: Origin(Kind.FILE, name, value)}


@pytest.mark.parametrize(
    "names",
    [
        "-o UserKnownHostsFile={}",
        "-o 'UserKnownHostsFile={} {}2'",
        "-o GlobalKnownHostsFile={}",
        "-F {}.config",
    ],
)
@pytest.mark.parametrize("who", ["inventory", "operator"])
def test_a_file_that_an_inventory_names_is_never_written(
    connect: Callable[..., HostResult], sshd: Sshd, theirs: Path, own: Path, names: str, who: str
) -> None:
    before = theirs.read_text()
    if names.startswith("-F"):
        config = f"UserKnownHostsFile {theirs}\nStrictHostKeyChecking accept-new\nHostKeyAlias pty\n"
        Path(f"{theirs}.config").write_text(config)
    arguments = names.format(theirs, theirs) + " -o HostKeyAlias=pty"
    options: dict[str, Any] = {"known_hosts": (str(own),)}
    if who == "inventory":
        arguments += " -o StrictHostKeyChecking=accept-new"
    else:
        options["host_key_policy"] = HostKeyPolicy.ACCEPT_NEW
    result = connect(arguments, **options)

    assert theirs.read_text() == before
    assert not Path(f"{theirs}2").exists()
    if result.ok:  # `openssh` takes no -F of an inventory
        assert own.read_text().startswith("pty ssh-ed25519 ")
        assert connect(arguments, **options).ok
        assert len(own.read_text().splitlines()) == 1, "it is known from then on"
    else:
        assert result.reason == "refused-variable"
    assert sshd.known_hosts.read_text().startswith("[127.0.0.1]")


def test_no_file_is_made_where_an_inventory_names_one(
    connect: Callable[..., HostResult], tmp_path: Path, own: Path
) -> None:
    arguments = f"-o UserKnownHostsFile={tmp_path}/made/known_hosts -o StrictHostKeyChecking=accept-new"
    assert connect(arguments, known_hosts=(str(own),)).ok
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own"]


def test_what_an_inventory_names_is_read(connect: Callable[..., HostResult], sshd: Sshd, own: Path) -> None:
    assert connect(f"-o UserKnownHostsFile={sshd.known_hosts}", known_hosts=(str(own),)).ok
    assert not own.exists()


def test_trust_records_in_the_operators_file(sshd: Sshd, theirs: Path, own: Path) -> None:
    host = sshd.host(**{ARGUMENTS: f"-o UserKnownHostsFile={theirs}"})
    keys = shown_keys(host, sshd.options(known_hosts=(str(own),)), Deadline())
    assert {key.file for key in keys} == {str(own)}


def test_a_key_that_the_operator_has_revoked_stays_so(
    connect: Callable[..., HostResult], sshd: Sshd, own: Path, theirs: Path
) -> None:
    key = sshd.public_key("ed25519")
    own.write_text(
        f"@revoked * {key}\n@revoked * {sshd.public_key('rsa')}\n@revoked * {sshd.public_key('ecdsa')}\n"
    )
    theirs.write_text(f"[127.0.0.1]:{sshd.port} {key}\n")
    result = connect(f"-o UserKnownHostsFile={theirs}", known_hosts=(str(own),))
    assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-revoked")


@pytest.mark.parametrize(
    "lifts",
    [
        "-o RevokedHostKeys=none",
        "-o RevokedHostKeys=none -o StrictHostKeyChecking=no",
        "-F none",
        "-F {empty} -o RevokedHostKeys=none",
        "-o RevokedHostKeys={empty}",
    ],
)
def test_an_inventory_does_not_lift_revoked_host_keys(
    connect: Callable[..., HostResult], sshd: Sshd, tmp_path: Path, lifts: str
) -> None:
    revoked, config, empty = tmp_path / "revoked", tmp_path / "config", tmp_path / "empty"
    revoked.write_text("".join(f"{sshd.public_key(kind)}\n" for kind in ("ed25519", "rsa", "ecdsa")))
    config.write_text(f"RevokedHostKeys {revoked}\n")
    empty.write_text("")
    result = connect(lifts.format(empty=empty), ssh_config=str(config))
    assert not result.ok
    if result.status is Status.ERROR:  # `openssh` takes no -F of an inventory, and one such file only
        assert result.reason in ("refused-variable", "bad-variable")
    else:
        assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-revoked")


@pytest.mark.parametrize("way", ["setting", "ssh_config"])
@pytest.mark.parametrize(
    "variables",
    [
        {ARGUMENTS: "-o StrictHostKeyChecking=no"},
        {ARGUMENTS: "-o StrictHostKeyChecking=accept-new -o UserKnownHostsFile=/dev/null"},
        {"ansible_host_key_checking": False},
        {"ansible_ssh_host_key_checking": "no"},
        {ARGUMENTS: "-F {weak}"},
    ],
)
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_an_inventory_does_not_weaken_a_policy_that_the_operator_has_given(
    sshd: Sshd, tmp_path: Path, own: Path, variables: dict[str, Any], way: str, connection: str
) -> None:
    weak, config = tmp_path / "weak", tmp_path / "config"
    weak.write_text("StrictHostKeyChecking no\n")
    config.write_text("StrictHostKeyChecking yes\n" if way == "ssh_config" else "")
    origins = given("host_key_policy", "invoke.yaml") if way == "setting" else {}
    options = sshd.options(known_hosts=(str(own),), ssh_config=str(config), origins=origins)
    made = {name: str(value).format(weak=weak) for name, value in variables.items()}
    result = perform(sshd.host(ansible_connection=connection, **made), CommandJob(("true",)), options)
    if result.status is Status.ERROR:
        assert result.reason == "refused-variable"
    else:
        assert (result.status, result.reason) == (Status.HOSTKEY, "hostkey-unknown")
    assert not own.exists()


def test_an_inventory_may_make_it_stricter(connect: Callable[..., HostResult], own: Path) -> None:
    result = connect(
        "-o StrictHostKeyChecking=yes",
        known_hosts=(str(own),),
        host_key_policy=HostKeyPolicy.OFF,
        origins=given("host_key_policy", "invoke.yaml"),
    )
    assert result.reason == "hostkey-unknown"


@pytest.mark.parametrize("arguments", ["-F {weak} -J gate", "-F {weak} -J gate -o RevokedHostKeys=none"])
def test_that_holds_for_jump_hosts_behind_a_file_of_the_inventory(
    sshd: Sshd, tmp_path: Path, own: Path, arguments: str
) -> None:
    weak, config = tmp_path / "weak", tmp_path / "config"
    gate = f"Host gate\n HostName 127.0.0.1\n Port {sshd.port}\n"
    weak.write_text(f"StrictHostKeyChecking no\nUserKnownHostsFile {tmp_path}/theirs\n{gate}")
    config.write_text(f"StrictHostKeyChecking yes\n{gate}")
    options = sshd.options(known_hosts=(str(own),), ssh_config=str(config))
    host = sshd.host(**{ARGUMENTS: arguments.format(weak=weak)})
    result = perform(host, CommandJob(("true",)), options)
    assert (result.status, result.reason) == (Status.HOSTKEY, "jump-hostkey-unknown"), result
    assert not (tmp_path / "theirs").exists()
    assert not own.exists()
