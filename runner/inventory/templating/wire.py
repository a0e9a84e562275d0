"""Values on their way to the process that fills in templates, and back.

Pickles, of plain values only: reading one can make nothing else. A mapping that works its values out when
they are asked for, as `hostvars` does, stays on its side and is asked item by item.
"""

from __future__ import annotations

import datetime as dt
import io
import pickle
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.inventory.values import GivenText, UnsafeText

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
    """A value of a type that no inventory holds."""


_REMEMBERED: dict[tuple[int, Any], list[Any]] = {}
_MOST_REMEMBERED = 200_000


class Remote(Mapping[Any, Any]):
    """A mapping of the other side.

    Args:
        number: Which one; a negative one does not change, so that what it has given is remembered.
        ask: Asks the other side for `item`, `has`, `keys` or `length` of it.
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
        for plain in _PLAIN:  # a subclass, as readers of files make them
            if isinstance(value, plain):
                return plain, (plain(value),)
        raise NotPlainError(f"a {kind.__name__} is no value for a template")


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
            raise pickle.UnpicklingError(f"{module}.{name} is no value") from None


def dumps(value: Any, keep: Callable[[Mapping[Any, Any]], int] | None = None) -> bytes:
    """Return a value as bytes.

    Args:
        value: The value.
        keep: Takes a mapping that stays here, and returns its number; without it there may be none.

    Raises:
        NotPlainError: It holds a value of a type that no inventory has.
    """
    file = io.BytesIO()
    _Pickler(file, keep).dump(value)
    return file.getvalue()


def loads(data: bytes, remote: Callable[[int], Any] | None = None) -> Any:
    """Return the value that bytes stand for.

    Args:
        data: The bytes.
        remote: Makes a mapping of the other side, by its number.
    """
    return _Unpickler(data, remote).load()
