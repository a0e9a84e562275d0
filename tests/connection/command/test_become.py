"""Commands as another user: with a real sudo; and which prompts get the password."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.command import CommandOptions, Terminal
from runner.connection.command.become import Become, Elevation
from runner.connection.connections import Connections
from runner.connection.openssh.process import SessionProcess
from runner.connection.options import ConnectionOptions
from runner.connection.target.access import become_of
from runner.errors import InvalidVariable
from runner.fanout import FanoutOptions, stream
from runner.jobs import CommandJob, perform
from runner.jobs.transfers import TransferJob
from runner.models import Host, HostResult, Phase, Secret, Status
from runner.reach import ReachOptions
from runner.settings import Settings
from runner.transfer.moves import Get, Put
from tests.connection.servers import running_server
from tests.connection.sshd import Sshd, required_program, temporary_sshd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PASSWORD = "right and 'odd'"
# `openssl passwd -6` of it
HASHED = (
    "$6$runnertests$H1ulm5N.8BvkNR7pMwtjRH6yzmTmKM1T2w0yfsYOWYR2O6MSzJ9wm/2nrXMMW5cjb2..8fnn2iUikoqA8o1rP0"
)


@pytest.fixture(scope="module")
def server() -> Iterator[Sshd]:
    """A server whose account may use sudo, with its password; `sudo -u nobody` needs none."""
    if os.geteuid() != 0:
        pytest.skip("needs an account with its own password, which only root can make")
    required_program("sudo")
    sudoers = "ordinary ALL=(root) ALL\nordinary ALL=(nobody) NOPASSWD: ALL\n"
    doas = "permit ordinary as root\n"
    with temporary_sshd(password_hash=HASHED, sudoers=sudoers, doas=doas) as server:
        yield server


def outcome(server: Sshd, command: str, become: Become, **options: Any) -> HostResult:
    chosen = server.options(become=True, become_as=become, **options)
    return perform(server.host(), CommandJob((command,)), chosen)


def test_a_command_runs_as_root_with_the_password(server: Sshd) -> None:
    result = outcome(server, "whoami; echo err >&2; exit 3", Become(password=Secret(PASSWORD)))

    assert result.commands[0].command == "whoami; echo err >&2; exit 3"
    assert result.stdout == "root\n"
    assert result.stderr == "err\n"
    assert (result.status, result.commands[0].exit_code) == (Status.FAILED, 3)


def test_where_no_password_is_needed_none_is_given(server: Sshd) -> None:
    result = outcome(server, "whoami; cat", Become(user="nobody", password=Secret(PASSWORD)))

    assert result.ok
    assert (result.stdout, result.stderr) == ("nobody\n", "")


def test_a_command_cannot_get_the_password_by_asking_for_it(server: Sshd) -> None:
    asking = "printf '[sudo] password for ordinary: ' >&2; read -r word; echo \"got:$word\""
    result = outcome(server, asking, Become(user="nobody", password=Secret(PASSWORD)))

    assert result.stdout == "got:\n"


def test_a_wrong_password_is_given_once_and_refused(server: Sshd) -> None:
    result = outcome(server, "whoami", Become(password=Secret("wrong")))

    assert (result.status, result.reason) == (Status.AUTH, "become-refused")
    assert result.phase is Phase.COMMAND
    assert "sudo to root refused" in (result.error or "")
    assert "wrong" not in repr(result)
    assert "1 incorrect password attempt" in result.stderr


def test_a_missing_password_is_said_at_once(server: Sshd) -> None:
    result = outcome(server, "whoami", Become())

    assert (result.status, result.reason) == (Status.AUTH, "become-password")
    assert result.error == (
        "sudo to root wants a password and none was given: sudo: a password is required; "
        "see --ask-become-pass"
    )


def test_several_lines_and_quotes_arrive_as_they_are(server: Sshd) -> None:
    command = "for n in 1 2; do\n  echo \"it's $n\"\ndone # 'end'"

    assert outcome(server, command, Become(user="nobody")).stdout == "it's 1\nit's 2\n"


def test_much_output_comes_whole(server: Sshd) -> None:
    command = "head -c 3000000 /dev/zero >&2; head -c 3000000 /dev/zero"
    result = outcome(server, command, Become(password=Secret(PASSWORD)))

    assert (len(result.commands[0].stdout_bytes), len(result.commands[0].stderr_bytes)) == (3_000_000,) * 2


def test_a_deadline_ends_it(server: Sshd) -> None:
    result = outcome(server, "sleep 60", Become(user="nobody"), command_timeout_s=1.0)

    assert (result.status, result.reason) == (Status.TIMEOUT, "command-deadline")


def test_su_without_a_password_is_refused(sshd: Sshd) -> None:
    result = outcome(sshd, "whoami", Become("su", "root"))

    assert (result.status, result.reason) == (Status.AUTH, "become-password")
    assert "--ask-become-pass" in (result.error or "")


@pytest.fixture(params=["ssh", "openssh"])
def way(request: pytest.FixtureRequest) -> dict[str, str]:
    """Each connection, as the variable that chooses it."""
    return {"ansible_connection": request.param}


def test_without_a_password_a_command_gets_what_it_is_to_read(server: Sshd, way: dict[str, str]) -> None:
    options = server.options(become=True, become_as=Become(user="nobody"))
    given = CommandOptions(stdin=b"given")
    result = perform(server.host(**way), CommandJob(("whoami; cat",), given), options)

    assert result.stdout == "nobody\ngiven", result.error


@pytest.mark.terminal
@pytest.mark.parametrize("method", ["sudo", "su", "doas"])
def test_each_program_takes_its_password(server: Sshd, way: dict[str, str], method: str) -> None:
    required_program(method)
    options = server.options(become=True, become_as=Become(method, "root", Secret(PASSWORD)))
    commands = 'whoami; read -r line; echo "got:$line"', "printf 'a\\nb'; exit 3"
    result = perform(server.host(**way), CommandJob(commands), options)

    assert result.reason == "exit-code", result.error
    assert [done.stdout for done in result.commands] == ["root\ngot:\n", "a\nb"]
    assert result.commands[1].exit_code == 3


@pytest.mark.parametrize("busy_s", [0.0, 0.1, 1.0])
@pytest.mark.parametrize("method", ["sudo", "su"])
def test_a_prompt_that_came_before_it_was_waited_for_is_answered(
    server: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, method: str, busy_s: float
) -> None:
    opened = SessionProcess.open

    def after_a_while(session: SessionProcess, seconds: float) -> bool:
        time.sleep(busy_s)
        is_open = opened(session, seconds)
        while not any(heard.endswith(b": ") for heard in session._heard):
            session._pump.wait(1.0)
        return is_open

    monkeypatch.setattr(SessionProcess, "open", after_a_while)
    become = Become(method, "root", Secret(PASSWORD))
    options = server.options(become=True, become_as=become, command_timeout_s=20.0)
    host = server.host(ansible_connection="openssh")
    result = perform(host, CommandJob(("whoami",)), options)
    moved = perform(host, TransferJob(Get("/etc/shadow", str(tmp_path))), options)

    assert (result.status, result.stdout) == (Status.OK, "root\n"), result.error
    assert moved.ok, moved.error


@pytest.mark.terminal
@pytest.mark.parametrize("method", ["sudo", "su", "doas"])
def test_each_program_refuses_a_wrong_password_once(server: Sshd, way: dict[str, str], method: str) -> None:
    required_program(method)
    options = server.options(become=True, become_as=Become(method, "root", Secret("wrong")))
    result = perform(server.host(**way), CommandJob(("whoami",)), options)

    assert (result.status, result.reason) == (Status.AUTH, "become-refused")
    assert f"{method} to root refused" in (result.error or "")
    assert "wrong" not in repr(result)


def test_input_comes_behind_the_password(server: Sshd, way: dict[str, str]) -> None:
    options = server.options(become=True, become_as=Become("su", "root", Secret(PASSWORD)))
    data = b"line\n" * 100_000
    job = CommandJob(("whoami; cat",), CommandOptions(stdin=data, environment=(("A", "b"),)))
    result = perform(server.host(**way), job, options)

    assert result.commands[0].stdout_bytes == b"root\n" + data


@pytest.mark.terminal
def test_a_command_on_a_terminal_may_become_too(server: Sshd, way: dict[str, str]) -> None:
    options = server.options(become=True, become_as=Become("sudo", "root", Secret(PASSWORD)))
    job = CommandJob(("tty; whoami",), CommandOptions(terminal=Terminal()))
    result = perform(server.host(**way), job, options)

    assert result.stdout.splitlines()[1:] == ["root"], result
    assert result.stdout.startswith("/dev/pts/")


MACHINE: dict[str, Any] = {
    "password_hash": HASHED,
    "sudoers": "Defaults>daemon requiretty\nALL ALL=(root, daemon) ALL\n",
    "doas": "permit ordinary as root\n",
}


@pytest.fixture(scope="module", params=["openssh", "dropbear"])
def either(request: pytest.FixtureRequest) -> Iterator[Sshd]:
    """A server of each kind; its sudo to `daemon` wants a terminal."""
    if os.geteuid() != 0:
        pytest.skip("needs an account with its own password, which only root can make")
    for program in ("sudo", "doas"):
        required_program(program)
    with (
        temporary_sshd(**MACHINE)
        if request.param == "openssh"
        else running_server(request.param, **MACHINE) as server
    ):
        yield server


@pytest.mark.terminal
@pytest.mark.parametrize("password", [None, PASSWORD])
@pytest.mark.parametrize(
    ("method", "user", "said"),
    [
        ("sudo", "nosuch", "sudo: unknown user nosuch"),
        ("su", "nosuch", "su: user nosuch does not exist"),
        ("doas", "nosuch", "doas: unknown user"),
        ("doas", "daemon", "doas: Operation not permitted"),
    ],
)
def test_a_refusal_before_a_password_is_asked_for_is_told_as_it_is(
    either: Sshd, way: dict[str, str], method: str, user: str, said: str, password: str | None
) -> None:
    secret = None if password is None else Secret(password)
    options = either.options(become=True, become_as=Become(method, user, secret))
    result = perform(either.host(**way), CommandJob(("id -un",)), options)

    assert (result.status, result.reason) == (Status.AUTH, "become-denied")
    assert (result.error or "").startswith(f"{method} to {user} refused: {said}")
    assert "--ask-become-pass" not in (result.error or "")


@pytest.mark.terminal
def test_a_sudo_that_wants_a_terminal_gets_one_by_the_flag_that_is_named(
    either: Sshd, way: dict[str, str]
) -> None:
    options = either.options(become=True, become_as=Become("sudo", "daemon", Secret(PASSWORD)))
    without = perform(either.host(**way), CommandJob(("id -un",)), options)
    job = CommandJob(("id -un",), CommandOptions(terminal=Terminal()))
    result = perform(either.host(**way), job, options)

    assert without.reason == "become-denied"
    assert without.error == (
        "sudo to daemon refused: sudo: sorry, you must have a tty to run sudo; "
        "a command gets a terminal with --pty, a file transfer has none"
    )
    assert result.stdout.split() == ["daemon"], result.error


def test_passwords_that_were_not_given_cancel_no_other_host(either: Sshd, way: dict[str, str]) -> None:
    hosts = [either.host(f"h{number}", **way) for number in range(7)]
    fanned = stream(
        hosts,
        CommandJob(("id -un",)),
        run="no-password",
        connecting=Connections(either.options(become=True, become_as=Become())),
        options=FanoutOptions(workers=2, ping=False, max_refused=5),
        reach=ReachOptions(),
    )
    results = list(fanned)

    assert [result.reason for result in results] == ["become-password"] * 7
    assert all((result.error or "").endswith("; see --ask-become-pass") for result in results)


# The command line and the prompts --------------------------------------------------------------------------


def elevation(become: Become) -> Elevation:
    words = iter(("one", "two"))
    return Elevation(become, lambda: next(words))


def test_the_command_line_holds_the_prompt_and_no_password() -> None:
    line = elevation(Become(user="app", password=Secret("hidden"))).wrap("id -un")

    assert line == (
        "sudo -H -S -p '[runner one] password: ' -u app -- "
        "/bin/sh -c 'echo '\\''[runner two] begun'\\''; "
        "echo '\\''[runner two] begun'\\'' >&2; eval '\\''id -un'\\'"
    )


@pytest.mark.parametrize(
    ("become", "begin"),
    [
        (Become(), "sudo -H -n -u root -- /bin/sh -c "),
        (Become("doas", "app"), "doas -n -u app -- /bin/sh -c "),
        (Become("su", "app"), "sh -c 'echo '\\''[runner one] password: '"),
        (Become("su", "app", Secret("hidden")), "sh -c 'echo '\\''[runner one] password: '"),
        (Become("sudo", "a b;c"), "sudo -H -n -u 'a b;c' -- "),
    ],
)
def test_each_program_is_called_in_its_own_way(become: Become, begin: str) -> None:
    line = elevation(become).wrap("true")

    assert line.startswith(begin)
    assert "hidden" not in line


def test_the_password_answers_the_prompt_once() -> None:
    asked = elevation(Become(password=Secret("hidden")))

    assert asked.own(b"We trust you have received the usual lecture.\n") == b""
    assert asked.answer() is None
    asked.own(b"[runner one] password: ")
    assert asked.answer() == b"hidden\n"
    assert not asked.denied
    asked.own(b"Sorry\n[runner one] password: ")
    assert asked.answer() is None
    assert asked.denied


@pytest.mark.parametrize(
    "prompt", ["Password: ", "Mot de passe : ", "密码\uff1a", "\rdoas (me@here) password: "]
)
def test_su_and_doas_ask_in_their_own_words(prompt: str) -> None:
    asked = elevation(Become("su", password=Secret("hidden")))
    asked.own(b"[runner one] password: \n")
    assert asked.answer() is None
    asked.own(prompt.encode())

    assert asked.answer() == b"hidden\n"


@pytest.mark.parametrize(
    "heard",
    [
        b"Password: ",  # printed by the start-up files of the login
        b"[runner one] password: \nNew mail: 3\n",
        b"[runner one] password: \nsu: ",  # the beginning of a message of su
        b"[runner one] password: \r\nsu: warning: ",
        b"[runner one] password: \n[runner tw",
        b"[runner one] password: \n[runner two] begun\nPassword: ",  # printed by the command
        b"[runner one] password: ",
    ],
)
def test_nobody_else_gets_what_is_for_su(heard: bytes) -> None:
    for size in (1, len(heard)):
        asked = elevation(Become("su", password=Secret("hidden")))
        for start in range(0, len(heard), size):
            asked.own(heard[start : start + size])
            answered = asked.answer()
            assert answered is None or heard[: start + size].endswith(b"mail:")
        assert size == 1 or asked.answer() is None


def test_a_prompt_counts_on_either_stream_between_our_marks() -> None:
    for number in (0, 1):
        asked = elevation(Become("su", password=Secret("hidden")))
        asked.own(b"Password: ", number)
        assert asked.answer() is None
        asked.own(b"\n[runner one] password: \nPassword: ", number)
        assert asked.answer() == b"hidden\n"
        assert asked.own(b"\n[runner two] begun\nPassword: ", number) == b"Password: "
        assert not asked.denied


@pytest.mark.parametrize(
    ("method", "said", "exit_code", "reason", "words"),
    [
        ("su", b"Password: \r\nsu: Authentication failure\r\n", 1, "become-refused", "su: Authentication"),
        ("su", b"Password: ", 1, "become-refused", "su to root refused"),
        ("su", b"Password: su: failed", 1, "become-refused", "refused: su: failed"),
        ("sudo", b"sudo: 1 incorrect password attempt\n", 1, "become-refused", "1 incorrect"),
        (
            "sudo",
            b"sh: 1: exec: sudo: not found\n",
            127,
            "become-missing",
            "sudo cannot be run: sudo: not found",
        ),
    ],
)
def test_a_refusal_quotes_the_line_of_the_program(
    method: str, said: bytes, exit_code: int, reason: str, words: str
) -> None:
    asked = elevation(Become(method, password=Secret("hidden")))
    asked.own(b"[runner one] password: \n[runner one] password: Password: ")
    assert asked.answer() is not None
    asked.own(said)
    error = asked.refused(exit_code)

    assert error.reason == reason
    assert words in str(error)
    assert not str(error).endswith("Password:")


def test_a_refusal_does_not_quote_our_own_command(server: Sshd) -> None:
    for command in ("id -un", "two\nlines"):
        result = outcome(server, command, Become(user="daemon", password=Secret(PASSWORD)))
        assert result.reason == "become-refused", result.error
        assert (result.error or "").startswith("sudo to daemon refused: Sorry, user ordinary is not allowed")
        assert "begun" not in (result.error or "")


def test_what_the_command_says_is_parted_from_what_sudo_says() -> None:
    asked = elevation(Become(password=Secret("hidden")))

    assert asked.own(b"lecture\n[runner one] password: [runner t") == b""
    assert asked.own(b"wo] begun\nits own\n") == b"its own\n"
    assert asked.done
    assert asked.answer() is None
    assert asked.own(b"[runner one] password: ") == b"[runner one] password: "


def test_the_mark_is_found_in_a_chunk_larger_than_what_is_kept() -> None:
    for before in (b"", b"lecture\n" * 20_000):
        asked = elevation(Become(password=Secret("hidden")))
        output = b"x" * 300_000

        assert asked.own(before + b"[runner two] begun\n" + output) == output
        assert asked.done


def test_what_is_said_before_is_not_kept_without_end() -> None:
    asked = elevation(Become(password=Secret("hidden")))
    for _ in range(100):
        asked.own(b"x" * 10_000)

    assert len(asked.said) < 100_000


# Precedence ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("ansible.builtin.sudo", "sudo"),
        ("ansible.legacy.su", "su"),
        ("community.general.doas", "doas"),
        ("ansible.netcommon.enable", "enable"),
        ("my_company.tools.sudo", "my_company.tools.sudo"),
    ],
)
def test_a_full_name_is_short_only_for_the_collections_of_ansible(method: str, expected: str) -> None:
    host = Host("h", {"ansible_become": True, "ansible_become_method": method})

    assert become_of(host, ConnectionOptions()) == Become(expected)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, None),
        ({"ansible_become": False, "ansible_become_user": "app"}, None),
        ({"ansible_become": True}, Become()),
        ({"ansible_become": "yes", "ansible_become_user": "app"}, Become(user="app")),
        (
            {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"},
            Become("su"),
        ),
        ({"ansible_become": True, "ansible_become_password": "x"}, Become(password=Secret("x"))),
        ({"ansible_become": True, "ansible_become_pass": "x"}, Become(password=Secret("x"))),
        ({"ansible_become_method": "enable", "ansible_become_password": "x"}, None),
        ({"ansible_become": True, "ansible_become_method": "enable"}, Become("enable")),
    ],
)
def test_the_inventory_decides_for_each_host(variables: dict[str, Any], expected: Become | None) -> None:
    assert become_of(Host("h", variables), ConnectionOptions()) == expected


def test_flags_of_this_run_win_over_the_inventory() -> None:
    flags = Settings.resolve(
        {"become": True, "become_user": "flag", "become_password": "flag"}
    ).connection_options()
    variables = {"ansible_become": False, "ansible_become_user": "theirs", "ansible_become_pass": "theirs"}

    assert become_of(Host("h", variables), flags) == Become(user="flag", password=Secret("flag"))


def test_a_password_that_was_asked_for_serves_hosts_that_become_by_the_inventory() -> None:
    asked = Settings.resolve({"become_password": "asked"}).connection_options()

    assert become_of(Host("h", {"ansible_become": True}), asked) == Become(password=Secret("asked"))


@pytest.mark.parametrize(
    "variables",
    [
        {"ansible_become": "perhaps"},
        {"ansible_become": True, "ansible_become_user": "-x"},
    ],
)
def test_what_cannot_be_meant_is_that_hosts_error(variables: dict[str, Any]) -> None:
    with pytest.raises(InvalidVariable):
        become_of(Host("h", variables), ConnectionOptions())


@pytest.mark.parametrize("way", ["ssh", "openssh"])
def test_doas_with_a_password_moves_no_files_and_says_what_does(server: Sshd, way: str) -> None:
    options = server.options(become=True, become_as=Become("doas", "root", Secret(PASSWORD)))
    result = perform(
        server.host(ansible_connection=way), TransferJob(Put("/etc/hostname", "/tmp/never")), options
    )

    assert (result.status, result.reason, result.sent) == (Status.AUTH, "become-terminal", False)
    assert "nopass" in (result.error or "")
