"""Parse output with TextFSM templates (https://github.com/google/textfsm)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import textfsm
from textfsm import clitable

from runner.devices.outcome import ROWS, Parsed, first_line

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["parsed"]

_STOPPED = re.compile(r"Input Line: (.*)\.\Z", re.DOTALL)
"""The end of TextFSM's message about a line that leads to the state `Error`."""


def parsed(folder: Path, template: str, text: str) -> Parsed:
    """Return the rows of an output, as `ntc_templates.parse.parse_output` returns them.

    Args:
        folder: The folder of the template.
        template: The name of its file; several, joined by `:`, make one table by their keys.
        text: The output.
    """
    if ":" in template:
        return _merged(folder, template, text)
    machine = _machine(folder / template)
    machine.Reset()
    machine.fits = False
    try:
        found = machine.ParseText(text)
    except textfsm.TextFSMError:
        return Parsed.misfit(machine.line)
    if not found and not machine.fits and text.strip():
        return Parsed.misfit(first_line(text))
    names = [name.lower() for name in machine.header]
    return Parsed(ROWS, [dict(zip(names, map(_plain, row), strict=True)) for row in found])


class _Machine(textfsm.TextFSM):  # type: ignore[misc]  # the package has no types
    """A template that remembers the line it is at, and whether any line has fitted so far."""

    line = ""
    fits = False

    def _CheckLine(self, line: str) -> None:  # noqa: N802 - TextFSM's name
        self.line = line
        super()._CheckLine(line)

    def _CheckRule(self, rule: Any, line: str) -> Any:  # noqa: N802 - TextFSM's name
        matched = super()._CheckRule(rule, line)
        if matched and not self.fits and line.strip():
            self.fits = True
        return matched


@lru_cache(maxsize=64)
def _machine(path: Path) -> _Machine:
    with path.open(encoding="utf-8") as file:
        return _Machine(file)


def _merged(folder: Path, templates: str, text: str) -> Parsed:
    table = clitable.CliTable(None, str(folder))
    try:
        table.ParseCmd(text, templates=templates)
    except textfsm.TextFSMError as exc:
        stopped = _STOPPED.search(str(exc))
        return Parsed.misfit(stopped.group(1) if stopped else first_line(text))
    names = [name.lower() for name in table.header]
    return Parsed(ROWS, [dict(zip(names, list(row), strict=True)) for row in table])


def _plain(value: Any) -> Any:
    """Return a value as a table of TextFSM has it: texts and lists of texts."""
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else str(value)
