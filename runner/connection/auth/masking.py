"""The words of a host, without the secrets that it was given.

What a host says until a command has begun ends in error lines, reports and the history, and a server may
repeat the password that it refuses. The output of a command is shown as it is.

A secret is found as it is, wrapped, with control characters in it, with quotes and backslashes escaped, in
base64, in hexadecimal digits and percent-encoded. A host that wants to print a password that it knows can
disguise it in other ways.
"""

from __future__ import annotations

import base64
import json
import re
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from runner.errors import HostError
from runner.models import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["masked", "masked_text", "masking"]

_MASK = str(Secret(""))
_SHORTEST = 3
"""Characters. A shorter secret is found in too many words, and is none."""
_LEAST_PART = 4
"""Characters. A shorter part of a secret, where words end, tells little, and is found in too many of them."""
_LEAST_ENCODED = 6

# What a line may be broken by: also as `printable` and `ssh` write out control characters.
_BREAK = r"(?:[\s\x00-\x1f\x7f]|\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2}|\\[nrt])(?:\[[0-9;]{0,16}[A-Za-z])?"
_GAP = rf"(?:{_BREAK}){{0,8}}"
_CUT = "…"


def masked(said: bytes, secrets: Iterable[Secret], *, whole: bool = False) -> bytes:
    """Return what a host has said with every secret in it replaced.

    Args:
        said: The words of the host, and none of ours.
        secrets: The secrets.
        whole: Whether that is all that it says. Then a secret that it begins or ends in the middle of counts.
    """
    text = said.decode("latin-1")  # a character for each byte: a secret may be broken inside of a letter
    for secret in _texts(secrets):
        text = _replaced(text, secret, _bytewise)
        text = _ends_replaced(text, _bytewise(secret)) if whole else text
    return text.encode("latin-1")


def masked_text(said: str, secrets: Iterable[Secret]) -> str:
    """Return all that a host says with every secret in it replaced; see `masked`, with `whole`."""
    for secret in _texts(secrets):
        said = _ends_replaced(_replaced(said, secret, str), secret)
    return said


@contextmanager
def masking(secrets: Iterable[Secret]) -> Iterator[None]:
    """Replace secrets in the message of an error of the host that leaves the context."""
    try:
        yield
    except HostError as exc:
        text = str(exc)
        for secret in _texts(secrets):
            text = _replaced(text, secret, str)
            # Our messages cut off what a host says.
            *parts, last = text.split(_CUT)
            text = _CUT.join([*(_end_replaced(part, secret) for part in parts), last])
        exc.args = (text,)
        raise


def _texts(secrets: Iterable[Secret]) -> list[str]:
    """Return the secrets, the longest first: one may be a part of another."""
    texts = {secret.reveal() for secret in secrets}
    return sorted((text for text in texts if len(text) >= _SHORTEST), key=len, reverse=True)


def _bytewise(text: str) -> str:
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def _replaced(text: str, secret: str, written: Callable[[str], str]) -> str:
    return _pattern(secret, written).sub(_MASK, text)


def _ends_replaced(text: str, secret: str) -> str:
    for length in range(len(secret) - 1, _LEAST_PART - 1, -1):
        if text.startswith(secret[-length:]):
            text = _MASK + text[length:]
            break
    return _end_replaced(text, secret)


def _end_replaced(text: str, secret: str) -> str:
    for length in range(len(secret) - 1, _LEAST_PART - 1, -1):
        if text.endswith(secret[:length]):
            return text[:-length] + _MASK
    return text


@lru_cache(maxsize=1024)
def _pattern(secret: str, written: Callable[[str], str]) -> re.Pattern[str]:
    forms = map(written, _forms(secret))
    return re.compile("|".join(_GAP.join(map(re.escape, form)) for form in forms))


def _forms(secret: str) -> list[str]:
    """Return how a host may write a secret, the longest first."""
    data = secret.encode("utf-8", "surrogateescape")
    encoded = {data.hex(), data.hex().upper(), quote(data, safe=""), *_in_base64(data)}
    escaped = {secret.replace("\\", "\\\\"), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    forms = {secret} | escaped | {text for text in encoded if len(text) >= _LEAST_ENCODED}
    return sorted(forms, key=len, reverse=True)


def _in_base64(data: bytes) -> Iterator[str]:
    """Yield the letters that stand for data alone, wherever among others they begin (RFC 4648)."""
    for before in range(3):
        first, last = -(-before * 4 // 3), (before + len(data)) * 4 // 3
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + data).decode()[first:last]
