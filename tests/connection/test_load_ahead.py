"""The modules of the connections are loaded during the pings; tested in a new interpreter."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from runner.connection import load_ahead
from runner.models import Host
before = "runner.connection.ssh" in sys.modules
load_ahead([Host("h", {variables})]).join(30)
print(before, "runner.connection.ssh" in sys.modules)
"""


@pytest.mark.parametrize(
    ("variables", "loaded"),
    [
        ({}, "True"),
        ({"ansible_connection": "paramiko"}, "True"),
        ({"ansible_connection": "local"}, "False"),
        ({"ansible_connection": "carrier pigeon"}, "False"),
    ],
)
def test_only_what_the_hosts_connections_need_is_loaded(variables: dict[str, str], loaded: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM.replace("{variables}", repr(variables))],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert said.stdout.split() == ["False", loaded]
