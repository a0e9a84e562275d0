"""Inventories written as text: many small trees of files in one readable file.

A line `### TITLE` begins a case, `> SOURCE …` names its sources (default: its first file), `--- PATH` begins
a file, `--- PATH x` an executable one. A file's text ends where the next line of these kinds begins.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["Case", "read_cases"]


@dataclass
class Case:
    title: str
    sources: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    executable: set[str] = field(default_factory=set)

    def write(self, folder: Path) -> list[str]:
        """Make the files and return the sources."""
        for path, text in self.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path.endswith("/"):
                target.mkdir(exist_ok=True)
                continue
            target.write_text(text, encoding="utf-8", newline="")
            if path in self.executable:
                target.chmod(0o755)
        return self.sources or [next(iter(self.files))]


def read_cases(path: Path) -> list[Case]:
    """Read every case of a file."""
    cases: list[Case] = []
    current = ""
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("### "):
            cases.append(Case(line[4:].strip()))
            current = ""
        elif line.startswith("> ") and not current:
            cases[-1].sources += line[2:].split()
        elif line.startswith("--- ") and len(line.split()) <= 3:
            current, *flags = line[4:].split()
            cases[-1].files[current] = ""
            if flags:
                cases[-1].executable.add(current)
        elif current:
            cases[-1].files[current] += line + "\n"
    for case in cases:
        case.files = {name: text.rstrip("\n") + "\n" for name, text in case.files.items()}
    return cases
