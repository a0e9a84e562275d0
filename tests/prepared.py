"""Start our programs quickly: by a fork of a process that has already imported their modules.

A new interpreter needs 0.5 s of processor time before the first line of a task, and the tests start more than
a thousand programs. `Prepared` is a `subprocess.Popen` whose child is forked by the prepared process instead.
The child has its own environment, folder, session, standard streams and module `__main__`, and ends like an
interpreter.
"""

from __future__ import annotations

import array
import ctypes
import gc
import importlib
import io
import json
import os
import runpy
import signal
import socket
import struct
import subprocess
import sys
import time
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

_LENGTH = struct.Struct("!Q")
_PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
_LANGUAGE = "C.UTF-8"  # of the forking process: Python chooses text encodings when it starts
_SIGNALS = {
    signal.SIGINT: signal.default_int_handler,
    signal.SIGTERM: signal.SIG_DFL,
    signal.SIGHUP: signal.SIG_DFL,
}
_LOADED = (
    "runner.tasks.program",
    "runner.connection.ssh",
    "runner.inventory",
    "runner.fanout",
    "runner.history",
)


class Prepared(subprocess.Popen[bytes]):
    """A Python program: forked if that makes no difference to it, else started by a new interpreter."""

    def _execute_child(self, *given: Any) -> None:  # the same arguments in Python 3.11 to 3.14
        argv, _, preexec_fn, _, pass_fds, cwd, env, *_ = given
        streams = given[10], given[13], given[15]
        if preexec_fn is None and not pass_fds and _may_be_forked(argv, cwd, env, streams):
            self.pid = _server().start(argv, str(cwd), env, streams, session=given[21])
            self._child_created = True
            self._close_pipe_fds(*given[10:16])
        else:
            super()._execute_child(*given)  # type: ignore[misc]


def _may_be_forked(argv: list[str], cwd: Any, env: dict[str, str] | None, streams: tuple[int, ...]) -> bool:
    """Return whether a program may be forked: no special start of Python, no modules that hide others."""
    if sys.platform != "linux" or cwd is None or env is None or min(streams) < 0:
        return False
    special = {name for name in env if name.startswith(("PYTHON", "LC_", "INVOKE_DEBUG"))} - {"PYTHONPATH"}
    own = {path.name for path in Path(cwd).glob("*.py")} - {"tasks.py"}
    ours = env.get("PYTHONPATH") == str(Path(__file__).parent.parent)
    return not special and not own and ours and env.get("LANG") == _LANGUAGE and argv[0] == sys.executable


class _Server:
    """The forking process, and our socket to it."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        self._process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(theirs.fileno())],
            env={**kept, "LANG": _LANGUAGE},
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        theirs.close()

    def start(
        self, argv: list[str], cwd: str, env: dict[str, str], streams: tuple[int, ...], *, session: bool
    ) -> int:
        """Let the server fork a program, as a child of this process; return its process id."""
        ignored = [number for number in _SIGNALS if signal.getsignal(number) is signal.SIG_IGN]
        given = {"argv": argv, "cwd": cwd, "env": env, "session": session, "ignored": ignored}
        asked = json.dumps(given).encode()
        prctl = ctypes.CDLL(None).prctl
        prctl(_PR_SET_CHILD_SUBREAPER, 1)  # its parent ends at once, and this process adopts it
        try:
            descriptors = array.array("i", streams).tobytes()
            rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)]
            self._socket.sendmsg([_LENGTH.pack(len(asked))], rights)
            self._socket.sendall(asked)
            return int(_LENGTH.unpack(_exactly(self._socket, _LENGTH.size))[0])
        finally:
            prctl(_PR_SET_CHILD_SUBREAPER, 0)


@cache
def _server() -> _Server:
    """Return the server of this process; it ends when this process ends and so closes its socket."""
    return _Server()


def _exactly(channel: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        part = channel.recv(size - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def _next(channel: socket.socket) -> tuple[dict[str, Any], list[int]]:
    """Wait for the next request; return it with the standard streams of the program."""
    descriptors = array.array("i")
    head, rights, _, _ = channel.recvmsg(_LENGTH.size, socket.CMSG_SPACE(3 * descriptors.itemsize))
    if not head:
        raise EOFError
    for _, _, data in rights:
        descriptors.frombytes(data)
    size = _LENGTH.unpack(head + _exactly(channel, _LENGTH.size - len(head)))[0]
    return json.loads(_exactly(channel, size)), list(descriptors)


def _fork_until_asked_no_more(channel: socket.socket) -> dict[str, Any]:
    """Fork a process for each request; return the request in the new process, and never in this one."""
    while True:
        try:
            asked, streams = _next(channel)
        except EOFError:
            os._exit(0)
        told, telling = os.pipe()
        between = os.fork()
        if between == 0:
            os.close(told)
            child = os.fork()
            if child:
                os.write(telling, _LENGTH.pack(child))
                os._exit(0)
            os.close(telling)
            channel.close()
            for number, descriptor in enumerate(streams):
                os.dup2(descriptor, number)
            os.closerange(3, max(streams) + 1)
            return asked
        os.close(telling)
        os.waitpid(between, 0)
        channel.sendall(os.read(told, _LENGTH.size))
        for descriptor in (told, *streams):
            os.close(descriptor)


def _become(asked: dict[str, Any], path: list[str]) -> list[str]:
    """Set up the process as a new interpreter would be; return the command line without the interpreter."""
    if asked["session"]:
        os.setsid()
    for number, usual in _SIGNALS.items():
        signal.signal(number, signal.SIG_IGN if number in asked["ignored"] else usual)
    os.chdir(asked["cwd"])
    os.environ.clear()
    os.environ.update(asked["env"])
    time.tzset()
    # Importing the tasks changes the Invoke program that imports them: they must be imported again here.
    for name in [name for name in sys.modules if name.startswith("runner.tasks")]:
        del sys.modules[name]
    words: list[str] = asked["argv"][1:]
    sys.path[:] = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), *path]
    if words[0] == "-P":
        words = words[1:]
    else:
        sys.path.insert(0, str(Path.cwd()))
    sys.stdin = sys.__stdin__ = _stream(0, "r", "surrogateescape")
    sys.stdout = sys.__stdout__ = _stream(1, "w", "surrogateescape")
    sys.stderr = sys.__stderr__ = _stream(2, "w", "backslashreplace")
    return words


def _stream(number: int, mode: str, errors: str) -> io.TextIOWrapper:
    raw = open(number, f"{mode}b", closefd=False)  # noqa: SIM115 - a descriptor, open until the end
    return io.TextIOWrapper(raw, "utf-8", errors, line_buffering=number == 2 or raw.isatty())  # type: ignore[arg-type]


def _run(words: list[str]) -> None:
    """Run like `python WORDS`: `-m MODULE …` or `-c CODE …`."""
    how, what, *rest = words
    sys.modules["__main__"] = main = ModuleType("__main__")
    main.__builtins__ = __builtins__  # type: ignore[attr-defined]
    sys.argv[:] = [how, *rest]
    if how == "-m":
        runpy._run_module_as_main(what)  # type: ignore[attr-defined]
    else:
        exec(compile(what, "<string>", "exec"), main.__dict__)


if __name__ == "__main__":
    path = list(sys.path)
    for name in _LOADED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    _run(_become(_fork_until_asked_no_more(socket.socket(fileno=int(sys.argv[1]))), path))
