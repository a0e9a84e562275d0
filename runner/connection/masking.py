"""The words of a host, without the secrets that it was given.

What a host says until a command has begun ends in error lines, reports and the history, and a server may
repeat the password that it refuses. The output of a command is shown as it is.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from runner.errors import HostError
from runner.models import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["masked", "masking"]

_MASK = str(Secret(""))
_SHORTEST = 3
"""Characters. A shorter secret is found in too many words, and is none."""


def masked(said: bytes, secrets: Iterable[Secret]) -> bytes:
    """Return what a host has said with every secret in it replaced."""
    for text in _texts(secrets):
        said = said.replace(text.encode("utf-8", "surrogateescape"), _MASK.encode())
    return said


@contextmanager
def masking(secrets: Iterable[Secret]) -> Iterator[None]:
    """Replace secrets in the message of an error of the host that leaves the context."""
    try:
        yield
    except HostError as exc:
        text = str(exc)
        for secret in _texts(secrets):
            text = text.replace(secret, _MASK)
        exc.args = (text,)
        raise


def _texts(secrets: Iterable[Secret]) -> list[str]:
    """Return the secrets, the longest first: one may be a part of another."""
    texts = {secret.reveal() for secret in secrets}
    return sorted((text for text in texts if len(text) >= _SHORTEST), key=len, reverse=True)
