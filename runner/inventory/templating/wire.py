"""Serialise values for the process that fills in templates, and for the way back.

Values are pickled, but unpickling can create only plain values. A mapping that computes its values on demand,
such as `hostvars`, stays in its process; the other process asks for its items one by one.
"""

from __future__ import annotations

import datetime as dt
import io
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.inventory.parsing.values import GivenText, UnsafeText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["NotPlainError", "Remote", "dumps", "loads"]

_CLASSES: dict[tuple[str, str], Any] = {
    (item.__module__, item.__qualname__): item
    for item in (
        *(str, int, float, complex, bytes, bytearray, list, dict, tuple, set, frozenset),
        *(dt.date, dt.datetime, dt.time, dt.timedelta, dt.timezone),
        *(GivenText, UnsafeText),
    )
}
_PLAIN: tuple[Any, ...] = (str, int, float, bytes, list, dict)


class NotPlainError(TypeError):
    """A value has a type that no inventory holds."""


_REMEMBERED: dict[tuple[int, Any], list[Any]] = {}
_MOST_REMEMBERED = 200_000


class Remote(Mapping[Any, Any]):
    """A mapping in the other process.

    Args:
        number: The number of the mapping; one with a negative number does not change, so its items are
            cached.
        ask: Asks the other process for `item`, `has`, `keys` or `length` of the mapping.
    """

    def __init__(self, number: int, ask: Callable[[str, int, Any], Any]) -> None:
        self._number = number
        self._ask = ask

    def __getitem__(self, key: Any) -> Any:
        if self._number >= 0:
            return self._ask("item", self._number, key)
        place = (self._number, key)
        if place not in _REMEMBERED:
            item = self._ask("item", self._number, key)
            if sum(map(len, _REMEMBERED.values())) + len(item) > _MOST_REMEMBERED:
                _REMEMBERED.clear()
            _REMEMBERED[place] = item
        return _REMEMBERED[place]

    def __contains__(self, key: object) -> bool:
        return bool(self._ask("has", self._number, key))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._ask("keys", self._number, None))

    def __len__(self) -> int:
        return int(self._ask("length", self._number, None))


class _Pickler(pickle.Pickler):
    def __init__(self, file: io.BytesIO, keep: Callable[[Mapping[Any, Any]], int] | None) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._keep = keep

    def reducer_override(self, value: Any) -> Any:
        kind = type(value)
        if kind in _CLASSES.values() or isinstance(value, type):
            return NotImplemented
        if isinstance(value, Mapping) and not isinstance(value, dict) and self._keep is not None:
            return Remote, (self._keep(value),)
        for plain in _PLAIN:  # a subclass, such as the file readers create
            if isinstance(value, plain):
                return plain, (plain(value),)
        raise NotPlainError(f"a {kind.__name__} is not a value for a template")


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, remote: Callable[[int], Any] | None) -> None:
        super().__init__(io.BytesIO(data))
        self._remote = remote

    def find_class(self, module: str, name: str) -> Any:
        if name == "Remote" and self._remote is not None:
            return self._remote
        try:
            return _CLASSES[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"{module}.{name} is not a value") from None


def dumps(value: Any, keep: Callable[[Mapping[Any, Any]], int] | None = None) -> bytes:
    """Serialise a value.

    Args:
        value: The value.
        keep: Stores a mapping that stays in this process, and returns its number; without it, such a mapping
            is an error.

    Raises:
        NotPlainError: It holds a value of a type that no inventory has.
    """
    file = io.BytesIO()
    _Pickler(file, keep).dump(value)
    return file.getvalue()


def loads(data: bytes, remote: Callable[[int], Any] | None = None) -> Any:
    """Deserialise a value.

    Args:
        data: The bytes.
        remote: Creates the mapping of the other process with a number.
    """
    return _Unpickler(data, remote).load()
