"""What Invoke logs of its configuration, without the secrets in it.

At its debug level (`-d`) Invoke writes out every file and variable that it reads, passwords included.
"""

from __future__ import annotations

import logging
import re

from runner.environment import SECRET_SETTINGS

__all__ = ["hide_secrets"]

_NAMES = "|".join(SECRET_SETTINGS)
_VALUE = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|\[[^\]]*\]|[^,}]+"
_SECRET = re.compile(rf"('(?:{_NAMES})': )(?:{_VALUE})")


def hide_secrets() -> None:
    """Keep secrets of ours out of what Invoke logs from now on."""
    logging.getLogger("invoke").addFilter(_hidden)  # the same filter is added once


def _hidden(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    if "'runner'" in message:
        record.msg, record.args = _SECRET.sub(r"\1'********'", message), ()
    return True
