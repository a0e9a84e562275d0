"""What one may log in with, as it was named; light, because settings are read without what connects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.models import Secret

__all__ = ["Named"]


@dataclass(frozen=True, slots=True)
class Named:
    """One thing to log in with, as the user, the settings or the inventory named it.

    Attributes:
        name: What it is called in messages: `password`, `runner.credentials 2`.
        user: Who logs in with it; None is who logs in anyway.
        password: The password, where it is one.
        key_file: Path of the private key, where it is one.
        key_text: The private key itself, where it is one.
    """

    name: str
    user: str | None = None
    password: Secret | None = None
    key_file: str | None = None
    key_text: Secret | None = None

    @property
    def is_key(self) -> bool:
        """Whether it is a private key."""
        return self.key_file is not None or self.key_text is not None
