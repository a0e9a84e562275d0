"""`--output-dir`: one output file per host, an index of all hosts, and a list of the failed hosts."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import TYPE_CHECKING, Any

from runner.errors import UsageError
from runner.report.formats.json import encode
from runner.report.terminal import visible_line
from runner.results.results import run_document
from runner.text import reading, writing
from runner.text.file_names import FAILED, INDEX, file_names
from runner.text.paths import writable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from runner.models import HostResult, Run

__all__ = ["OutputFolder"]

_LONGEST = 2**30
_READ_AS_IT_IS = re.compile(r"(?![&!\s]).*\S", re.ASCII)
"""Names that a file of hosts reads unchanged: `&` and `!` are operators there, white space is stripped."""


class OutputFolder:
    """A folder with a file for each host, readable only by its owner.

    `index.jsonl` begins with the run; a line for each host is added as the host ends. `failed.txt` is written
    at the end: the hosts that are not ok, one per line, in the form that `--limit @failed.txt` reads.

    Args:
        path: The folder; created if it does not exist. `{run}` in it is replaced by the run's id.
        run: The run.
        hosts: The names of all hosts of the run.

    Raises:
        UsageError: The folder cannot be created or written to, or holds files that do not belong to this run.
    """

    def __init__(self, path: str, run: Run, hosts: Iterable[str]) -> None:
        self._names = file_names(hosts)
        self._run = run
        self._failed: dict[str, None] = {}
        self._path = writable("--output-dir", path.replace("{run}", run.id))
        try:
            self._begun = any(self._path.iterdir())
            if self._begun:
                self._go_on(path, run)
        except OSError as exc:
            raise UsageError(f"--output-dir {path!r}: {exc.strerror or exc}") from exc

    def write(self, result: HostResult) -> None:
        """Write a host's output (the unchanged bytes of its commands) and its line of the index.

        A host that ran no command gets no file: an empty file would look like a command without output.

        Raises:
            OSError: A file cannot be written; an earlier file is left unchanged.
        """
        self._begin()
        self._count(result.host, ok=result.ok)
        name, digest = None, None
        if result.commands:
            data = _content(result)
            name, digest = self._names[result.host], hashlib.sha256(data).hexdigest()
            writing.replace(self._path / name, data)
        line = {
            "host": result.host,
            "file": name,
            "status": str(result.status),
            "reason": result.reason,
            "exit_codes": [item.exit_code for item in result.commands],
            "sha256": digest,
        }
        self._append(encode(line))

    def finish(self) -> None:
        """Write the list of the hosts that are not ok.

        Raises:
            OSError: The list cannot be written.
        """
        self._begin()
        lines = "".join(f"{_as_pattern(host)}\n" for host in self._failed)
        writing.replace(self._path / FAILED, lines.encode("utf-8", "surrogateescape"))

    def _go_on(self, path: str, run: Run) -> None:
        """Continue the folder of a resumed run; raise `UsageError` if the folder belongs to another run."""
        whole = self._index()
        found, *lines = _read(whole) or [{}]
        known = found.get("run")
        holder = known.get("id") if isinstance(known, dict) else None
        if holder != run.id:
            holds = "it is not empty" if holder is None else f"it holds the outputs of run {holder}"
            each = os.path.join(path, "{run}")  # noqa: PTH118 - keep the path as it was typed
            raise UsageError(f"--output-dir {path!r}: {holds}; name another, or {each!r} for one of each run")
        os.truncate(self._path / INDEX, len(whole))
        for line in lines:
            self._count(str(line.get("host")), ok=line.get("status") == "ok")

    def _begin(self) -> None:
        """Create the index before the first write; fail if another run has created it meanwhile."""
        if not self._begun:
            try:
                self._append(encode({"run": run_document(self._run)}), os.O_EXCL)
            except FileExistsError as exc:
                raise OSError(exc.errno, "another run has taken the folder") from exc
            self._begun = True

    def _count(self, host: str, *, ok: bool) -> None:
        if ok:
            self._failed.pop(host, None)
        else:
            self._failed[host] = None

    def _index(self) -> bytes:
        """Return the complete lines of the index."""
        try:
            data = reading.contents(self._path / INDEX, _LONGEST)
        except FileNotFoundError:
            return b""
        return data[: data.rfind(b"\n") + 1]

    def _append(self, line: str, flags: int = 0) -> None:
        descriptor = writing.open_to_append(self._path / INDEX, flags)
        try:
            writing.append(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)


def _read(index: bytes) -> list[dict[str, Any]]:
    """Return the objects of JSON lines; an empty list if the text is not JSON lines of objects."""
    try:
        lines = [json.loads(line) for line in index.splitlines()]
    except ValueError:
        return []
    return lines if all(isinstance(line, dict) for line in lines) else []


def _content(result: HostResult) -> bytes:
    """Return a host's output; if there are several commands, each under a heading."""
    if len(result.commands) == 1:
        return result.commands[0].stdout_bytes + result.commands[0].stderr_bytes
    parts = []
    for item in result.commands:
        said = item.stdout_bytes + item.stderr_bytes
        ended = b"" if not said or said.endswith(b"\n") else b"\n"
        parts += [f"$ {visible_line(item.command)}\n".encode(), said, ended]
    return b"".join(parts)


def _as_pattern(host: str) -> str:
    """Return a line for this host in a file of hosts; an unusual name becomes a regular expression."""
    if _READ_AS_IT_IS.fullmatch(host):
        return host
    plain = "".join(char if char.isascii() and char.isalnum() else f"\\U{ord(char):08x}" for char in host)
    return f"~{plain}\\Z"
