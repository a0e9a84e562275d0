"""Notice that a device ignored the command of an exec request: it showed a prompt or a banner instead."""

from __future__ import annotations

import re

from runner.platforms.questions import is_pager, question

__all__ = ["ignored"]

_ESCAPES = re.compile(rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|[0-Z\\^-~])")
_PROMPT = re.compile(r"[\[<(*!~]{0,3}[^\s#>$\])]{1,64}[\])]?(?:[ (\[][^\n]{0,60})?[#>$] ?\Z")
_BANNER = re.compile(
    r"welcome to\b|last login\b|(?:un)?authori[sz]ed (?:access|users?)\b|copyright \(c\)|\w+ [\w.]+ ready\.",
    re.IGNORECASE,
)
_ABOUT_BANNERS = re.compile(r"banner|motd|login|version|copyright", re.IGNORECASE)
_BEGINNING = 5


def ignored(command: str, output: bytes) -> str | None:
    """Return the line that shows that a device ignored the command of an exec request; None if it did not.

    Args:
        command: The command.
        output: The output of the device: all of it, or its beginning and its end.
    """
    shown = _ESCAPES.sub(b"", output)
    lines = shown.decode("utf-8", "replace").splitlines()
    if not lines:
        return None
    last = lines[-1]
    if not shown.endswith(b"\n") and (_PROMPT.match(last) or is_pager(last) or question(last)):
        return last.strip()
    if len(lines) == 1 and _PROMPT.match(last):
        return last.strip()
    if _ABOUT_BANNERS.search(command):
        return None
    beginning = [line.strip(" \t*#=-|") for line in lines if line.strip(" \t*#=-|")][:_BEGINNING]
    return next((line for line in beginning if _BANNER.match(line)), None)
