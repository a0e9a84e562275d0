"""Named credentials; a small module, so that reading the settings does not load the connection code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runner.models import Secret

__all__ = ["Named"]


@dataclass(frozen=True, slots=True)
class Named:
    """One credential, as the user, the settings or the inventory named it.

    Attributes:
        name: Its name in messages: `password`, `runner.credentials 2`.
        user: The user who logs in with it; None means the usual login name.
        password: The password, if it is one.
        key_file: Path of the private key, if it is one.
        key_text: The private key itself, if it is one.
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
