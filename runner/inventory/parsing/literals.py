"""Values in Ansible's INI format: Python literals; any other text stays a text."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from runner.errors import InventoryError

__all__ = ["Literals"]


class Literals(dict[str, Any]):
    """Text -> value, evaluated once for each text, except for lists and mappings.

    `5`, `True` and `['a', 'b']` have the values that Python gives them; `true`, `yes`, `007` and `10.0.0.1`
    stay texts. Tuples and sets become lists; bytes, and numbers that JSON cannot express, become texts.
    """

    __slots__ = ()
    # Texts that cannot be literals: a word that begins like a name, and dotted numbers.
    _WORD: ClassVar = re.compile(
        r"(?!True\b|False\b|None\b)(?=[.-]*[A-Za-z_/~])[A-Za-z_/~.-]*+[\w./:@%+-]*+\Z|\d+(?:\.\d+){2,}\Z"
    )

    def __missing__(self, text: str) -> Any:
        if self._WORD.match(text) and text.isascii() and not text.startswith(("-", ".")):
            self[text] = text
            return text
        value = _evaluated(text)
        if not isinstance(value, (list, dict)):
            self[text] = value
        return value


def _evaluated(text: str) -> Any:
    """Return the value of a Python literal, or the text itself if it is not one."""
    import ast  # noqa: PLC0415 - few values need it
    import warnings  # noqa: PLC0415

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            return _plain(ast.literal_eval(text))
    except (ValueError, SyntaxError):
        return text
    except (TypeError, MemoryError, RecursionError) as exc:
        raise InventoryError("a value that Python cannot build; quote it", text=text) from exc


def _plain(value: Any) -> Any:
    """Convert Python types that inventories do not have into the nearest type that they have."""
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value
