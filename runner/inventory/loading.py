"""The state of one load, which every source gets: graph, limits on files, vault, warnings and options."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from runner.errors import InventoryError
from runner.inventory.graph import Graph
from runner.inventory.rules import Rules
from runner.text import owners, reading

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from runner.inventory.parsing.documents import DocumentReader
    from runner.inventory.vault import Vault

__all__ = ["MAX_SOURCES", "MAX_WARNINGS", "BrokenSource", "Loading", "Options"]

MAX_SOURCES = 20_000
"""Maximum number of files in folders of sources: links can make a folder endless."""

MAX_WARNINGS = 1000
"""Maximum number of warnings; no operator reads more."""

_VAULT_HEADER = b"$ANSIBLE_VAULT"


@dataclass(frozen=True, slots=True)
class Options:
    """How to read inventories.

    Attributes:
        playbook_dir: The folder whose `group_vars` and `host_vars` are used as those next to a playbook.
        playbook_given: Whether that folder was given explicitly; else it is the current folder.
        vault: Decrypts encrypted values; None if there is no password.
        max_file_bytes: Maximum size of a file.
        script_timeout_s: Seconds that an inventory script may run.
        max_script_bytes: Maximum size of the output of an inventory script.
        partial: Whether a source that cannot be read gives a warning instead of an error.
        allow_commands: Whether an inventory may run programs that it names: by `lookup('pipe', …)` in a
            template, or by an Ansible plugin.
        rules: How to read inventories according to Ansible's configuration.
        named: Whether the operator named the sources for this run, by a flag or an environment variable. The
            owner rule does not apply to sources named that way.
        told: Called with each warning immediately; None if the caller reads `Inventory.warnings` instead.
        traced: Whether to remember the place of every setting, for `explain`. Without it, `explain` reads the
            sources again, which runs scripts twice and finds pipes empty.
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
    named: bool = True
    traced: bool = False
    told: Callable[[str], None] | None = field(default=None, compare=False)


class BrokenSource(InventoryError):
    """A source to leave out. It may have filled half the graph, so the load starts again without it.

    Args:
        source: The source.
        error: The error that makes it unusable.
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
        sources: The sources that were given.
        graph: The graph that the sources fill.
        warnings: One line for each doubtful thing that was read, in order.
        files: The files that have been read as sources, in order.
        located: Whether documents record the position of each key.
        left_out: The broken sources, each with its error.
    """

    options: Options
    sources: Sequence[str] = ()
    graph: Graph = field(default_factory=Graph)
    warnings: dict[str, None] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    located: bool = False
    left_out: dict[str, InventoryError] = field(default_factory=dict)
    _documents: DocumentReader | None = None
    _last: tuple[str, bytes] | None = None
    _depth: int = 0

    def warn(self, message: str) -> None:
        """Record a warning of one line; ignore a repeated line, and any line beyond `MAX_WARNINGS`."""
        if message in self.warnings or len(self.warnings) >= MAX_WARNINGS:
            return
        self.warnings[message] = None
        if self.options.told is not None:
            self.options.told(message)

    def read_source(self, source: str, read: Callable[[str, Loading], None]) -> None:
        """Read one source, unless it is known to be broken.

        Raises:
            InventoryError: It cannot be read; `BrokenSource` if the load should continue without it.
        """
        if source in self.left_out:
            return
        self.files.append(source)
        if len(self.files) > MAX_SOURCES:
            raise InventoryError(f"more than {MAX_SOURCES:,} sources", path=source)
        self._depth += 1
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
            self._depth -= 1

    def check_program(self, path: str) -> None:
        """Refuse a program that the operator has not named, if another user could have written it.

        Raises:
            InventoryError: The program breaks the owner rule.
        """
        if self.options.named and self._depth <= 1:
            return
        found = owners.fault(path)
        if found is not None:
            raise InventoryError(f"this program is not run: {found}, or name it with -i", path=path)

    def trusted(self, folder: str) -> frozenset[int] | None:
        """Return the users, besides the operator, that may own the variable files in a folder; None for all.

        If the operator gave the folder, or one around it, as a source or as the playbook's folder, every user
        may own the files. Otherwise the owners of the sources may.

        Args:
            folder: The folder, with links resolved.
        """
        chosen = [self.options.playbook_dir] if self.options.playbook_given else []
        chosen += [source for source in self._paths() if os.path.isdir(source)]  # noqa: PTH112
        if any(f"{folder}/".startswith(f"{os.path.realpath(each).rstrip('/')}/") for each in chosen):
            return None
        return frozenset(os.stat(path).st_uid for path in self._paths())  # noqa: PTH116 - texts, as above

    def check_found(self, path: str, trusted: frozenset[int] | None) -> None:
        """Refuse a file that was found next to a source, if another user could have written it.

        Args:
            path: The file, or its folder.
            trusted: The result of `trusted` for the folder.

        Raises:
            InventoryError: The file breaks the owner rule.
        """
        found = None if trusted is None else owners.fault(path, *trusted)
        if found is not None:
            raise InventoryError(f"not used: {found}, or name the folder around it with -i", path=path)

    def _paths(self) -> list[str]:
        """Return the sources that are files or folders, without format names."""
        from runner.inventory.sources import split_format  # noqa: PLC0415 - it imports this module's users

        paths = [path for _, path in map(split_format, self.sources)]
        return [path for path in paths if os.path.exists(path)]  # noqa: PTH110

    def read_bytes(self, path: str) -> bytes:
        """Read a file within the size limit and decrypt a vault; cache the result for the next format.

        Raises:
            InventoryError: It cannot be read, is a device, is too large, or cannot be decrypted.
        """
        if self._last is not None and self._last[0] == path:
            return self._last[1]
        options = self.options
        try:
            content = reading.contents(
                path, options.max_file_bytes, pipes=True, pipe_s=options.script_timeout_s
            )
        except (OSError, ValueError) as exc:
            raise InventoryError(f"cannot be read: {_reason(exc)}", path=path) from exc
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
            from runner.inventory.parsing.documents import DocumentReader  # noqa: PLC0415 - loads libyaml

            self._documents = DocumentReader(self.warn)
        return self._documents.read(text, path, located=self.located)

    def variables_file(self, path: str) -> Mapping[str, Any]:
        """Read a variables file; an empty document, false or 0 counts as no variables, as in Ansible.

        Raises:
            InventoryError: It cannot be read, or is not a mapping.
        """
        value = self.document(self.read_text(path), path) or {}
        if not isinstance(value, dict):
            kind = "a list" if isinstance(value, list) else "a single value"
            raise InventoryError(
                f"a variables file must be a mapping ('name: value'), found {kind}", path=path
            )
        return value


def _reason(exc: Exception) -> str:
    return exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
