"""Our reading of `ssh_config` against that of `ssh -G`, on files that were written and on generated ones."""

from __future__ import annotations

import getpass
import random
import socket
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from runner.connection.options import METHODS, HostKeyPolicy
from runner.connection.ssh_config import host_config
from runner.connection.ssh_config.options import SshOptions, options_of
from runner.connection.ssh_config.reader import OnlySsh, config
from runner.connection.ssh_config.tokens import Obtained
from runner.errors import InvalidVariable
from tests.connection.sshd import required_program

if TYPE_CHECKING:
    from collections.abc import Mapping


def by_ssh(path: Path, name: str, given: Mapping[str, tuple[str, ...]]) -> SshOptions | None:
    """What `ssh -G` says; None if it refuses the file."""
    required_program("ssh")
    try:
        said = host_config._asked(str(path), name, given, (path.stat().st_mtime_ns,), "")
    except InvalidVariable as exc:
        if "jumphost loop" in str(exc):
            pytest.skip("ssh says so before it says more")
        return None
    return options_of(said, Obtained(name, said, name))


def by_us(path: Path, name: str, given: Mapping[str, tuple[str, ...]]) -> SshOptions:
    found = config(((str(path), False),)).of(name, given)
    return options_of(found.said, found)


def changed(options: SshOptions, name: str) -> dict[str, object]:
    """The options that differ from what holds without a file, each in one way of writing it."""
    said = host_config._ask("/dev/null", "name.invalid", (), (), "")
    usual = asdict(options_of(said, Obtained(name, said, name)))
    usual |= {"address": as_address(name.lower()), "user": getpass.getuser(), "port": 22}
    usual |= {"methods": METHODS, "policy": HostKeyPolicy.STRICT}
    found = {field: value for field, value in asdict(options).items() if field != "unhonoured"}
    if options.address is not None:
        found["address"] = as_address(options.address)
    for field in ("known_hosts", "global_known_hosts"):
        usual[field] = tuple(str(Path(file).expanduser()) for file in " ".join(usual[field]).split())
    return {field: value for field, value in found.items() if value and value != usual[field]}


def as_address(name: str) -> str:
    """`ssh` writes `22` as `0.0.0.22`, which it is to the resolver, too."""
    try:
        return socket.inet_ntoa(socket.inet_aton(name))
    except OSError:
        return name


def same(path: Path, name: str, user: str | None = None) -> bool:
    """Compare; tell whether we had an answer of our own."""
    given = {"user": (user,)} if user else {}
    try:
        ours = by_us(path, name, given)
    except OnlySsh:
        return False
    except ValueError:  # a token that is refused, which `ssh -G` does not fill in
        return True
    theirs = by_ssh(path, name, given)
    assert theirs is not None, f"ssh refuses what we take:\n{path.read_text()}"
    assert changed(ours, name) == changed(theirs, name), f"{name}:\n{path.read_text()}"
    assert set(theirs.unhonoured) <= set(ours.unhonoured), path.read_text()
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
    "no jump, but a command": "Host a\n ProxyJump none\nHost *\n ProxyCommand nc %h\n",
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
    "final": "Match final all\n Port 3\nHost *\n User me\n",
    "final and the name that HostName gives": (
        "Host a\n HostName B.x\nHost b.x\n User me\nMatch final host b.x originalhost a\n Port 3\n"
    ),
    "canonical without canonicalisation": (
        "Match canonical host a\n User no\nMatch !canonical host a\n User me\n"
    ),
    "final in a file for another host": (
        "Host z\n Include inc/final.conf\nHost *.x\n Port 5\nHost a\n HostName a.x\n"
    ),
    "exec for another host": "Match host z exec true\n User no\nHost a\n User me\n",
    "exec quoted": "Match host z exec \"test 'a' = 'b'\"\n User no\nHost a\n User me\n",
    "unknown ones ignored": (
        "IgnoreUnknown UseKeychain,Other*\nUseKeychain yes\nHost a\n OtherThing 1 2\n User me\n"
    ),
    "none is given": (
        "Host a\n ServerAliveInterval 0\n RevokedHostKeys none\nHost *\n ServerAliveInterval 9\n"
    ),
    "old names": "DSAAuthentication no\nIdentityFile2 x\nKeepAlive no\nChallengeResponseAuthentication no\n",
    "includes": "Include inc/[12].conf\nHost *\n Port 99\n",
    "include in a block": "Host b\n Include inc/1.conf\n Port 98\nHost *\n User last\n",
    "include of a block that is not this one": "Host z\n Include inc/[12].conf\nHost *\n User last\n",
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
    "unknown option behind a limited IgnoreUnknown": (
        "Host z\n IgnoreUnknown Nonsense\nHost *\n Nonsense yes\n"
    ),
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
    (tmp_path / "inc" / "final.conf").write_text("Match final all\n IdentityFile f\n")
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
    assert same(written(folder, WRITTEN[case]), name)


@pytest.mark.parametrize("user", ["me", "root", "other"])
@pytest.mark.parametrize("case", [case for case in WRITTEN if "match" in case])
def test_a_user_who_is_given_counts_as_with_ssh(folder: Path, case: str, user: str) -> None:
    assert same(written(folder, WRITTEN[case]), "a", user)


@pytest.mark.parametrize("case", WRONG)
def test_what_ssh_refuses_is_not_taken_here(folder: Path, case: str) -> None:
    path = written(folder, WRONG[case])

    assert by_ssh(path, "a", {}) is None
    with pytest.raises(OnlySsh):
        by_us(path, "a", {})


RIGHT = {
    "HostName": ("b", "%h.example.com", "10.0.0.1", "A%%b", "fe80::1"),
    "User": ("me", "root", '"me"', "'x'", "a\\\\b"),
    "Port": ("22", "2222"),
    "IdentityFile": ("~/.ssh/one", '"/a b/c"', "/%h/%r@%p", "/a\\ b", "%d/%n", "${HOME}/k", "none"),
    "CertificateFile": ("~/c.pub", "none", "/%u"),
    "IdentityAgent": ("none", "SSH_AUTH_SOCK", "$HOME", "~/agent.%C"),
    "IdentitiesOnly": ("yes", "no", "True"),
    "HostKeyAlias": ("known", "K.x"),
    "StrictHostKeyChecking": ("yes", "no", "off", "ask", "Accept-New"),
    "UserKnownHostsFile": ("/k1 /k2", "none", "~/%h"),
    "GlobalKnownHostsFile": ("/g1 /g2", "none"),
    "RevokedHostKeys": ("/r", "~/r", "none"),
    "ConnectTimeout": ("7", "1m30", "none", "1w"),
    "ServerAliveInterval": ("0", "15s", "1h"),
    "ProxyJump": ("gate", "me@gate:22,second", "none", "ssh://me@gate:2222", "[::1]:22", "%r@gate"),
    "ProxyCommand": ("nc %h %p", "ssh -W %h:%p gate", "none", "sh -c 'x \"%n\"' # all of it"),
    "PreferredAuthentications": ("password", "publickey,keyboard-interactive"),
    "PasswordAuthentication": ("no", "yes"),
    "KbdInteractiveAuthentication": ("no",),
    "PubkeyAuthentication": ("no", "unbound"),
    "Ciphers": ("aes128-ctr", "+aes256-ctr"),
    "BindAddress": ("127.0.0.1",),
    "ControlMaster": ("auto",),
    "AddKeysToAgent": ("yes", "confirm 5m"),
    "LogLevel": ("ERROR",),
    "ServerAliveCountMax": ("3",),
    "Protocol": ("2", "2,1"),
    "CanonicalizeHostname": ("no",),
    "CompressionLevel": ("9",),
    "SendEnv": ("LANG LC_*",),
    "LocalForward": ("8080 localhost:80",),
    "KeepAlive": ("yes",),
    "IdentityFile2": ("/old",),
    "UseKeychain": ("yes", "a b"),
}
NAMES = ("a", "b", "ab", "a.x", "*", "a*", "?", "*.x", "A", "10.0.0.1")
CRITERIA = ("host", "originalhost", "user", "localuser", "!host", "!user", "Host")
NOISE = "ab.%h~/-_#=\"'\\\\ ,*!"


class Maker:
    """Makes a file with all that it includes; `clean` if `ssh` need not be asked about it."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.random = random.Random(seed)
        self.folder = folder
        self.clean = self.random.random() < 0.7
        self.files = 0

    def file(self, depth: int = 0) -> Path:
        self.files += 1
        path = self.folder / f"{self.files}.conf"
        count = self.random.randrange(3, 14)
        lines = ["IgnoreUnknown UseKeychain"] if depth == 0 else []
        path.write_text("\n".join([*lines, *(self.line(depth) for _ in range(count))]) + "\n")
        return path

    def line(self, depth: int) -> str:
        kind = self.random.random()
        if kind < 0.2:
            return "Host " + " ".join(self.patterns()) + self.random.choice(("", "", " # note", "\t"))
        if kind < 0.4:
            return self.match()
        if kind < 0.5 and depth < 3:
            return f'Include {self.random.choice(("", self.folder / "none.conf "))}"{self.file(depth + 1)}"'
        return self.option()

    def patterns(self) -> list[str]:
        chosen = self.random.choices(NAMES, k=self.random.randrange(1, 4))
        return [self.random.choice(("", "", "", "!")) + name for name in chosen]

    def match(self) -> str:
        choice = self.random.random()
        if choice < 0.3:
            return self.random.choice(("Match all", "Match final all", "Match canonical", "Match final"))
        if choice < 0.4 and not self.clean:
            return (
                f"Match {self.random.choice(('exec true', 'exec false', '!exec false', 'final exec true'))}"
            )
        parts = [
            f"{self.random.choice(CRITERIA)}{self.random.choice((' ', '=', '  '))}{','.join(self.patterns())}"
            for _ in range(self.random.randrange(1, 3))
        ]
        return "Match " + " ".join([*parts, *(["final"] if choice > 0.9 else [])])

    def option(self) -> str:
        name, values = self.random.choice(list(RIGHT.items()))
        value = self.random.choice(values)
        if not self.clean and self.random.random() < 0.15:
            value = "".join(self.random.choices(NOISE, k=self.random.randrange(1, 9)))
        between = self.random.choice((" ", " ", "=", " = ", "\t", "  "))
        comment = self.random.choice(("", "", " # note")) if not name.startswith("Proxy") else ""
        written = self.random.choice((name, name.lower(), name.upper()))
        return f"{self.random.choice(('', '  '))}{written}{between}{value}{comment}"


def judge(folder: Path, seed: int) -> None:
    maker = Maker(seed, folder)
    path = maker.file()
    for name in ("a", "ab", "b.x", "10.0.0.1", "A"):
        assert same(path, name) or not maker.clean, path.read_text()


@pytest.mark.parametrize("seed", range(20))
def test_generated_files_are_read_as_ssh_reads_them(tmp_path: Path, seed: int) -> None:
    judge(tmp_path, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20, 400))
def test_many_generated_files_are_read_as_ssh_reads_them(tmp_path: Path, seed: int) -> None:
    judge(tmp_path, seed)
