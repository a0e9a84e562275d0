"""Types of inventory values that Python does not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

__all__ = ["Constant", "GivenText", "LocatedDict", "UnsafeText", "VaultText"]


@dataclass(frozen=True, slots=True)
class VaultText:
    """An encrypted value (`!vault`), still encrypted.

    Attributes:
        ciphertext: The text that begins with `$ANSIBLE_VAULT;`.
    """

    ciphertext: str


class UnsafeText(str):
    """A text that is never a template, even with braces in it (`!unsafe`)."""

    __slots__ = ()


class GivenText(str):
    """A text from a source, which may be a template, unlike a text that an expression made."""

    __slots__ = ()


class Constant(Mapping[str, Any]):
    """A mapping that does not change, so that another process can cache the items it has asked for.

    Args:
        items: The items.

    Attributes:
        number: A number that identifies it in this process.
    """

    __slots__ = ("_items", "number")

    _numbers = count(1)

    def __init__(self, items: Mapping[str, Any]) -> None:
        self._items = items
        self.number = next(self._numbers)

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


class LocatedDict(dict[object, object]):
    """A mapping that knows the position of each key in its file.

    Attributes:
        places: 1-based line and column of each key.
    """

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[object, tuple[int, int]] = {}
