"""What a device, an inventory or an exception says never drives the operator's terminal."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runner.models import CommandResult, HostResult, Phase, Run, Status
from runner.report.terminal import Style, visible, visible_line, visible_lines

from .reporting import shown

ATTACKS = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x9b31m",
    "\x07",
    "\x08",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200b",
    "\ufeff",
    "\u2028",
    "\u00ad",
    "\U000e0041",
    "\ud800",
    "a\rb",
]
FORMATS = ("folded", "text", "table", "json", "jsonl", "csv", "junit", "fping")


def harmless(text: str) -> bool:
    return all(
        char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in text
    )


@given(st.text())
def test_text_made_visible_holds_nothing_that_a_terminal_acts_on(text: str) -> None:
    assert harmless(visible(text))
    assert harmless(visible_line(text))
    assert harmless("\n".join(visible_lines(text.encode("utf-8", "surrogatepass"))))
    assert "\n" not in visible_line(text)
    assert "\t" not in visible_line(text)


@given(st.text(st.characters(categories=["L", "N", "P", "S"])))
def test_text_that_anybody_may_read_is_left_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize("attack", ATTACKS)
def test_each_way_to_drive_a_terminal_is_shown_as_a_mark(attack: str) -> None:
    assert harmless(visible(attack))
    assert "\\" in visible(attack)


def test_the_line_ends_of_network_gear_are_line_ends() -> None:
    assert visible("a\r\nb\r\n") == "a\nb\n"
    assert list(visible_lines(b"a\r\r\nb\r\r\n\r\r\n")) == ["a", "b"]
    assert visible("a\rb") == "a\\rb"


def test_a_style_without_colour_adds_nothing() -> None:
    assert Style(colour=False).bad("x") == "x"
    assert Style(colour=True).bad("x") == "\x1b[31mx\x1b[0m"


def hostile(field: str, attack: str) -> HostResult:
    """Return a result that has the attack in one of its fields, and nowhere else."""
    values: dict[str, Any] = {"host": "h", "status": Status.FAILED, "phase": Phase.COMMAND}
    texts = dict.fromkeys(("command", "signal", "refused"), "x")
    streams = {"stdout_bytes": b"", "stderr_bytes": b""}
    if field in texts:
        texts[field] = attack
    elif field in streams:
        streams[field] = attack.encode("utf-8", "surrogatepass")
    else:
        values[field] = attack
    command = CommandResult(texts["command"], 1, signal=texts["signal"], refused=texts["refused"], **streams)
    return HostResult(**values, commands=(command, command))


FIELDS = (
    "host",
    "address",
    "method",
    "reason",
    "error",
    "value",
    "command",
    "signal",
    "refused",
    "stdout_bytes",
    "stderr_bytes",
)


@pytest.mark.parametrize("task", ["run", "ping"])
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("field", FIELDS)
def test_no_field_of_a_result_reaches_the_terminal_raw_in_any_format(
    field: str, name: str, task: str
) -> None:
    attack = "=".join(["", *ATTACKS])
    for status, prefix in ((Status.OK, False), (Status.FAILED, False), (Status.FAILED, True)):
        result = hostile(field, attack)._replace(status=status)
        run = Run("id", task, datetime.now(UTC), (attack,), attack, (attack,), "thread", 1)
        text = shown(name, [result], run=run, verbose=True, prefix=prefix)
        assert harmless(text), (field, text)
