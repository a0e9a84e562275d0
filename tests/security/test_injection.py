"""What an inventory says is data: no value of it becomes a program, a line, an option or a word."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runner.connection.openssh.command_line import config, master
from runner.connection.options import ConnectionOptions
from runner.connection.ssh_config.arguments import passed_on
from runner.connection.ssh_config.keywords import TABLE
from runner.connection.target.access import access
from runner.errors import InvalidVariable, LoginRefused
from runner.inventory import endpoint as given_for
from runner.models import Host
from tests.connection.sshd import required_program
from tests.projects import Project

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ARGUMENTS = "ansible_ssh_common_args"
SSH_CONFIG = """\
Host *
  ProxyCommand ssh -q -l %r -p 1 127.0.0.1 nc %h %p %n %k
"""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = Project(tmp_path / "project")
    made.write("ssh_config", SSH_CONFIG)
    made.write("home/.ssh/config", "")
    return made


def ends_without_running(project: Project, *flags: str, **variables: Any) -> str:
    """Run against one host with these variables; return what was said, when no program has made `RAN`."""
    ran = project.folder / "RAN"
    lines = "".join(f"      {name}: {_yaml(value)}\n" for name, value in variables.items())
    project.write("hosts.yml", f"all:\n  hosts:\n    web1:\n      ansible_host: 127.0.0.1\n{lines}")
    ended = project.type(
        *("run", "--cmd", "true", "-i", "hosts.yml", "--no-ping", "--no-history", "--retries", "0", *flags),
        program="runner",
    )
    assert not ran.exists(), ended
    assert ended.code in (1, 2, 4), ended
    assert "Traceback" not in ended.stderr
    return ended.stdout + ended.stderr


def _yaml(value: Any) -> str:
    import json

    return json.dumps(value)  # which is YAML, too


@pytest.mark.slow
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
@pytest.mark.parametrize(
    "user",
    [
        "x -oProxyCommand=touch\\ RAN",
        "x$IFS-oProxyCommand=touch${IFS}RAN",
        "`touch RAN`",
        "x\n  ProxyCommand touch RAN",
        "x\ttouch",
        "-oProxyCommand=touch RAN",
        "x\\",
        "x#",
        "%h",
        "x\0y",
    ],
)
def test_a_login_name_adds_nothing_to_the_operators_own_proxy_command(
    project: Project, connection: str, user: str
) -> None:
    said = ends_without_running(
        project, "--ssh-config", "ssh_config", ansible_user=user, ansible_connection=connection
    )
    assert "is not a login name" in said


@pytest.mark.slow
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
@pytest.mark.parametrize(
    "arguments",
    [
        "-J x$IFS-oProxyCommand=touch\\\\$IFS/RAN@127.0.0.1:1",
        "-J 'x$IFS-oProxyCommand=touch$IFS/RAN@127.0.0.1:1'",
        "-o ProxyCommand=\"ssh -W %h:%p 'x$IFS-oProxyCommand=touch${IFS}RAN@127.0.0.1'\"",
        "-o ProxyCommand=\"ssh -W %h:%p -l 'x -oProxyCommand=touch\\\\ RAN' 127.0.0.1\"",
        "-o 'ProxyJump=gate,x y@127.0.0.1'",
        "-o 'RevokedHostKeys=/dev/null\nMatch=exec=touch$IFS/RAN'",
        "-o 'UserKnownHostsFile=/dev/null\nProxyCommand touch RAN'",
        "-o 'CertificateFile=x\"\nMatch exec \"touch RAN'",
        "-i 'x\nMatch exec \"touch RAN\"'",
        "-o 'HostKeyAlias=x\nProxyCommand=touch'",
        "-o 'HostKeyAlias=-oProxyCommand'",
        "-o 'User=x$IFS-oProxyCommand=touch'",
        "-o 'Ciphers=aes128-ctr\nProxyCommand=touch RAN'",
        "-o 'BindAddress=127.0.0.1\nProxyCommand=touch RAN'",
    ],
)
def test_no_argument_of_ssh_adds_a_line_an_option_or_a_word(
    project: Project, connection: str, arguments: str
) -> None:
    arguments = arguments.replace("/RAN", str(project.folder / "RAN"))
    ends_without_running(
        project, "--ssh-config", "ssh_config", **{ARGUMENTS: arguments, "ansible_connection": connection}
    )


@pytest.mark.parametrize(
    "file",
    [
        'Match exec "touch RAN"\n  Port 9\n',
        "Host *\n  ProxyCommand touch RAN\n",
        "Host *\n  KnownHostsCommand /usr/bin/touch RAN\n",
        "Host *\n  PermitLocalCommand yes\n  LocalCommand touch RAN\n",
        "Host *\n  PKCS11Provider ./RAN.so\n",
    ],
)
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_an_ssh_config_that_an_inventory_names_runs_nothing(
    project: Project, file: str, connection: str
) -> None:
    project.write("theirs", file)
    path = project.folder / "theirs"
    ends_without_running(project, **{ARGUMENTS: f"-F {path}", "ansible_connection": connection})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ansible_ssh_executable", "./RAN.sh"),
        ("ansible_ssh_pkcs11_provider", "./RAN.so"),
        ("ansible_ssh_proxy_command", "touch RAN"),
        (ARGUMENTS, "-o KnownHostsCommand='/usr/bin/touch RAN'"),
        (ARGUMENTS, "-o PermitLocalCommand=yes -o LocalCommand='touch RAN'"),
        (ARGUMENTS, "-o SecurityKeyProvider=./RAN.so"),
        # To ssh, only `none` is no library; any other word is looked for where the loader looks (dlopen(3)).
        (ARGUMENTS, "-o PKCS11Provider=default"),
        (ARGUMENTS, "-I no"),
        (ARGUMENTS, "-o SecurityKeyProvider=auto"),
        (ARGUMENTS, "-o KnownHostsCommand=any"),
        (ARGUMENTS, "-o LocalCommand=false"),
        (ARGUMENTS, "-o Include=theirs"),
        (ARGUMENTS, "-o 'Match exec \"touch RAN\"'"),
    ],
)
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_a_variable_that_names_a_program_needs_the_flag(
    project: Project, name: str, value: str, connection: str
) -> None:
    program = project.write("RAN.sh", "#!/bin/sh\ntouch RAN\n")
    program.chmod(0o755)
    said = ends_without_running(project, **{name: value, "ansible_connection": connection})
    assert "--allow-inventory-commands" in said or "not a keyword" in said


@pytest.mark.parametrize(
    "arguments", ["-o PKCS11Provider=none -I NONE", "-o KnownHostsCommand=none", "-o PermitLocalCommand=no"]
)
def test_a_program_that_is_switched_off_needs_no_flag(arguments: str) -> None:
    host = Host("h", {ARGUMENTS: arguments, "ansible_connection": "openssh"})
    assert access(host, ConnectionOptions(ssh_config=None)).proxy_command is None


# Files that Ansible would read -----------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["made.yml", "folder/made.yml"])
@pytest.mark.parametrize("plugin", ["ansible.builtin.generator", "generator", "auto", "acme.cloud.servers"])
def test_a_file_is_handed_to_ansible_only_with_the_flag(project: Project, plugin: str, suffix: str) -> None:
    asked = project.write("bin/ansible-inventory", '#!/bin/sh\necho "{}"; echo "$@" >>ASKED\n')
    asked.chmod(0o755)
    project.env["PATH"] = f"{asked.parent}:/usr/bin:/bin"
    project.write(suffix, f"plugin: {plugin}\nhosts: {{name: \"{{{{ lookup('pipe', 'touch RAN') }}}}\"}}\n")
    words = ("inventory", "--list", "-i", suffix.split("/", maxsplit=1)[0])

    ended = project.type(*words, program="runner")
    assert ended.code == 1
    assert "--allow-inventory-commands" in ended.stderr
    assert not (project.folder / "ASKED").exists()

    project.type(*words, "--allow-inventory-commands", program="runner")
    assert (project.folder / "ASKED").exists(), "with the flag it is asked"


# Fuzzing ---------------------------------------------------------------------------------------------------

# Everything that a shell, a file of ssh or its command line may take for something else.
NASTY = st.text(
    "ab1.-_@+\\:/%$#`'\"|&;<>(){}[]*?~=, \t\n\r\0\x7f\x1b\u00e9\u00a0hnr", min_size=1, max_size=12
)
PARTS = st.lists(
    st.one_of(
        NASTY, st.sampled_from(["x", " -oProxyCommand=x", "$IFS-o", "\nMatch exec x", "%h", "${HOME}"])
    ),
    min_size=1,
    max_size=3,
).map("".join)
VARIABLES = {
    "ansible_user": lambda value: {"ansible_user": value},
    "ansible_host": lambda value: {"ansible_host": value},
    "private key": lambda value: {"ansible_private_key_file": value},
    "jump": lambda value: {ARGUMENTS: ["-J", value]},
    "jump user": lambda value: {ARGUMENTS: ["-J", f"{value}@gate"]},
    "jump command": lambda value: {ARGUMENTS: ["-o", f"ProxyCommand=ssh -W %h:%p {value}"]},
    **{
        name: (lambda value, name=name: {ARGUMENTS: ["-o", f"{name}={value}"]})
        for name in (
            *("User", "HostName", "HostKeyAlias", "UserKnownHostsFile", "GlobalKnownHostsFile"),
            *("RevokedHostKeys", "IdentityFile", "CertificateFile", "IdentityAgent", "Ciphers"),
            *("BindAddress", "RekeyLimit", "PreferredAuthentications", "ConnectTimeout"),
        )
    },
}


def accessed(variables: dict[str, Any], use: Callable[[Host], Any]) -> Any:
    """Return what is made of a host with these variables; None if it has an error, as most have."""
    try:
        return use(Host("web1", {"ansible_host": "127.0.0.1", **variables}))
    except (InvalidVariable, LoginRefused):
        return None


@pytest.mark.slow
@pytest.mark.parametrize("name", VARIABLES)
def test_whatever_a_value_is_a_shell_reads_as_many_words_as_before(name: str, tmp_path: Path) -> None:
    file = tmp_path / "config"
    file.write_text("Host *\n  ProxyCommand set -- %r %h %p %n %k; echo $#\n")
    options = ConnectionOptions(ssh_config=str(file))

    @given(PARTS)
    @settings(max_examples=150)
    def check(value: str) -> None:
        command = accessed(VARIABLES[name](value), lambda host: access(host, options).proxy_command)
        if command is None:
            return
        ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=False, cwd=tmp_path)
        assert (ran.stdout, ran.stderr) == (b"5\n", b""), command

    check()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config"]


@pytest.mark.parametrize("name", VARIABLES)
def test_whatever_a_value_is_ssh_reads_the_same_options_as_before(name: str, tmp_path: Path) -> None:
    required_program("ssh")
    file = tmp_path / "config"
    file.write_text("")
    options = ConnectionOptions(ssh_config=str(file))
    extra = {"ansible_connection": "openssh"}

    def by_ssh(host: Host) -> dict[str, list[str]]:
        target = access(host, options)
        command = master(target, given_for.endpoint(host).address, tmp_path, passed_on(host))
        (tmp_path / "config_of_run").write_text(text := config(target))
        assert "\n".join(line.split()[0] for line in text.splitlines()) in SHAPES, text
        words = [each for each in command if each not in ("-M", "-N", "-T")]
        words[words.index("-F") + 1] = str(tmp_path / "config_of_run")
        ran = subprocess.run([words[0], "-G", *words[1:]], capture_output=True, check=False)
        if any(jump.address == target.endpoint.address for jump in target.jumps):  # a loop, which ssh refuses
            return {}
        assert ran.returncode == 0, (command, ran.stderr)
        found: dict[str, list[str]] = {}
        for line in ran.stdout.decode("utf-8", "surrogateescape").splitlines():
            option, _, rest = line.partition(" ")
            found.setdefault(option, []).append(rest)
        return found

    usual = by_ssh(Host("web1", {"ansible_host": "127.0.0.1", **extra}))
    may_differ = {"user", "hostname", "host", "proxyjump", "hostkeyalias", "userknownhostsfile"}
    may_differ |= {"globalknownhostsfile", "revokedhostkeys", "identityfile", "certificatefile"}
    may_differ |= {"identitiesonly", "ciphers", "bindaddress", "rekeylimit", "preferredauthentications"}
    may_differ |= {"connecttimeout"}

    @given(PARTS)
    @settings(max_examples=25)
    def check(value: str) -> None:
        found = accessed(VARIABLES[name](value) | extra, by_ssh)
        if not found:
            return
        differs = {option for option in found.keys() | usual if found.get(option) != usual.get(option)}
        assert differs <= may_differ, {option: found.get(option) for option in differs}
        for option in ("user", "hostname", "hostkeyalias", "revokedhostkeys", "proxyjump"):
            assert len(found.get(option, [])) <= 1

    check()


_LINES = (
    "BatchMode",
    "ConnectTimeout",
    "StrictHostKeyChecking",
    "UserKnownHostsFile",
    "GlobalKnownHostsFile",
)
SHAPES = {"\n".join((*_LINES, *more, "Host", "Include")) for more in ((), ("RevokedHostKeys",))}


@given(st.sampled_from(sorted(TABLE)), st.lists(PARTS, min_size=1, max_size=3))
@settings(max_examples=400)
def test_an_option_that_is_written_is_read_back_as_the_same_words(name: str, words: list[str]) -> None:
    """By our own reader, which agrees with that of `ssh` about every line that it takes."""
    from runner.connection.ssh_config.words import arguments

    keyword = TABLE[name]
    try:
        written = keyword.written(tuple(words))
    except ValueError:
        return
    assert written.isprintable() or not {"\n", "\r", "\0"} & set(written)
    if not keyword.whole:
        assert arguments(written) == words


# What stays allowed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "address"),
    [
        ("user@REALM.EXAMPLE", "127.0.0.1"),
        ("DOMAIN\\user", "::1"),
        ("first.last+tag", "[::1]"),
        ("svc-deploy_1", "fe80::1%eth0"),
        ("j\u00fcrgen", "under_score.example"),
    ],
)
@pytest.mark.parametrize("connection", ["ssh", "openssh"])
def test_names_that_people_have_are_no_reason_to_refuse_a_host(
    user: str, address: str, connection: str, tmp_path: Path
) -> None:
    options = ConnectionOptions(ssh_config=None)
    variables = {"ansible_user": user, "ansible_host": address, "ansible_connection": connection}
    target = access(Host("h", variables), options)
    assert target.login.user == user
    if connection == "openssh":
        required_program("ssh")
        words = master(target, given_for.endpoint(Host("h", variables)).address, tmp_path, ())
        words = [each for each in words if each not in ("-M", "-N", "-T")]
        words[words.index("-F") + 1] = "/dev/null"
        told = subprocess.run([words[0], "-G", *words[1:]], capture_output=True, text=True, check=True).stdout
        assert f"\nuser {user}\n" in f"\n{told}"
        assert f"hostname {address.strip('[]')}\n" in told


@pytest.mark.parametrize("user", ["user@REALM", "DOMAIN\\user", "first.last+tag"])
def test_a_jump_host_may_have_such_a_user_too(user: str) -> None:
    arguments = ["-J", f"{user}@gate:2222,[fe80::1]:22"]
    found = access(Host("h", {ARGUMENTS: arguments}), ConnectionOptions(ssh_config=None))
    assert [(jump.user, jump.address) for jump in found.jumps] == [(user, "gate"), (None, "fe80::1")]
