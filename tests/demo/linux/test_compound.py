"""Compound commands and command substitution that are not well formed, or not known."""

from __future__ import annotations

import pytest

from runner.demo.linux.compound import extracted, nodes
from runner.demo.linux.shell import SyntaxFault, parse


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fi", '"fi" unexpected'),
        ("if true; else ls; fi", '"else" unexpected'),
        ("if true; then ls", 'expecting "fi"'),
        ("while true; ls", 'expecting "do"'),
        ("while true; do ls; fi", '"fi" unexpected'),
    ],
)
def test_a_compound_command_needs_all_its_words(line: str, message: str) -> None:
    with pytest.raises(SyntaxFault, match=message):
        nodes([[step] for step in parse(line)])


@pytest.mark.parametrize(
    ("line", "message"),
    [("echo $((1 + 1))", "does not know"), ("echo $(ls", "unterminated"), ('echo "$(ls"', "unterminated")],
)
def test_a_substitution_that_is_not_known_is_refused(line: str, message: str) -> None:
    with pytest.raises(SyntaxFault, match=message):
        extracted(line, {})


def test_a_substitution_becomes_a_variable_and_keeps_what_is_quoted() -> None:
    commands: dict[str, str] = {}
    line = extracted('echo \'$(a)\' \\$(b) "$(c "$(d)")"'.replace("\\$(b)", "x"), commands)

    assert line == "echo '$(a)' x \"${__command0}\""
    assert commands == {"__command0": 'c "$(d)"'}
