"""`--format junit`: a test report as CI systems read it, a test case for each host.

The elements and attributes are those that the JUnit plugin of Jenkins, GitLab and their like understand;
the format has no standard. A failed host is a failure, a skipped host is skipped, and any other status but
ok is an error.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from runner.models import Status
from runner.report.formats.json import value_as_text
from runner.report.formats.whole import WholeReporter
from runner.report.terminal import visible, visible_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runner.models import HostResult, Run
    from runner.results.results import Summary

__all__ = ["JunitReporter"]

# Not allowed in XML 1.0. Control characters and surrogates are not either, but `visible` replaces those.
_NO_CHARACTERS = "\ufffe\uffff"


class JunitReporter(WholeReporter):
    """One document at the end."""

    def finish(self, summary: Summary) -> None:
        """Write the document, host by host."""
        run, attributes = summary.run, _counted(summary)
        suite = ET.Element("testsuite", {"name": _title(run), **attributes})
        suite.set("timestamp", run.started.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"))
        whole = ET.Element("testsuites", {"name": "runner", **attributes})
        self._stream.write('<?xml version="1.0" encoding="UTF-8"?>\n')
        self._stream.write(f"{_opened(whole)}\n  {_opened(suite)}\n")
        for result in summary.results:
            self._stream.write(f"    {_written(_case(run, result))}\n")
        self._stream.write("  </testsuite>\n</testsuites>\n")


def _title(run: Run) -> str:
    return _attribute(" ; ".join(run.commands) or run.task)


def _counted(summary: Summary) -> Mapping[str, str]:
    failed, skipped = (summary.counts.get(status, 0) for status in (Status.FAILED, Status.SKIPPED))
    errors = summary.hosts - summary.counts.get(Status.OK, 0) - failed - skipped
    run = summary.run
    seconds = run.duration_s or 0.0
    return {
        "tests": str(summary.hosts),
        "failures": str(failed),
        "errors": str(errors),
        "skipped": str(skipped),
        "time": f"{seconds:.3f}",
    }


def _case(run: Run, result: HostResult) -> ET.Element:
    case = ET.Element("testcase", name=_attribute(result.host), classname=f"runner.{_attribute(run.task)}")
    case.set("time", f"{result.duration_s:.3f}")
    parsed = [item for item in result.commands if item.parse is not None]
    properties = ET.SubElement(case, "properties") if parsed else case
    for item in parsed:
        value = item.parse if item.parse_error is None else f"{item.parse}: {item.parse_error}"
        ET.SubElement(properties, "property", name=_attribute(item.command), value=_attribute(value or ""))
    if result.status is not Status.OK:
        kinds = {Status.FAILED: "failure", Status.SKIPPED: "skipped"}
        outcome = ET.SubElement(case, kinds.get(result.status, "error"))
        outcome.set("message", _attribute(result.error or str(result.status)))
        if result.status is not Status.SKIPPED:
            kind = f"{result.status}.{result.reason}" if result.reason else str(result.status)
            outcome.set("type", _attribute(kind))
    said = result.stdout if result.value is None else value_as_text(result.value)
    for name, text in (("system-out", said), ("system-err", result.stderr)):
        if text:
            ET.SubElement(case, name).text = _text(text)
    return case


def _opened(element: ET.Element) -> str:
    """Return an element's start tag, so that its children can be written one by one."""
    return _written(element).removesuffix(" />") + ">"


def _written(element: ET.Element) -> str:
    return ET.tostring(element, encoding="unicode")


def _text(text: str) -> str:
    text = visible(text)
    for char in _NO_CHARACTERS:
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text


def _attribute(text: str) -> str:
    return _text(visible_line(text))
