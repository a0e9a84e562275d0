"""Values that an inventory may hold and Python has no type of its own for."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GivenText", "LocatedDict", "UnsafeText", "VaultText"]


@dataclass(frozen=True, slots=True)
class VaultText:
    """An encrypted value (`!vault`), still encrypted.

    Attributes:
        ciphertext: The text that begins with `$ANSIBLE_VAULT;`.
    """

    ciphertext: str


class UnsafeText(str):
    """A text that is never a template, whatever braces it holds (`!unsafe`)."""

    __slots__ = ()


class GivenText(str):
    """A text as a source wrote it, which may be a template; a text that an expression made is not one."""

    __slots__ = ()


class LocatedDict(dict[object, object]):
    """A mapping that knows where in its file each key stands.

    Attributes:
        places: 1-based line and column of each key.
    """

    __slots__ = ("places",)

    def __init__(self) -> None:
        super().__init__()
        self.places: dict[object, tuple[int, int]] = {}
