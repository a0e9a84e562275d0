"""Build the HTML page of a run: a template, the run's data as JSON, and a strict Content-Security-Policy.

Host output is always handled as data. In the file it is JSON without any character that is special in HTML
(html.spec.whatwg.org, "restrictions for contents of script elements"); in the browser it becomes text nodes.
As a second barrier, the Content-Security-Policy lists the hashes of our own script and style sheet, so that
the browser runs and loads nothing else (w3.org/TR/CSP3).
"""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from runner.report.html.document import document
from runner.report.terminal import visible_line

if TYPE_CHECKING:
    from runner.history import Record

__all__ = ["embedded", "page"]

_HTML_SPECIAL = {ord(char): f"\\u{ord(char):04x}" for char in "<>&"}


def page(record: Record, before: Record | None = None) -> str:
    """Return the HTML page of a run.

    Args:
        record: The run.
        before: An earlier run to compare it with.
    """
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - needed only to make a page
    from markupsafe import Markup  # noqa: PLC0415

    script, style = _asset("page.js"), _asset("page.css")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["line"] = visible_line
    data = document(record, before)
    return environment.from_string(_asset("page.html.j2")).render(
        script=Markup(script),  # noqa: S704 - our own files, in the package
        style=Markup(style),  # noqa: S704
        data=Markup(embedded(data)),  # noqa: S704 - has no character that is special in HTML
        policy=_policy(script, style),
        run=data["run"],
        bars=_bars(data["summary"]),
        total=len(data["hosts"]),
        against=data["changes"]["run"] if data["changes"] else None,
        changes=sum(len(item["hosts"]) for item in data["changes"]["items"]) if data["changes"] else 0,
    )


def embedded(data: Any) -> str:
    """Return data as JSON for a script element: it cannot end the element or begin a comment."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(
        _HTML_SPECIAL
    )


def _asset(name: str) -> str:
    return files("runner.report.html").joinpath(name).read_text("utf-8")


def _policy(script: str, style: str) -> str:
    parts = {
        "default-src": "'none'",
        "script-src": f"'{_hash(script)}'",
        "style-src": f"'{_hash(style)}'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _bars(summary: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the bars of the chart, each with its start `x` and its width, in thousandths."""
    total = sum(item["count"] for item in summary) or 1
    bars, at = [], 0.0
    for item in summary:
        width = 1000 * item["count"] / total
        bars.append({**item, "x": round(at, 2), "width": round(width, 2)})
        at += width
    return bars
