"""Run an external program with limits on its time and output."""

from __future__ import annotations

import atexit
import contextlib
import os
import selectors
import signal
import subprocess
import time
from typing import TYPE_CHECKING

from runner.environment import of_child
from runner.errors import InventoryError
from runner.text import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["output"]

_CHUNK = 65536
_STDERR_KEPT = 4096
_POLL_S = 0.05

_running: set[subprocess.Popen[bytes]] = set()


def output(
    argv: Sequence[str], *, timeout_s: float, max_bytes: int, environment: Mapping[str, str] | None = None
) -> str:
    """Run a program and return its output.

    The call ends with the program, not with its output: a daemon that the program started may keep the pipe
    open.

    Args:
        argv: The program and its arguments, run without a shell.
        timeout_s: Seconds after which the program and all it started are killed.
        max_bytes: Maximum size of the output; more gets them killed as well.
        environment: Environment variables to add to ours.

    Raises:
        InventoryError: It cannot be started, fails, takes too long, prints too much, or its output is not
            UTF-8.
    """
    path = argv[0]
    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            env=of_child(**(environment or {})),
        )
    except OSError as exc:
        raise InventoryError(f"cannot be run: {exc.strerror}", path=path) from exc
    with process:
        _running.add(process)
        try:
            printed, complaint = _collect(process, path, time.monotonic() + timeout_s, max_bytes)
        except BaseException:  # for example an interrupt
            _kill_group(process)
            raise
        finally:
            _running.discard(process)
    if process.returncode:
        said = _one_line(complaint)
        raise InventoryError(
            f"ended with status {process.returncode}{f': {said}' if said else ''}", path=path
        )
    try:
        return printed.decode()
    except UnicodeDecodeError as exc:
        raise InventoryError("printed something that is not UTF-8", path=path) from exc


def _kill_all() -> None:
    """Kill all running programs when this process exits."""
    for process in tuple(_running):
        _kill_group(process)


atexit.register(_kill_all)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the program and all it started: they are one process group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _collect(
    process: subprocess.Popen[bytes], path: str, deadline: float, max_bytes: int
) -> tuple[bytes, bytes]:
    """Read both pipes until the program has ended and the pipes are empty."""
    printed, complaint = bytearray(), bytearray()
    with selectors.DefaultSelector() as selector:
        for pipe, kept in ((process.stdout, printed), (process.stderr, complaint)):
            if pipe is not None:
                os.set_blocking(pipe.fileno(), False)
                selector.register(pipe, selectors.EVENT_READ, kept)
        while _more(selector, ended=process.poll() is not None):
            del complaint[_STDERR_KEPT:]
            if len(printed) > max_bytes:
                raise InventoryError(f"printed more than {max_bytes:,} bytes; killed", path=path)
            if time.monotonic() > deadline:
                raise InventoryError("took too long; killed", path=path)
    _await_end(process, path, deadline)
    return bytes(printed), bytes(complaint)


def _more(selector: selectors.BaseSelector, *, ended: bool) -> bool:
    """Read the available output; return whether more may follow."""
    ready = selector.select(0 if ended else _POLL_S)
    for key, _ in ready:
        chunk = os.read(key.fd, _CHUNK)
        if not chunk:
            selector.unregister(key.fileobj)
        key.data.extend(chunk)
    return bool(selector.get_map()) and (bool(ready) or not ended)


def _await_end(process: subprocess.Popen[bytes], path: str, deadline: float) -> None:
    """Wait for a program that has closed its pipes."""
    try:
        process.wait(max(0.0, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as exc:
        raise InventoryError("took too long; killed", path=path) from exc


def _one_line(text: bytes) -> str:
    """Return the last line of the error output, made safe for a terminal."""
    lines = text.decode("utf-8", "replace").strip().splitlines()
    return excerpt(lines[-1]) if lines else ""
