"""Output modifiers, as `show … | …` has them."""

from __future__ import annotations

import pytest

from runner.demo.cli.grammar import Fault, Refusal
from runner.demo.cli.modifiers import apply

TEXT = "interface one\n description up\n ip address\ninterface two\n shutdown\nline vty\n"


@pytest.mark.parametrize(
    ("modifier", "expected"),
    [
        (" include ^ ip|shut", " ip address\n shutdown\n"),
        (" inc interface", "interface one\ninterface two\n"),
        ("exclude ^ ", "interface one\ninterface two\nline vty\n"),
        (" begin two", "interface two\n shutdown\nline vty\n"),
        (" begin nothing", ""),
        (" section interface two", "interface two\n shutdown\n"),
        (" sec interface", "interface one\n description up\n ip address\ninterface two\n shutdown\n"),
        (" section vty", "line vty\n"),
        (" count interface", "Number of lines which match regexp = 2\n"),
    ],
)
def test_a_modifier_keeps_the_lines_that_it_says(modifier: str, expected: str) -> None:
    assert apply(TEXT, modifier, 0) == expected


@pytest.mark.parametrize(
    ("modifier", "fault", "column"),
    [
        (" grep x", Fault.INVALID, 11),
        ("", Fault.INCOMPLETE, 10),
        (" include", Fault.INCOMPLETE, 18),
        (" include (", Fault.INVALID, 19),
    ],
)
def test_a_modifier_that_means_nothing_is_refused_where_it_goes_wrong(
    modifier: str, fault: Fault, column: int
) -> None:
    with pytest.raises(Refusal) as caught:
        apply(TEXT, modifier, 10)
    assert (caught.value.fault, caught.value.column) == (fault, column)
