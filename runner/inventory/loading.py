"""What a source is given to read with: the graph to fill, bounded files, vault, warnings and options."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.graph import Graph
from runner.inventory.rules import Rules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from runner.inventory.documents import DocumentReader
    from runner.inventory.vault import Vault

__all__ = ["MAX_SOURCES", "MAX_WARNINGS", "BrokenSource", "Loading", "Options"]

MAX_SOURCES = 20_000
"""How many files folders of sources may hold: links can make a folder endless."""

MAX_WARNINGS = 1000
"""How many doubtful things are told of; nobody reads more."""

_OWN_PIPES = ("/dev/fd/", "/proc/self/fd/")
_VAULT_HEADER = b"$ANSIBLE_VAULT"


@dataclass(frozen=True, slots=True)
class Options:
    """How inventories are to be read.

    Attributes:
        playbook_dir: The folder whose `group_vars` and `host_vars` count as those beside a playbook.
        playbook_given: Whether somebody named it; else it is the current folder.
        vault: What opens encrypted values; None where there is no password.
        max_file_bytes: How large a file may be.
        script_timeout_s: Seconds that an inventory script may run.
        max_script_bytes: How much an inventory script may print.
        partial: Whether a source that cannot be read is a warning instead of an error.
        allow_commands: Whether an inventory may run programs that it names: by `lookup('pipe', …)` in a
            template, or by a plugin of Ansible's.
        rules: How Ansible's configuration wants inventories read.
        traced: Whether to remember where everything is set, for `explain`; else that reads the sources again,
            which runs scripts twice and finds pipes empty.
    """

    playbook_dir: str = field(default_factory=os.getcwd)
    playbook_given: bool = False
    vault: Vault | None = None
    max_file_bytes: int = 64 * 1024 * 1024
    script_timeout_s: float = 30.0
    max_script_bytes: int = 64 * 1024 * 1024
    partial: bool = False
    allow_commands: bool = False
    rules: Rules = field(default_factory=Rules)
    traced: bool = False


class BrokenSource(InventoryError):
    """A source that is to be left out. It may have filled half the graph, so the load begins anew without it.

    Args:
        source: The source.
        error: What is wrong with it.
    """

    def __init__(self, source: str, error: InventoryError) -> None:
        super().__init__(
            error.message, path=error.path, line=error.line, column=error.column, text=error.text
        )
        self.source = source
        self.error = error


@dataclass(slots=True)
class Loading:
    """One load in progress.

    Attributes:
        options: How to read.
        graph: What the sources fill.
        warnings: One line for each thing that was read and is doubtful, in order.
        files: The files that have been read as sources, in order.
        located: Whether documents are to know the position of each key.
        left_out: Sources that turned out to be broken, and why.
    """

    options: Options
    graph: Graph = field(default_factory=Graph)
    warnings: dict[str, None] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    located: bool = False
    left_out: dict[str, InventoryError] = field(default_factory=dict)
    _documents: DocumentReader | None = None
    _last: tuple[str, bytes] | None = None

    def warn(self, message: str) -> None:
        """Remember one line for people; the same line counts once, and beyond `MAX_WARNINGS` none."""
        if len(self.warnings) < MAX_WARNINGS:
            self.warnings.setdefault(message)

    def read_source(self, source: str, read: Callable[[str, Loading], None]) -> None:
        """Read one source, unless it is to be left out.

        Raises:
            InventoryError: It cannot be read; `BrokenSource` where such a one is to be left out.
        """
        if source in self.left_out:
            return
        self.files.append(source)
        if len(self.files) > MAX_SOURCES:
            raise InventoryError(f"more than {MAX_SOURCES:,} sources", path=source)
        try:
            read(source, self)
        except BrokenSource:
            raise
        except InventoryError as exc:
            if self.options.partial:
                raise BrokenSource(source, exc) from exc
            raise
        finally:
            self._last = None

    def read_bytes(self, path: str) -> bytes:
        """Read a regular file within the limit, decrypted if it is a vault; once for all formats that ask.

        Raises:
            InventoryError: It cannot be read, is a device, is too large, or cannot be decrypted.
        """
        if path == os.devnull:  # the usual way to say "no inventory"
            return b""
        limit = self.options.max_file_bytes
        if self._last is not None and self._last[0] == path:
            return self._last[1]
        try:
            with open(path, "rb", opener=_open_at_once) as file:
                mode = os.fstat(file.fileno()).st_mode
                if stat.S_ISFIFO(mode) and path.startswith(_OWN_PIPES):
                    content = _piped(file.fileno(), limit, self.options.script_timeout_s)
                elif stat.S_ISREG(mode):
                    content = file.read(limit + 1)
                else:
                    raise InventoryError("not a regular file", path=path)
        except (OSError, ValueError) as exc:
            raise InventoryError(f"cannot be read: {_reason(exc)}", path=path) from exc
        if len(content) > limit:
            raise InventoryError(f"larger than the limit of {limit:,} bytes", path=path)
        if content.startswith(_VAULT_HEADER):
            content = self._decrypted(content, path)
        self._last = (path, content)
        return content

    def _decrypted(self, content: bytes, path: str) -> bytes:
        if self.options.vault is None:
            message = "encrypted, and no vault password was given (--vault-password-file, --ask-vault-pass)"
            raise InventoryError(message, path=path)
        return self.options.vault.decrypt(content.decode("utf-8", "replace"), path)

    def read_text(self, path: str) -> str:
        """Read a text file: UTF-8, with or without a byte order mark.

        Raises:
            InventoryError: As `read_bytes`, or the file is not UTF-8.
        """
        content = self.read_bytes(path)
        try:
            return content.decode("utf-8-sig")
        except UnicodeDecodeError as exc:
            line = content.count(b"\n", 0, exc.start) + 1
            raise InventoryError(f"not UTF-8: byte 0x{content[exc.start]:02x}", path=path, line=line) from exc

    def document(self, text: str, path: str) -> Any:
        """Read a YAML or JSON text.

        Raises:
            NotADocument: It is malformed.
        """
        if self._documents is None:
            from runner.inventory.documents import DocumentReader  # noqa: PLC0415 - loads libyaml

            self._documents = DocumentReader(self.warn)
        return self._documents.read(text, path, located=self.located)

    def variables_file(self, path: str) -> Mapping[str, Any]:
        """Read a file of variables; one that says nothing, false or 0 is an empty one, as in Ansible.

        Raises:
            InventoryError: It cannot be read, or holds something else than a mapping.
        """
        value = self.document(self.read_text(path), path) or {}
        if not isinstance(value, dict):
            kind = "a list" if isinstance(value, list) else "a single value"
            raise InventoryError(
                f"a variables file must be a mapping ('name: value'), found {kind}", path=path
            )
        return value


def _piped(descriptor: int, limit: int, timeout_s: float) -> bytes:
    """Read what a shell's `<(command)` prints, to its end, the limit or the deadline."""
    content = bytearray()
    deadline = time.monotonic() + timeout_s
    while len(content) <= limit:
        ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            raise TimeoutError(errno.ETIMEDOUT, "nothing more came in time")
        if not (chunk := os.read(descriptor, 65536)):
            break
        content += chunk
    return bytes(content)


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: a named pipe would keep the open itself waiting for somebody who writes."""
    return os.open(path, flags | os.O_NONBLOCK)


def _reason(exc: Exception) -> str:
    return exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
