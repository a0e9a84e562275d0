"""Find the line of a file that gives a setting. This reads the file again: use it only for display."""

from __future__ import annotations

import re
from pathlib import Path

from runner.text import reading
from runner.text.origin import Kind, Origin

__all__ = ["located"]

_SECTION = "runner"
_LONGEST = 2**20
"""Maximum number of bytes to search."""


def located(origin: Origin) -> Origin:
    """Return an origin with the line in its file, if that can be known."""
    if origin.path is None or origin.line is not None:
        return origin
    if origin.kind is Kind.ANSIBLE_CFG:
        search = _in_ansible_cfg
    elif origin.kind is Kind.FILE and Path(origin.path).suffix in (".yaml", ".yml", ".json"):
        search = _in_yaml
    else:
        return origin
    try:
        text = reading.beginning(origin.path, _LONGEST).decode()
        return origin._replace(line=search(text, origin.name))
    except (OSError, ValueError):
        return origin


def _in_yaml(text: str, name: str) -> int | None:
    """Return the line of a setting in YAML, or in JSON, which is a subset of YAML."""
    import yaml  # noqa: PLC0415 - needed only to display settings

    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError:
        return None
    line = None
    for wanted in (_SECTION, name):
        pairs = node.value if isinstance(node, yaml.MappingNode) else ()
        found = [(key, value) for key, value in pairs if key.value == wanted]
        if not found:
            return None
        key, node = found[-1]
        line = key.start_mark.line + 1
    return line


def _in_ansible_cfg(text: str, name: str) -> int | None:
    """Return the line of a key in the section `[defaults]`."""
    section, found = "", None
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\[([^]]+)\]", line):
            section = header[1]
        elif section == "defaults" and re.match(rf"{re.escape(name)}\s*[=:]", line, re.IGNORECASE):
            found = number
    return found
