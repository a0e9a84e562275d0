"""The confined child: a process that forks a worker, and forks a new one when a limit has ended it.

The worker has a memory limit, and each request has a CPU time limit. The kernel enforces both, so that they
hold even within a single call of C code.
"""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from runner.text.confined.wire import Kind, receive, send

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import BufferedReader

    Serve = Callable[[bytes, Callable[[bytes], bytes]], bytes]

__all__ = ["Aborted", "main"]

_MEMORY = 128 * 2**20
"""Bytes that the worker may use in addition to the interpreter and its modules."""
_MEMORY_WITHOUT_PROC = 2**30
_DEEPEST = 10_000
"""Python's recursion limit: a request may be made while another one waits for an answer."""

_FULL, _BROKEN = 3, 4


class Aborted(BaseException):
    """The parent has no answer. A `BaseException`, so that the code between does not catch it."""


def main(target: str) -> None:
    """Serve requests until the parent closes the connection, which is standard input.

    Args:
        target: `MODULE:FUNCTION`; the function is called with a request and a function that asks the parent.
    """
    module, _, function = target.partition(":")
    serve: Serve = getattr(import_module(module), function)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # the parent decides when this ends
        signal.signal(number, signal.SIG_IGN)
    connection = socket.socket(fileno=0)
    while True:
        worker = os.fork()
        if worker == 0:
            _work(connection, serve)
        status = os.waitpid(worker, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        if code in (0, _BROKEN):
            return
        with contextlib.suppress(OSError):
            send(connection, Kind.STOPPED, _reason(code).encode())


def _reason(code: int) -> str:
    if code == _FULL:
        return "memory"
    return "time" if code == -signal.SIGPROF else f"status {code}"


def _work(connection: socket.socket, serve: Serve) -> None:
    """Answer requests until the connection ends, then exit."""
    code = _BROKEN
    try:
        sys.setrecursionlimit(_DEEPEST)
        _limit_memory()
        _Worker(connection, serve).run()
        code = 0
    except MemoryError:
        code = _FULL
    finally:
        os._exit(code)


def _limit_memory() -> None:
    """Limit the memory. Systems that do not enforce RLIMIT_AS (macOS) have only the time limit."""
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
        most = pages * resource.getpagesize() + _MEMORY
    except (OSError, ValueError, IndexError):
        most = _MEMORY_WITHOUT_PROC
    for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA):
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (most, most))
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Worker:
    def __init__(self, connection: socket.socket, serve: Serve) -> None:
        self._connection = connection
        self._reader: BufferedReader = connection.makefile("rb")
        self._serve = serve

    def run(self) -> None:
        """Answer requests until the parent has ended."""
        while True:
            try:
                kind, limit_s, payload = receive(self._reader)
            except EOFError:
                return
            except MemoryError:  # the rest of the message is unread, so another worker could not continue
                os._exit(_BROKEN)
            if kind is Kind.REQUEST:
                self._reply(payload, limit_s)

    def _reply(self, payload: bytes, limit_s: float) -> None:
        signal.setitimer(signal.ITIMER_PROF, limit_s)
        try:
            reply = self._serve(payload, self._ask)
        except Aborted:
            reply = b""
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        send(self._connection, Kind.REPLY, reply)

    def _ask(self, question: bytes) -> bytes:
        """Ask the parent a question; serve requests that it sends before it answers."""
        left_s = signal.setitimer(signal.ITIMER_PROF, 0)[0]
        send(self._connection, Kind.ASK, question)
        while True:
            try:
                kind, limit_s, payload = receive(self._reader)
            except EOFError:
                os._exit(0)
            if kind is not Kind.REQUEST:
                break
            self._reply(payload, limit_s)
        if kind is not Kind.ANSWER:
            raise Aborted
        signal.setitimer(signal.ITIMER_PROF, max(left_s, 0.001))
        return payload
