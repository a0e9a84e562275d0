"""The table of keywords against `ssh -G`: what it takes for right is right for every version."""

from __future__ import annotations

import re
import subprocess
from functools import lru_cache
from typing import TYPE_CHECKING

import pytest

from runner.connection.ssh_config.command_line import option
from runner.connection.ssh_config.keywords import TABLE, Keyword, Use, find
from tests.connection.sshd import required_program

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# Values that are right for one keyword or another, and wrong for most.
VALUES = (
    *(
        "yes",
        "no",
        "true",
        "false",
        "YES",
        "ask",
        "auto",
        "autoask",
        "none",
        "NONE",
        "any",
        "default",
        "always",
    ),
    *("0", "1", "8", "15", "16", "022", "255", "65535", "65536", "99999999999", "-1", "+1", "0x10", "1.5"),
    *("1s", "90S", "1m30", "1h30m5s", "5m1h", "1s1s", "1w2d", "9999w", "5x", "none 5", "m"),
    *(
        "word",
        "two words",
        '"two words"',
        "'x'",
        "a=b",
        "A=1 B=2",
        "A=",
        "=",
        "a,b",
        "a,,b",
        ",",
        "!a",
        "a*",
        "-a",
    ),
    *(
        "/path",
        "~/path",
        "relative/path",
        "%h",
        "%%",
        "%z",
        "${HOME}",
        "$HOME",
        "$",
        "$1",
        "${",
        "a#b",
        "a # b",
    ),
    *("host:22", "*:22", "[::1]:22", "::1", "8080", "8080 host:80", "8080 [::1]:80", "a:8080 host:80"),
    *(
        "host:80",
        "/a /b",
        "8080 /b",
        "user@host",
        "user@host:22",
        "ssh://user@host:22",
        "host:port",
        "host:*",
    ),
    *("none,a", "md5", "SHA256", "sha3", "info", "DEBUG3", "debug4", "LOCAL1", "authpriv", "af11", "EF"),
    *(
        "lowdelay throughput",
        "af11 none",
        "^a",
        "^",
        "~",
        "~~",
        "inet6",
        "force",
        "subsystem",
        "point-to-point",
    ),
    *(
        "aes128-ctr",
        "+aes128-ctr",
        "-aes*",
        "^aes128-ctr,aes256-ctr",
        "nonsense",
        "+",
        "-",
        "aes128-ctr,",
        "rot13",
    ),
    *("hmac-sha2-256", "umac-64-etm@openssh.com", "curve25519-sha256", "diffie-hellman-group14-sha256"),
    *(
        "ssh-ed25519",
        "rsa-sha2-512",
        "ssh-ed25519-cert-v01@openssh.com",
        "ssh-*",
        "sk-ssh-ed25519@openssh.com",
    ),
    *("gss-group14-sha256-", "gss-", "confirm", "confirm 5m", "confirm 5x", "interval:20", "interval:0"),
    *(
        "session=5m",
        "session=x",
        "1G",
        "1G 1h",
        "1K none",
        "default none",
        "10",
        "9K",
        "0177",
        "888",
        "1:2",
        "any:0",
    ),
    *(
        "unbound",
        "host-bound",
        "accept-new",
        "off",
        "no-pq-kex",
        "a.b:c.d",
        "*.a:b",
        "*",
        "a.example.com",
        "a..b",
    ),
    *("one two three", " ".join("f" * 33), '"open', "\\", "a\\ b", '""', "publickey,password", "x" * 2000),
)
CHECKED = [keyword for keyword in TABLE.values() if keyword.values != ".+"]


def takes(keyword: Keyword, value: str) -> bool:
    try:
        option(f"{keyword.name} {value}")
    except ValueError:
        return False
    return True


def refused(path: Path, lines: Iterable[str]) -> str:
    """What `ssh` has against lines; they stand in a block for no host, which it checks as well."""
    path.write_text("Host nobody\n" + "".join(f"  {line}\n" for line in lines))
    command = [required_program("ssh"), "-G", "-F", str(path), "name.invalid"]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.stderr if done.returncode else ""


@lru_cache(maxsize=1)
def installed() -> tuple[int, ...]:
    done = subprocess.run([required_program("ssh"), "-V"], capture_output=True, text=True, check=True)
    found = re.match(r"OpenSSH_(\d+)\.(\d+)", done.stderr)
    assert found is not None
    return tuple(map(int, found.groups()))


def is_known(path: Path, keyword: Keyword) -> bool:
    return "Bad configuration option" not in refused(path, [f"{keyword.name} x"])


@pytest.mark.parametrize("keyword", TABLE.values(), ids=lambda each: each.name)
def test_ssh_knows_every_keyword_or_the_table_says_since_when(tmp_path: Path, keyword: Keyword) -> None:
    if not is_known(tmp_path / "config", keyword):
        assert keyword.since
        if keyword.since[0].isdigit():
            assert tuple(map(int, keyword.since.split("."))) > installed()


@pytest.mark.parametrize("keyword", CHECKED, ids=lambda each: each.name)
def test_every_value_that_the_table_takes_is_right_for_ssh(tmp_path: Path, keyword: Keyword) -> None:
    path = tmp_path / "config"
    taken = [value for value in VALUES if takes(keyword, value)]
    assert taken, "no value is ever known to be right"
    if is_known(path, keyword):
        assert refused(path, (f"{keyword.name} {value}" for value in taken)) == ""


def test_removed_keywords_take_anything_as_with_ssh(tmp_path: Path) -> None:
    removed = [keyword for keyword in TABLE.values() if keyword.values == ".+" and not keyword.whole]
    known = [keyword for keyword in removed if is_known(tmp_path / "config", keyword)]
    assert len(known) > 10
    lines = [f"{keyword.name} {value}" for keyword in known for value in ("yes", "a b c", "1 # x")]
    assert refused(tmp_path / "config", lines).count("terminating") == 0
    assert all(takes(keyword, "a b c") for keyword in removed)


@pytest.mark.slow
@pytest.mark.parametrize("keyword", CHECKED, ids=lambda each: each.name)
def test_most_values_that_are_right_for_ssh_are_not_left_to_it(tmp_path: Path, keyword: Keyword) -> None:
    path = tmp_path / "config"
    if not is_known(path, keyword):
        pytest.skip(f"since OpenSSH {keyword.since}")
    left = [value for value in VALUES if not takes(keyword, value)]
    right = [value for value in left if not refused(path, [f"{keyword.name} {value}"])]
    taken = len(VALUES) - len(left)
    assert len(right) <= 2 * taken, right


def test_old_names_mean_what_the_new_ones_do(tmp_path: Path) -> None:
    old = ("DSAAuthentication", "ChallengeResponseAuthentication", "KeepAlive", "IdentityFile2")
    for name in old:
        known = find(name.lower())
        assert known is not None
        assert known.name != name
        assert refused(tmp_path / "config", [f"{name} no"]) == ""


def test_no_keyword_is_in_two_places_and_each_that_runs_programs_is_kept_from_inventories() -> None:
    names = [keyword.name.lower() for keyword in TABLE.values()]
    assert len(names) == len(set(names)) > 115
    runs = {keyword.name for keyword in TABLE.values() if keyword.runs}
    assert runs == {
        *("KnownHostsCommand", "LocalCommand", "PermitLocalCommand", "PKCS11Provider", "SecurityKeyProvider")
    }
    assert {keyword.name for keyword in TABLE.values() if keyword.use is Use.JUDGED} == {
        *("CanonicalizeHostname", "CanonicalizePermittedCNAMEs", "RefuseConnection")
    }
