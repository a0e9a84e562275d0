"""The Enter key of platforms."""

from __future__ import annotations

import pytest

from runner.platforms import platform
from runner.platforms.table import PLATFORMS, others
from runner.platforms.terminals import _CARRIAGE_RETURN, enter


@pytest.mark.parametrize(("name", "key"), [("ios", "\n"), ("brocade_fos", "\r"), ("routeros", "\r")])
def test_the_enter_key_is_that_of_the_platform(name: str, key: str) -> None:
    assert enter(platform(name)) == key


def test_an_unknown_platform_has_the_usual_key() -> None:
    assert enter(None) == "\n"


def test_every_name_is_that_of_a_platform() -> None:
    names = {each.name for each in (*PLATFORMS, *others())}
    assert names >= _CARRIAGE_RETURN
