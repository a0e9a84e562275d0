"""The decisions of `trust`: which host keys to record, and the status of each host afterwards."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from runner.connection.host_keys.scan import ShownKey
from runner.errors import UsageError
from runner.models import HostResult, Phase, Secret, Status
from runner.runs.trusting import Choice, keys, planned, record, scanned
from runner.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.connection.sshd import Sshd


def blob(key_type: str, content: bytes = b"new") -> str:
    """Return a key in base64: its type and a content, each after its length (RFC 4253, section 6.6)."""
    parts = (key_type.encode(), content)
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


BLOB = blob("ssh-ed25519")


def key(known: str, name: str = "web1", file: str | None = "known", **other: object) -> ShownKey:
    return ShownKey(name, file, "ssh-ed25519", BLOB, known, **other)  # type: ignore[arg-type]


def shown(*found: ShownKey, host: str = "h") -> HostResult:
    return HostResult(host, Status.OK, value=found)


@pytest.mark.parametrize(
    ("known", "usually", "with_replace_changed"),
    [
        ("new", True, True),
        ("changed", False, True),
        ("same", False, False),
        ("revoked", False, False),
        ("certificate", False, False),
    ],
)
def test_a_changed_key_is_recorded_only_if_the_operator_says_so(
    known: str, usually: bool, with_replace_changed: bool
) -> None:
    assert Choice().takes(key(known)) is usually
    assert Choice(replace_changed=True).takes(key(known)) is with_replace_changed


def test_each_key_is_wanted_once() -> None:
    results = [
        shown(key("new"), key("same", "web3"), host="a"),
        shown(key("new"), key("new", "web2"), host="b"),
        HostResult("down", Status.UNREACHABLE),
    ]
    assert Choice().wanted(results) == [key("new"), key("new", "web2")]


def test_a_host_that_could_not_be_scanned_shows_no_key() -> None:
    assert keys(shown(key("new"))) == (key("new"),)
    assert keys(HostResult("h", Status.UNREACHABLE, value=(key("new"),))) == ()
    down = HostResult("h", Status.UNREACHABLE)
    assert Choice().judged(down, recorded=True, dry=False) is down


@pytest.mark.parametrize(
    ("known", "status", "reason"),
    [
        (("same",), Status.OK, None),
        (("new",), Status.HOSTKEY, "hostkey-unknown"),
        (("new", "certificate"), Status.OK, None),
        (("new", "changed"), Status.HOSTKEY, "hostkey-changed"),
        (("new", "changed", "revoked"), Status.HOSTKEY, "hostkey-revoked"),
        (("certificate", "revoked"), Status.HOSTKEY, "hostkey-revoked"),
    ],
)
def test_without_a_record_the_worst_key_decides_the_status(
    known: tuple[str, ...], status: Status, reason: str | None
) -> None:
    judged = Choice().judged(shown(*map(key, known)), recorded=False, dry=False)
    assert (judged.status, judged.reason) == (status, reason)
    assert judged.phase is (None if reason is None else Phase.HANDSHAKE)


@pytest.mark.parametrize(("recorded", "dry"), [(True, False), (False, True)])
def test_keys_that_were_recorded_or_would_be_make_a_host_ok(recorded: bool, dry: bool) -> None:
    found = shown(key("new"), key("changed"))
    judged = Choice(replace_changed=True).judged(found, recorded=recorded, dry=dry)
    assert judged.ok
    refused = Choice().judged(found, recorded=recorded, dry=dry)
    assert (refused.status, refused.error) == (Status.HOSTKEY, "a host key is changed")


def test_the_value_of_a_host_says_which_keys_were_recorded() -> None:
    judged = Choice().judged(shown(key("new"), key("changed", places=("known:3",))), recorded=True, dry=False)
    new, changed = judged.value
    assert (new["recorded"], changed["recorded"]) == (True, False)
    assert new["fingerprint"] == key("new").fingerprint
    assert changed == {
        "name": "web1",
        "type": "ssh-ed25519",
        "fingerprint": key("new").fingerprint,
        "known": "changed",
        "recorded": False,
        "places": ["known:3"],
    }


def test_keys_are_written_to_the_file_of_each(tmp_path: Path) -> None:
    one, two = str(tmp_path / "one"), str(tmp_path / "two")
    wanted = [key("new", "web1", one), key("new", "web2", two), key("new", "web3", one)]
    assert list(record(wanted, hashed=False)) == [(one, 2), (two, 1)]
    assert (tmp_path / "one").read_text() == f"web1 ssh-ed25519 {BLOB}\nweb3 ssh-ed25519 {BLOB}\n"
    assert (tmp_path / "two").read_text() == f"web2 ssh-ed25519 {BLOB}\n"


def test_a_changed_key_replaces_only_the_keys_of_its_host_and_type(tmp_path: Path) -> None:
    path = tmp_path / "known"
    old, rsa = f"ssh-ed25519 {blob('ssh-ed25519', b'old')}", f"ssh-rsa {blob('ssh-rsa')}"
    path.write_text(f"web1 {old}\nweb1 {rsa}\nweb2 {old}\n")
    wanted = [key("changed", "web1", str(path), replaces=("ssh-ed25519",))]
    assert list(record(wanted, hashed=False)) == [(str(path), 1)]
    assert path.read_text() == f"web1 {rsa}\nweb2 {old}\nweb1 ssh-ed25519 {BLOB}\n"


def test_names_are_hashed_if_the_operator_says_so(tmp_path: Path) -> None:
    list(record([key("new", "web1", str(tmp_path / "known"))], hashed=True))
    (line,) = (tmp_path / "known").read_text().splitlines()
    assert line.startswith("|1|")
    assert line.endswith(f" ssh-ed25519 {BLOB}")


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    path = str(tmp_path / "file" / "known")
    with pytest.raises(UsageError, match=r"file/known: nothing was recorded, it cannot be written: "):
        list(record([key("new", "web1", path)], hashed=False))


def test_without_a_known_hosts_file_nothing_can_be_recorded() -> None:
    with pytest.raises(UsageError, match=r"^no known_hosts file is set, so nothing can be recorded$"):
        list(record([key("new", "web1", None)], hashed=False))


def refuse(what: str) -> Secret:
    raise AssertionError(what)


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_scan_returns_the_keys_of_each_host_in_inventory_order(
    sshd: Sshd, tmp_path: Path, dry_run: bool
) -> None:
    """A dry run scans, too, because a scan changes nothing; and it asks for no password."""
    place = f"ansible_host={sshd.address} ansible_port={sshd.port}"
    (tmp_path / "hosts").write_text(f"b {place}\ndown ansible_host=127.0.0.1 ansible_port=1\na {place}\n")
    (tmp_path / "known").write_text(f"[{sshd.address}]:{sshd.port} {sshd.public_key('rsa')}\n")
    settings = Settings.resolve(
        {
            "inventory": [str(tmp_path / "hosts")],
            "known_hosts": [str(tmp_path / "known")],
            "ssh_config": "none",
            "dry_run": dry_run,
        }
    )
    plan = planned(settings, refuse)
    assert not plan.recorded
    b, down, a = scanned(plan)
    assert (b.host, down.host, a.host) == ("b", "down", "a")
    assert down.status is Status.UNREACHABLE
    assert {each.key_type: each.known for each in keys(a)} == {
        "ssh-ed25519": "new",
        "ecdsa-sha2-nistp256": "new",
        "ssh-rsa": "same",
    }
    assert keys(b) == keys(a)
    assert {f"{each.key_type} {each.blob}" for each in keys(a)} == {
        sshd.public_key(kind) for kind in ("ed25519", "ecdsa", "rsa")
    }
