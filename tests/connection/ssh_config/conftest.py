"""The home folder that `ssh` has: that of the account, whatever HOME says."""

from __future__ import annotations

import os
import pwd

import pytest


@pytest.fixture(autouse=True)
def _home_of_the_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", pwd.getpwuid(os.getuid()).pw_dir)
