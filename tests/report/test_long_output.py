"""Output of any kind and size is made visible in linear time and in little memory."""

from __future__ import annotations

import io
import json
import random
import time
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from runner import report
from runner.models import CommandResult, HostResult, Run, Status
from runner.report import terminal
from runner.report.formats import json as json_report
from runner.report.formats.text import TextReporter
from runner.report.terminal import Part, visible, visible_lines
from runner.results.results import Summary, count
from runner.text import printable, translation
from runner.text.translation import decoded

if TYPE_CHECKING:
    from collections.abc import Callable

_SIZE = 4 * 2**20
KINDS = {
    "escape": b"\x1b" * _SIZE,
    "nul": b"\0" * _SIZE,
    "mixed": b"a\x1b" * (_SIZE // 2),
    "newlines": b" \n" * (_SIZE // 2),
    "bells": b"\a\n" * (_SIZE // 2),
    "returns": b"\r\n" * (_SIZE // 2),
    "unprintable": "漢\u200b".encode() * (_SIZE // 6),
    "binary": random.Random(1).randbytes(_SIZE),
}
FORMATS = ("folded", "text", "json", "jsonl", "table", "csv", "junit")


class _Counting(io.TextIOBase):
    """A stream that counts what it is given."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, text: str) -> int:
        self.size += len(text)
        return len(text)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_format_shows_any_output_at_little_cost(name: str, kind: str) -> None:
    run = Run("id", "run", datetime.now(UTC), ("show",))
    result = HostResult("r1", Status.OK, commands=(CommandResult("show", 0, KINDS[kind]),), sent=True)
    reporter = report.create(name, _Counting(), report.ReportOptions())
    began = time.thread_time()
    reporter.start(run)
    reporter.result(result)
    reporter.finish(Summary(run, count([result]), [result]))
    assert time.thread_time() - began < 8  # a call of Python for each character takes longer


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["escape", "binary"])
@pytest.mark.parametrize("name", ["folded", "text", "json", "jsonl"])
def test_a_long_line_is_not_in_memory_as_a_whole_when_it_is_shown(name: str, kind: str) -> None:
    run = Run("id", "run", datetime.now(UTC), ("show",))
    result = HostResult("r1", Status.OK, commands=(CommandResult("show", 0, KINDS[kind]),), sent=True)
    stream = _Counting()
    reporter = report.create(name, stream, report.ReportOptions())
    tracemalloc.start()
    reporter.result(result)
    reporter.finish(Summary(run, count([result]), [result]))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert stream.size > 2 * _SIZE
    assert most < 4 * _SIZE


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_json_in_pieces_is_the_same_document(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(translation, "_PIECE", 7)
    monkeypatch.setattr(json_report, "_TRIPLETS", 6)
    run = Run("id", "run", datetime.now(UTC), ("show",))
    generator = random.Random(3)
    for _ in range(300):
        said = [_random_bytes(generator) for _ in range(4)]
        commands = (CommandResult("show", 0, *said[:2]), CommandResult("x", 1, *said[2:], signal="KILL"))
        result = HostResult("r1", Status.FAILED, commands=commands, value=float("inf"))
        shown = []
        for much in (0, 2**30):
            monkeypatch.setattr(json_report, "_MUCH", much)
            stream = io.StringIO()
            reporter = report.create(name, stream, report.ReportOptions())
            reporter.start(run)
            reporter.result(result)
            reporter.finish(Summary(run, count([result]), [result]))
            shown.append([json.loads(each) for each in _documents(stream.getvalue(), name)])
        assert shown[0] == shown[1]


def _documents(text: str, name: str) -> list[str]:
    return text.splitlines() if name == "jsonl" else [text]


def _random_bytes(generator: random.Random) -> bytes:
    if generator.random() < 0.5:
        return generator.randbytes(generator.randrange(200)).replace(b"\r", b"")
    return "".join(generator.choice("aé漢😀\x1b\n \u200b") for _ in range(generator.randrange(200))).encode()


def test_a_long_line_in_parts_is_the_same_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "_BLOCK", 20)
    generator = random.Random(7)
    for _ in range(3000):
        data = _random_bytes(generator).strip(b"\n") or b"x"
        shown = "".join(line if isinstance(line, Part) else f"{line}\n" for line in visible_lines(data))
        assert shown == "".join(f"{visible(decoded(line))}\n" for line in data.split(b"\n"))


@pytest.mark.parametrize("options", [{}, {"prefix": True}])
def test_a_report_is_the_same_however_it_is_cut(
    options: dict[str, bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = random.Random(5)
    for _ in range(300):
        commands = (CommandResult("show", 0, _random_bytes(generator), _random_bytes(generator)),) * 2
        shown = []
        for block in (20, 2**30):
            monkeypatch.setattr(terminal, "_BLOCK", block)
            stream = io.StringIO()
            reporter = TextReporter(stream, report.ReportOptions(**options))
            reporter.result(HostResult("r1", Status.OK, commands=commands))
            shown.append([line.rstrip() for line in stream.getvalue().split("\n")])
        assert shown[0] == shown[1]


@pytest.mark.slow
@pytest.mark.parametrize("work", [printable, visible, lambda text: decoded(text.encode("utf-8", "replace"))])
def test_text_is_translated_in_linear_time(work: Callable[[str], str]) -> None:
    began = time.thread_time()
    work("\x1b\u200b\U000e0041a" * (_SIZE // 4))
    assert time.thread_time() - began < 8


def test_bytes_are_decoded_as_python_does_it() -> None:
    generator = random.Random(3)
    for _ in range(3000):
        data = _random_bytes(generator)
        assert decoded(data) == data.decode("utf-8", "backslashreplace")
    assert decoded(b"a\xed\xa0\x80b\xff") == b"a\xed\xa0\x80b\xff".decode("utf-8", "backslashreplace")
