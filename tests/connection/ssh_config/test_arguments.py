"""`ssh` arguments in an inventory: which are honoured, which ignored, and which refused."""

from __future__ import annotations

from typing import Any

import pytest

from runner.connection.options import HostKeyPolicy
from runner.connection.ssh_config.arguments import passed_on, read_arguments
from runner.connection.ssh_config.options import SshOptions, options_of
from runner.connection.ssh_config.tokens import Obtained
from runner.connection.target.jump import Jump
from runner.errors import InvalidVariable
from runner.models import Host, Status


def arguments(text: Any, variable: str = "ansible_ssh_common_args", **others: Any) -> SshOptions:
    said, _ = read_arguments(Host("h", {variable: text, **others}))
    return options_of(said, Obtained("h", said, "h"))


def home(name: str) -> str:
    return f"/home/tester/{name}"


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("-o StrictHostKeyChecking=no", "policy", HostKeyPolicy.OFF),
        ("-oStrictHostKeyChecking=accept-new", "policy", HostKeyPolicy.ACCEPT_NEW),
        ("-o 'StrictHostKeyChecking yes'", "policy", HostKeyPolicy.STRICT),
        ("-o stricthostkeychecking=ask", "policy", HostKeyPolicy.STRICT),
        ("-o UserKnownHostsFile=/dev/null", "known_hosts", ("/dev/null",)),
        ("-o 'UserKnownHostsFile=~/a ~/b'", "known_hosts", (home("a"), home("b"))),
        ("-o UserKnownHostsFile=none", "known_hosts", ("/dev/null",)),
        ("-o ConnectTimeout=7", "connect_timeout_s", 7.0),
        ("-o IdentityFile=~/.ssh/one", "identities", (home(".ssh/one"),)),
        ("-o 'IdentityFile=\"~/my keys/one\"'", "identities", (home("my keys/one"),)),
        ('-i "~/my keys/one"', "identities", (home("my keys/one"),)),
        ("-i ~/.ssh/one", "identities", (home(".ssh/one"),)),
        ("-i/path/one", "identities", ("/path/one",)),
        ("-i one -o IdentityFile=two", "identities", ("one", "two")),
        ("-o CertificateFile=~/one-cert.pub", "certificates", (home("one-cert.pub"),)),
        ("-o IdentitiesOnly=yes", "identities_only", True),
        ("-o GlobalKnownHostsFile=/etc/ours", "global_known_hosts", ("/etc/ours",)),
        ("-o HostKeyAlias=known", "key_alias", "known"),
        ("-o User=me", "user", "me"),
        ("-l me", "user", "me"),
        ("-o Port=2222", "port", 2222),
        ("-p 2222", "port", 2222),
        ("-p2222", "port", 2222),
        ("-Cqp 2222", "port", 2222),
        ("-o ServerAliveInterval=30", "keepalive_s", 30.0),
        ("-o ServerAliveInterval=0", "keepalive_s", 0.0),
        ("-o ConnectTimeout=1m", "connect_timeout_s", 60.0),
        ("-o HostName=%h.example.com", "address", "h.example.com"),
        ("-o IdentityAgent=none", "agent", ""),
        (
            "-o PasswordAuthentication=no -o PreferredAuthentications=password,publickey",
            "methods",
            ("publickey",),
        ),
        ("-o ProxyCommand='ssh -W %h:%p %r@gate-%n' -l me", "jumps", (Jump("gate-h", None, "me"),)),
        ("-o PreferredAuthentications=password", "methods", ("password",)),
        ("-o PubkeyAuthentication=no", "methods", ("password", "keyboard-interactive")),
        ("-J gate", "jumps", (Jump("gate"),)),
        (
            "-o ProxyJump=me@one:2222,[fe80::1]:23",
            "jumps",
            (Jump("one", 2222, "me"), Jump("fe80::1", 23)),
        ),
        ("-J none", "jumps", ()),
        ("-o ProxyCommand='ssh -W %h:%p -q me@gate'", "jumps", (Jump("gate", None, "me"),)),
        (
            '-o ProxyCommand="ssh -p 2222 -i ~/.ssh/gate -o User=me -W [%h]:%p gate"',
            "jumps",
            (Jump("gate", 2222, "me", "~/.ssh/gate"),),
        ),
        ("-o ProxyCommand=none", "jumps", ()),
    ],
)
def test_what_has_a_meaning_is_honoured(
    monkeypatch: pytest.MonkeyPatch, text: str, field: str, value: object
) -> None:
    monkeypatch.setenv("HOME", "/home/tester")
    assert getattr(arguments(text), field) == value


@pytest.mark.parametrize(
    "text",
    [
        "-o ControlMaster=auto -o ControlPersist=60s -o ControlPath=/x/%r",
        "-C -q -T -x",
        "-o BatchMode=yes -o LogLevel=ERROR -o Compression=yes",
        "-o ForwardAgent=no -o RequestTTY=no -o GSSAPIAuthentication=no",
        "-S none -a -n -k",
        "-o ServerAliveCountMax=3 -o AddKeysToAgent=yes -o IPQoS=throughput -o Protocol=2 -o UseRoaming=no",
        "-o CanonicalizeHostname=no -o BindAddress=none -o PermitLocalCommand=no",
        "",
        None,
    ],
)
def test_what_changes_nothing_is_passed_over(text: str | None) -> None:
    assert arguments(text) == SshOptions()


@pytest.mark.parametrize(
    "text",
    [
        "-o ProxyCommand='nc %h %p'",
        "-o ProxyCommand='ssh -W %h:%p gate; touch x'",
        "-o ProxyCommand='ssh -W %h:%p -o LocalCommand=x gate'",
        "-o ProxyCommand='ssh -W %h:%p gate more'",
        "-o ProxyCommand='/tmp/ssh -W %h:%p gate'",
        "-o ProxyCommand='sh -c \"ssh -W %h:%p gate\"'",
        "-oProxyCommand=touch\\ x",
        "-o LocalCommand=x",
        "-o KnownHostsCommand=/bin/x",
        "-o PKCS11Provider=/tmp/x.so",
        "-I /tmp/x.so",
        "-o SecurityKeyProvider=/tmp/x.so",
    ],
)
@pytest.mark.parametrize(
    "variable", ["ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"]
)
def test_what_would_run_a_program_is_refused(text: str, variable: str) -> None:
    with pytest.raises(InvalidVariable) as raised:
        arguments(text, variable)

    assert raised.value.reason == "refused-variable"
    assert raised.value.status is Status.ERROR
    assert variable in str(raised.value)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ansible_ssh_executable", "/tmp/evil"),
        ("ansible_scp_executable", "evil"),
        ("ansible_sftp_executable", "evil"),
        ("ansible_ssh_pkcs11_provider", "/tmp/x.so"),
        ("ansible_ssh_proxy_command", "nc %h %p"),
        ("ansible_paramiko_proxy_command", "nc %h %p"),
    ],
)
def test_variables_that_name_programs_are_refused(variable: str, value: str) -> None:
    with pytest.raises(InvalidVariable) as raised:
        arguments(value, variable)

    assert raised.value.reason == "refused-variable"


def test_the_usual_names_of_programs_are_no_reason_to_refuse_a_host() -> None:
    assert arguments("ssh", "ansible_ssh_executable") == SshOptions()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("-o KexAlgorithms=+diffie-hellman-group1-sha1", "KexAlgorithms"),
        ("-o ForwardAgent=yes", "ForwardAgent"),
        ("-A", "ForwardAgent"),
        ("-t", "RequestTTY"),
        ("-6", "AddressFamily"),
        ("-L 1:h:2", "-L"),
        ("-o CanonicalizeHostname=yes", "CanonicalizeHostname"),
        ("-o 'HostName=$(id)'", "no host name"),
        ("-o 'User=$(id)'", "not a login name"),
        ("-o 'HostKeyAlias=$(id)'", "not a host name"),
        ("-o Nonsense=1", "nonsense"),
        ("-o Nonsense", "no argument"),
        ("-o", "needs an argument"),
        ("-p 99999", "Port '99999'"),
        ("-o ConnectTimeout=soon", "ConnectTimeout 'soon'"),
        ("-o StrictHostKeyChecking=maybe", "StrictHostKeyChecking 'maybe'"),
        ("-J 'gate;x'", "ProxyJump 'gate;x'"),
        ("-J -oProxyCommand=x", "ProxyJump"),
        ("-o ProxyCommand='ssh -W %h:%p -oProxyCommand=x'", "ProxyCommand"),
        ("gate", "not an option"),
        ("'unbalanced", "No closing quotation"),
    ],
)
def test_what_we_do_not_do_is_an_error_that_names_it(text: str, named: str) -> None:
    with pytest.raises(InvalidVariable) as raised:
        arguments(text)

    assert named in str(raised.value)
    assert raised.value.reason in ("bad-variable", "refused-variable")


def test_the_first_value_counts_as_in_ssh() -> None:
    merged = arguments("-p 1 -p 2", ansible_ssh_extra_args="-p 3 -l me", ansible_ssh_args="-l you")

    assert merged.port == 1
    assert merged.user == "you"


def test_a_list_is_taken_word_by_word() -> None:
    assert arguments(["-o", "Port=2222"]).port == 2222


def test_a_proxy_command_variable_may_mean_a_jump_host() -> None:
    read = arguments("ssh -W %h:%p gate", "ansible_ssh_proxy_command")

    assert read.jumps == (Jump("gate"),)


def test_what_only_ssh_understands_is_passed_on_to_it() -> None:
    text = "-o Ciphers=+aes128-cbc -c aes256-ctr -o RekeyLimit='1G 1h' -o BatchMode=yes -p 1"
    host = Host("h", {"ansible_connection": "openssh", "ansible_ssh_common_args": text})

    assert read_arguments(host)[0]["port"] == ("1",)
    assert passed_on(host) == (
        ("Ciphers", '"+aes128-cbc"'),
        ("Ciphers", '"aes256-ctr"'),
        ("RekeyLimit", '"1G" "1h"'),
    )
