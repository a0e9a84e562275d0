"""Words and numbers that every report has in common."""

from __future__ import annotations

import pytest

from runner.report.words import milliseconds


@pytest.mark.parametrize(
    ("time", "shown"),
    [
        (0.00547, "0.005"),
        (0.0126, "0.013"),
        (0.25, "0.25"),
        (0.5, "0.5"),
        (1.994, "1.99"),
        (12.345, "12.3"),
        (99.96, "100"),
        (123.4, "123"),
        (12345.6, "12346"),
        (0.0, "0"),
    ],
)
def test_round_trips_are_told_as_finely_as_they_can_be_known(time: float, shown: str) -> None:
    assert milliseconds(time) == shown
