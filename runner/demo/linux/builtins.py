"""Builtin commands of the shell: folders, variables, options, tests, other shells."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from runner.demo.linux.program import number_of, options_of

if TYPE_CHECKING:
    from runner.demo.linux.program import Program
    from runner.demo.linux.session import LinuxSession

__all__ = ["BUILTINS"]

_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_MARK = re.compile(r"\\n|\\t|\\\\|%%|%[sdb]")
_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\", "%%": "%"}


async def _true(_session: LinuxSession, _arguments: list[str]) -> int:
    return 0


async def _false(_session: LinuxSession, _arguments: list[str]) -> int:
    return 1


async def _echo(session: LinuxSession, arguments: list[str]) -> int:
    if arguments[:1] == ["-n"]:
        session.write(1, " ".join(arguments[1:]).encode())
    else:
        session.say(" ".join(arguments))
    return 0


async def _printf(session: LinuxSession, arguments: list[str]) -> int:
    r"""Print a format with `%s`, `%d`, `%b`, `\n` and `\t`; repeat it while arguments are left."""
    if not arguments:
        session.complain("sh: printf: usage: printf format [arg ...]")
        return 2
    form, *left = arguments
    taken = sum(form.count(mark) for mark in ("%s", "%d", "%b"))
    session.write(1, _formatted(form, left[:taken]).encode())
    for place in range(taken, len(left) if taken else 0, taken or 1):
        session.write(1, _formatted(form, left[place : place + taken]).encode())
    return 0


def _formatted(form: str, words: list[str]) -> str:
    given = iter(words)

    def value(found: re.Match[str]) -> str:
        if found[0] in _ESCAPES:
            return _ESCAPES[found[0]]
        word = next(given, "")
        return re.sub(r"\\[nt\\]", lambda mark: _ESCAPES[mark[0]], word) if found[0] == "%b" else word

    return _MARK.sub(value, form)


async def _exit(session: LinuxSession, arguments: list[str]) -> int:
    session.closed = True
    if not arguments:
        return session.status
    number = number_of(arguments[0])
    if number is None or number < 0:
        session.complain(f"sh: exit: Illegal number: {arguments[0]}")
        return 2
    return number % 256


async def _pwd(session: LinuxSession, _arguments: list[str]) -> int:
    session.say(session.directory)
    return 0


async def _cd(session: LinuxSession, arguments: list[str]) -> int:
    words = arguments[1:] if arguments[:1] == ["--"] else arguments
    target = session.machine.resolve(session.directory, words[0] if words else session.variable("HOME"))
    if target not in session.machine.directories:
        session.complain(f"sh: cd: can't cd to {words[0] if words else target}")
        return 2
    session.directory = target
    return 0


async def _export(session: LinuxSession, arguments: list[str]) -> int:
    for word in arguments:
        name, equals, value = word.partition("=")
        if not _NAME.fullmatch(name):
            session.complain(f"sh: export: {name}: bad variable name")
            return 2
        session.exported.add(name)
        session.variables.setdefault(name, "")
        if equals:
            session.variables[name] = value
    return 0


async def _unset(session: LinuxSession, arguments: list[str]) -> int:
    for name in arguments:
        session.variables.pop(name, None)
        session.exported.discard(name)
    return 0


async def _env(session: LinuxSession, arguments: list[str]) -> int:
    if arguments:
        session.complain("env: this simulated server knows 'env' alone")
        return 125
    for name, value in session.environment().items():
        session.say(f"{name}={value}")
    return 0


async def _set(session: LinuxSession, arguments: list[str]) -> int:
    """Support `-e`, `-u`, `-o pipefail`, `-C` (ignored), and `-- WORD…` for the parameters."""
    words = iter(arguments)
    for word in words:
        if word == "--":
            session.parameters[1:] = words
            return 0
        letters = set(word[1:]) - {"o", "C"}
        if not word.startswith("-") or letters - {"e", "u"}:
            session.complain("sh: set: this simulated shell knows 'set -e', '-u' and '-o pipefail'")
            return 2
        if "o" in word and next(words, "") != "pipefail":
            session.complain("sh: set: Illegal option -o")
            return 2
        session.options |= letters | ({"pipefail"} if "o" in word else set())
    return 0


async def _test(session: LinuxSession, arguments: list[str]) -> int:
    """Test files, strings and integers: `-f FILE`, `A = B`, `1 -lt 2`, each optionally after `!`."""
    words = arguments
    turned = words[:1] == ["!"]
    words = words[1:] if turned else words
    holds = _holds(session, words)
    if holds is None:
        session.complain(f"sh: test: this simulated shell does not know '{' '.join(words)}'")
        return 2
    return int(holds is turned)


async def _bracket(session: LinuxSession, arguments: list[str]) -> int:
    if arguments[-1:] != ["]"]:
        session.complain("sh: [: missing ]")
        return 2
    return await _test(session, arguments[:-1])


def _holds(session: LinuxSession, words: list[str]) -> bool | None:
    """Return whether a test is true; None if the test is not supported."""
    match words:
        case [] | [_]:
            return any(words)
        case ["-n" | "-z" as option, text]:
            return bool(text) is (option == "-n")
        case [option, path]:
            return _is(session, option, session.machine.resolve(session.directory, path))
        case [one, "=" | "!=" as operator, other]:
            return (one == other) is (operator == "=")
        case [one, operator, other]:
            first, second = number_of(one), number_of(other)
            return None if first is None or second is None else _compared(first - second, operator)
    return None


def _compared(difference: int, operator: str) -> bool | None:
    return {
        "-eq": difference == 0,
        "-ne": difference != 0,
        "-lt": difference < 0,
        "-le": difference <= 0,
        "-gt": difference > 0,
        "-ge": difference >= 0,
    }.get(operator)


def _is(session: LinuxSession, option: str, path: str) -> bool | None:
    machine = session.machine
    is_file, is_folder = path in machine.files, path in machine.directories
    return {
        "-e": is_file or is_folder,
        "-f": is_file,
        "-d": is_folder,
        "-s": is_file and bool(machine.files[path]),
        "-r": is_file or is_folder,
        "-w": session.may_change(path),
        "-x": is_folder or (is_file and machine.executable(path)),
    }.get(option)


async def _sh(session: LinuxSession, arguments: list[str]) -> int:
    """Support `sh -c TEXT [NAME WORD…]`, `sh FILE [WORD…]`, and a script on standard input."""
    letters, words = options_of(arguments)
    if letters.replace("e", "").replace("u", "") not in ("", "c") or ("c" in letters and not words):
        session.complain("sh: this simulated shell knows 'sh -c TEXT', 'sh FILE' and 'sh' alone")
        return 2
    if "c" in letters:
        text, parameters = words[0], words[1:] or ["sh"]
    elif words:
        path = session.machine.resolve(session.directory, words[0])
        if path not in session.machine.files:
            session.complain(f"sh: 0: cannot open {words[0]}: No such file")
            return 2
        text, parameters = bytes(session.machine.files[path]).decode("utf-8", "replace"), words
    else:
        text, parameters = (await session.read()).decode("utf-8", "replace"), ["sh"]
    started = session.child(parameters)
    started.options = set(letters) - {"c"}
    return await started.execute(text)


async def _eval(session: LinuxSession, arguments: list[str]) -> int:
    return await session.execute(" ".join(arguments))


async def _exec(session: LinuxSession, arguments: list[str]) -> int:
    status = await session.call(arguments) if arguments else 0
    session.closed = bool(arguments)
    return status


async def _shift(session: LinuxSession, _arguments: list[str]) -> int:
    del session.parameters[1:2]
    return 0


async def _umask(session: LinuxSession, arguments: list[str]) -> int:
    if not arguments:
        session.say("0022")
    return 0


async def _wait(session: LinuxSession, _arguments: list[str]) -> int:
    return session.background_status


async def _kill(session: LinuxSession, arguments: list[str]) -> int:
    session.complain(f"sh: kill: ({arguments[-1] if arguments else ''}) - No such process")
    return 1


async def _command(session: LinuxSession, arguments: list[str]) -> int:
    """Support `command -v NAME`: show whether a program exists."""
    letters, words = options_of(arguments)
    if letters != "v" or len(words) != 1:
        session.complain("sh: command: this simulated shell knows 'command -v NAME'")
        return 2
    if words[0] not in session.programs:
        return 127
    session.say(words[0] if words[0] in BUILTINS else f"/usr/bin/{words[0]}")
    return 0


BUILTINS: dict[str, Program] = {
    ":": _true,
    "[": _bracket,
    "bash": _sh,
    "cd": _cd,
    "command": _command,
    "dash": _sh,
    "echo": _echo,
    "env": _env,
    "eval": _eval,
    "exec": _exec,
    "exit": _exit,
    "export": _export,
    "false": _false,
    "kill": _kill,
    "printf": _printf,
    "pwd": _pwd,
    "set": _set,
    "sh": _sh,
    "shift": _shift,
    "test": _test,
    "trap": _true,  # simulated processes never receive signals
    "true": _true,
    "umask": _umask,
    "unset": _unset,
    "wait": _wait,
}
"""The builtins of the shell, by name, and the shells that it can start."""
