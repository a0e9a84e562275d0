"""The documentation is true."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from runner.reach.reasons import Reason

ROOT = Path(__file__).parent.parent


def test_the_page_of_settings_is_that_of_the_code() -> None:
    spec = importlib.util.spec_from_file_location("project_tasks", ROOT / "tasks.py")
    assert spec is not None
    assert spec.loader is not None
    tasks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tasks)
    assert (ROOT / "docs" / "settings.md").read_text("utf-8") == tasks.settings_page(), "run `invoke docs`"


def test_every_link_to_a_file_leads_to_one() -> None:
    pages = [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").rglob("*.md")]
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_ci_runs_the_readmes_test_command() -> None:
    search = re.search(r"command=\$\(grep '(.*)' README\.md\)", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert search is not None
    found = re.findall(search[1], (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(found) == 1


def test_every_reason_that_a_result_can_have_is_on_a_page() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "runner").rglob("*.py")]
    reasons = {reason for source in sources for reason in re.findall(r'reason="([a-z-]+)"', source)}
    pages = "".join(page.read_text("utf-8") for page in (ROOT / "docs").glob("*.md"))
    assert len(reasons) > 30
    assert sorted(reason for reason in reasons | set(Reason) if f"`{reason}`" not in pages) == []


def test_every_promise_of_security_names_tests_that_exist() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    rows = [line.split(" | ") for line in page.splitlines() if line.startswith("| ")]
    promises = [row for row in rows if len(row) == 3 and "test" in row[2] and row[0] != "| promise"]
    assert len(promises) > 30
    tests = "\n".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py"))
    for row in promises:
        for word in re.findall(r"`([^`]+)`", row[2]):
            if word.startswith("tests/"):
                assert (ROOT / word.split(":")[0]).exists(), word
            elif word.startswith("test_"):
                assert f"def {word.rstrip('…')}" in tests, word
        for word in re.findall(r"`(runner/[^`:]+)`", row[1]):
            assert (ROOT / word).exists(), word
