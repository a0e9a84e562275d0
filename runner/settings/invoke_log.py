"""Hide secrets in Invoke's log messages.

At debug level (`-d`) Invoke logs every file and variable that it reads, passwords included.
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
    """Hide our secrets in everything that Invoke logs from now on."""
    logging.getLogger("invoke").addFilter(_hidden)  # logging adds the same filter only once


def _hidden(record: logging.LogRecord) -> bool:
    message = record.getMessage()
    if "'runner'" in message:
        record.msg, record.args = _SECRET.sub(r"\1'********'", message), ()
    return True
