"""Build this project with hatchling, on a Python that can run it.

pip reads `requires-python` only after it has chosen versions for the dependencies of an extra; on an older
Python it never finishes choosing. It imports this module before that.
"""

import re
import sys
from pathlib import Path

PROJECT = Path("pyproject.toml").read_text("utf-8")
REQUIRED = tuple(map(int, re.findall(r'^requires-python = ">=(\d+)\.(\d+)"', PROJECT, re.MULTILINE)[0]))

if sys.version_info < REQUIRED:
    sys.exit(
        "runner needs Python {}.{} or newer, this is {}.{}. Remove the environment (rm -r .venv) and make it"
        " with a newer Python.".format(*REQUIRED, *sys.version_info)
    )

from hatchling.build import *  # noqa: E402, F403 - the functions that pip calls
