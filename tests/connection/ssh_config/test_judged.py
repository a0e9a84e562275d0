"""Our reading of `ssh_config` against that of `ssh -G`, on files that were written and on generated ones."""

from __future__ import annotations

import getpass
import os
import pwd
import socket
import subprocess
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from runner.connection.ssh_config.reader import Unread, obtain
from runner.connection.ssh_config.tokens import Tokens
from tests.connection.sshd import required_program

if TYPE_CHECKING:
    from collections.abc import Mapping

# What both sides say something about; the rest is not ours.
COMPARED = (
    "hostname",
    "user",
    "port",
    "identityfile",
    "certificatefile",
    "identitiesonly",
    "identityagent",
    "globalknownhostsfile",
    "hostkeyalias",
    "stricthostkeychecking",
    "connecttimeout",
    "serveraliveinterval",
    "proxyjump",
    "proxycommand",
    "preferredauthentications",
    "passwordauthentication",
)
WORDS = {"stricthostkeychecking": {"true": "yes", "false": "no"}}


def by_ssh(path: Path, name: str, user: str | None = None) -> dict[str, tuple[str, ...]] | None:
    """What `ssh` says; None where it refuses the file."""
    flags = ["-l", user] if user else []
    done = subprocess.run(
        [required_program("ssh"), "-G", "-F", str(path), *flags, "--", name],
        capture_output=True,
        text=True,
        errors="surrogateescape",
        check=False,
    )
    if "jumphost loop" in done.stderr:
        return {}
    if done.returncode != 0:
        return None
    said: dict[str, tuple[str, ...]] = {}
    for line in done.stdout.splitlines():
        option, _, value = line.partition(" ")
        said[option] = (*said.get(option, ()), value)
    return said


@lru_cache(maxsize=1)
def by_itself() -> dict[str, tuple[str, ...]]:
    found = by_ssh(Path("/dev/null"), "name.invalid")
    assert found is not None
    return found


def by_us(path: Path, name: str, user: str | None = None) -> Mapping[str, tuple[str, ...]]:
    said = obtain(((str(path), False),), name, {"user": user} if user else {}).said
    if "hostname" in said:
        said["hostname"] = (Tokens(said, name).fill("hostname", said["hostname"][0]),)
    return said


NOTHING = (None, ("none",))


def plain(option: str, said: Mapping[str, tuple[str, ...]], name: str) -> str | None:
    """What is said for an option in one way of writing it, None where it is what holds without any file."""
    value = said.get(option)
    usual = {**by_itself(), "hostname": (name.lower(),), "user": (getpass.getuser(),), "port": ("22",)}
    if value in NOTHING or value == usual.get(option):
        return None
    text = " ".join(WORDS.get(option, {}).get(word, word) for word in value or ())
    if option == "identityagent" and text.startswith("~"):
        return pwd.getpwuid(os.getuid()).pw_dir + text[1:]  # ssh does not look at HOME
    if option == "proxyjump":  # `ssh` writes some names in brackets
        return text.replace("[", "").replace("]", "")
    return as_address(text) if option == "hostname" else text


def as_address(name: str) -> str:
    """`ssh` writes `22` as `0.0.0.22`, which it is to the resolver, too."""
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return name


def same(path: Path, name: str, user: str | None = None) -> bool:
    """Compare; whether we had an answer of our own."""
    theirs = by_ssh(path, name, user)
    try:
        ours = by_us(path, name, user)
    except Unread:
        return False
    if theirs == {}:
        return True  # what leads to itself is told when the whole way is known
    assert theirs is not None, f"ssh refuses what we take:\n{path.read_text()}"
    for option in COMPARED:
        if option != "proxycommand" or "proxyjump" not in ours:
            assert plain(option, ours, name) == plain(option, theirs, name), f"{name}:\n{path.read_text()}"
    return True


WRITTEN = {
    "first value counts": "Host a\n Port 1\nHost *\n Port 2\n User u\n",
    "negation": "Host *.x !b.x\n User u\nHost !a\n Port 5\n",
    "negation after": "Host a !a\n User u\n",
    "equals": "Host=a\nPort=7\nUser = me\n  HostName  =  b\n",
    "case": "hOsT a\n POrT 9\nHost A\n Port 10\n",
    "quotes": 'Host "a" b\n IdentityFile "~/my keys/id"\n User \'x\'\n HostKeyAlias "x"y\n',
    "comments": "# all\nHost a # not b\n  User me # me\n  #Port 9\n IdentityFile /a#b\n",
    "comment in a command": "Host a\n ProxyCommand nc %h %p # all of this\n",
    "keys add up": "Host a\n IdentityFile a\n IdentityFile b\nHost *\n identityfile b\n IdentityFile c\n",
    "host name with token": "Host a\n HostName %h.Example.Com\nMatch host a.example.com\n User me\n",
    "match original host": "Host a\n HostName b\nMatch originalhost a host b\n User me\n",
    "match negated": "Match !host a\n User me\nMatch host a,b !user root\n Port 3\n",
    "match list": 'Match host "z,a*,!ab"\n User me\n',
    "match user": "Match user me\n Port 4\nHost *\n User me\nMatch user me\n IdentityFile x\n",
    "match local user": f"Match localuser {getpass.getuser()}\n User me\nMatch localuser !*\n Port 3\n",
    "match all": "Match all\n User me\nHost b\nMatch !all\n Port 3\n",
    "match equals": "Match host=a user=root\n User me\n",
    "match upper case": "Match HOST A\n User me\n",
    "match comment": "Match host a # and so on\n User me\n",
    "jump first": "Host a\n ProxyJump me@one:22,two\n ProxyCommand nc\n",
    "command first": "Host a\n ProxyCommand nc %h\nHost *\n ProxyJump one\n",
    "no command": "Host a\n ProxyCommand none\nHost *\n ProxyJump one\n",
    "no jump": "Host a\n ProxyJump none\nHost *\n ProxyJump one\n",
    "times": "Host a\n ConnectTimeout 1m30\n ServerAliveInterval 2h\nHost b\n ConnectTimeout none\n",
    "checking": "Host a\n StrictHostKeyChecking off\nHost b\n StrictHostKeyChecking Accept-New\n",
    "spaces at the end": "Host a  \t\n\tUser me \t\r\n",
    "backslashes": "Host a\n IdentityFile /a\\ b\n User a\\\\b\n HostKeyAlias a\\b\n",
    "question marks": "Host ?\n User me\nHost ??\n Port 3\n",
    "brackets mean nothing": "Host [a]\n User me\n",
    "files": "Host a\n GlobalKnownHostsFile /one /two\n GlobalKnownHostsFile /three\n",
    "agent": "Host a\n IdentityAgent ~/agent\nHost b\n IdentityAgent none\n",
    "passed over": "Host *\n ForwardAgent yes\n SendEnv LANG LC_*\n ControlMaster auto\n User me\n",
    "last line without end": "Host a\n User me",
    "empty": "",
    "includes": "Include inc/*.conf\nHost *\n Port 99\n",
    "include in a block": "Host b\n Include inc/1.conf\n Port 98\nHost *\n User last\n",
    "include of a block that is not this one": "Host z\n Include inc/*.conf\nHost *\n User last\n",
    "include of nothing": "Include missing/*\nUser me\n",
    "include of several": 'Include inc/1.conf "inc/2.conf"\nUser me\n',
}
WRONG = {
    "unknown option": "Host a\n Nonsense yes\n",
    "no argument": "Host a\n User\n",
    "no value behind =": "Host a\n User =\n",
    "port": "Host b\n Port 99999\n",
    "two values": "User a b\n",
    "open quote": 'User "a\n',
    "all and more": "Match all host a\n User me\n",
    "criterion": "Match hosts a\n User me\n",
    "criterion without argument": "Match host\n User me\n",
    "none and more": "UserKnownHostsFile none /a\n",
    "endless": "Include endless\n",
    "switch": "Compression perhaps\n",
    "time": "ConnectTimeout soon\n",
    "jump": "ProxyJump a,,b\n",
    "checking": "StrictHostKeyChecking perhaps\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "inc").mkdir()
    (tmp_path / "inc" / "1.conf").write_text(
        "User first\nHost a\n IdentityFile one\nHost b\n IdentityFile two\n"
    )
    (tmp_path / "inc" / "2.conf").write_text("Port 22\nMatch host a\n HostName c\n")
    (tmp_path / "endless").write_text(f"Include {tmp_path}/endless\n")
    return tmp_path


def written(folder: Path, text: str) -> Path:
    """A file, its includes relative to the folder: `ssh` looks for them in the home of whoever runs it."""
    path = folder / "config"
    lines = [
        line.replace("inc/", f"{folder}/inc/").replace("endless", f"{folder}/endless")
        if "nclude" in line
        else line
        for line in text.split("\n")
    ]
    path.write_text("\n".join(lines))
    return path


@pytest.mark.parametrize("name", ["a", "b", "ab", "A", "a.x", "b.x", "192.0.2.1", "fe80::1"])
@pytest.mark.parametrize("case", WRITTEN)
def test_it_is_read_as_ssh_reads_it(folder: Path, case: str, name: str) -> None:
    assert same(written(folder, WRITTEN[case]), name) or case == "passed over"


@pytest.mark.parametrize("user", ["me", "root", "other"])
@pytest.mark.parametrize("case", [case for case in WRITTEN if "match" in case])
def test_a_user_who_is_given_counts_as_with_ssh(folder: Path, case: str, user: str) -> None:
    assert same(written(folder, WRITTEN[case]), "a", user)


@pytest.mark.parametrize("case", WRONG)
def test_what_ssh_refuses_is_not_taken_here(folder: Path, case: str) -> None:
    path = written(folder, WRONG[case])

    assert by_ssh(path, "a") is None
    with pytest.raises(Unread):
        by_us(path, "a")


names = st.sampled_from(["a", "b", "ab", "a.x", "*", "a*", "?", "*.x", "A", "10.0.0.1"])
patterns = st.lists(st.tuples(st.sampled_from(["", "", "", "!"]), names).map("".join), min_size=1, max_size=3)
texts = st.text(st.sampled_from("ab.%h~/-_#=\"'\\ ,*!"), min_size=1, max_size=8)
values = st.one_of(
    texts, texts.map(lambda text: f'"{text}"'), st.sampled_from(["none", "yes", "no", "22", "1m"])
)
options = st.sampled_from(
    [
        *("HostName", "User", "Port", "IdentityFile", "CertificateFile", "IdentitiesOnly", "HostKeyAlias"),
        *("StrictHostKeyChecking", "ConnectTimeout", "ServerAliveInterval", "ProxyJump", "ProxyCommand"),
        *("GlobalKnownHostsFile", "PreferredAuthentications", "PasswordAuthentication", "USER"),
    ]
)
between = st.sampled_from([" ", " ", "=", " = ", "\t", "  "])
lines = st.one_of(
    st.tuples(options, between, values).map("".join),
    patterns.map(lambda found: "Host " + " ".join(found)),
    st.tuples(
        st.sampled_from(["host", "originalhost", "user", "localuser", "!host", "!user", "Host"]),
        between,
        patterns.map(",".join),
    ).map(lambda found: "Match " + "".join(found)),
    st.sampled_from(["Match all", "# note", "", "Include inc/*.conf", "Include inc/1.conf"]),
)


@settings(
    max_examples=200,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.lists(lines, max_size=9), st.sampled_from(["a", "b", "ab", "a.x", "A", "10.0.0.1"]))
def test_generated_files_are_read_as_ssh_reads_them_or_left_to_it(
    folder: Path, made: list[str], name: str
) -> None:
    same(written(folder, "\n".join(made)), name)
