"""Record which settings a run reads, field by field."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from runner.connection.command.become import Become
from runner.connection.options import ConnectionOptions
from runner.fanout import FanoutOptions
from runner.reach import ReachOptions
from runner.settings import Settings, settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

# The settings from which a field of options is computed, unless both have the same name.
_MADE_OF: dict[type, dict[str, str]] = {
    Settings: {},
    ConnectionOptions: {field: name for name, field in settings._FIELDS.items()},
    Become: {"method": "become_method", "user": "become_user", "password": "become_password"},
    ReachOptions: {"timeout_s": "ping_timeout", "tries": "ping_tries", "total_s": "timeout_total"},
    FanoutOptions: {
        "executor_settings": "scheduler start_method",
        "batches": "serial",
        "ping": "no_ping",
        "order": "order shuffle",
        "total_s": "timeout_total",
    },
}
_COPYING = (dataclasses.__file__, settings.__file__, "<string>")
"""Code that only copies settings: `replace`, `connection_options()` and the like, generated methods."""


@contextmanager
def reading() -> Iterator[dict[str, set[str]]]:
    """Yield a mapping that records each setting that is read in the context, with the code that reads it."""
    found: dict[str, set[str]] = {}
    with pytest.MonkeyPatch.context() as patch:
        for kind, made_of in _MADE_OF.items():
            patch.setattr(kind, "__getattribute__", _noting(kind, made_of, found))
        yield found


def _noting(kind: type, made_of: dict[str, str], found: dict[str, set[str]]) -> Any:
    fields = {item.name for item in dataclasses.fields(kind)}
    names = {field: made_of.get(field, field).split() for field in fields}

    def noting(self: object, attribute: str) -> Any:
        if attribute in fields:
            caller = sys._getframe(1)
            if not caller.f_code.co_filename.endswith(_COPYING):
                for name in names[attribute]:
                    found.setdefault(name, set()).add(_place(caller))
        return object.__getattribute__(self, attribute)

    return noting


def _place(frame: FrameType) -> str:
    return f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}"
