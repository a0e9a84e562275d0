"""Mask secrets in the text that a host sends.

Text that a host sends before a command starts appears in error lines, reports and the history, and a server
may repeat the password that it refuses. The output of a command is shown unchanged.

A secret is found as it is, wrapped, with control characters in it, with quotes and backslashes escaped, in
base64, in hexadecimal digits and percent-encoded. A host that knows a password and wants to print it can
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
"""Minimum characters of a secret. A shorter one occurs in too many words and is not masked."""
_LEAST_PART = 4
"""Minimum characters of a partial secret. A shorter part reveals little and occurs in too many words."""
_LEAST_ENCODED = 6

# A break inside a secret: white space or control characters, also as `printable` and `ssh` write them out.
_BREAK = r"(?:[\s\x00-\x1f\x7f]|\\x[0-9a-fA-F]{2}|\\[0-3][0-7]{2}|\\[nrt])(?:\[[0-9;]{0,16}[A-Za-z])?"
_GAP = rf"(?:{_BREAK}){{0,8}}"
_CUT = "…"


def masked(said: bytes, secrets: Iterable[Secret], *, whole: bool = False) -> bytes:
    """Return a host's text with every secret in it replaced.

    Args:
        said: The host's text, without any of our own words.
        secrets: The secrets.
        whole: Whether this is the complete text. If so, a partial secret at either end is replaced, too.
    """
    text = said.decode("latin-1")  # one character per byte: a secret may be broken inside a UTF-8 character
    for secret in _texts(secrets):
        text = _replaced(text, secret, _bytewise)
        text = _ends_replaced(text, _bytewise(secret)) if whole else text
    return text.encode("latin-1")


def masked_text(said: str, secrets: Iterable[Secret]) -> str:
    """Return a host's complete text with every secret in it replaced; see `masked`, with `whole`."""
    for secret in _texts(secrets):
        said = _ends_replaced(_replaced(said, secret, str), secret)
    return said


@contextmanager
def masking(secrets: Iterable[Secret]) -> Iterator[None]:
    """Replace secrets in the message of a `HostError` that leaves the context."""
    try:
        yield
    except HostError as exc:
        text = str(exc)
        for secret in _texts(secrets):
            text = _replaced(text, secret, str)
            # Our messages shorten the host's text, which may cut a secret in two.
            *parts, last = text.split(_CUT)
            text = _CUT.join([*(_end_replaced(part, secret) for part in parts), last])
        exc.args = (text,)
        raise


def _texts(secrets: Iterable[Secret]) -> list[str]:
    """Return the secrets, longest first, because one may be part of another."""
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
    """Return the forms in which a host may write a secret, longest first."""
    data = secret.encode("utf-8", "surrogateescape")
    encoded = {data.hex(), data.hex().upper(), quote(data, safe=""), *_in_base64(data)}
    escaped = {secret.replace("\\", "\\\\"), repr(secret)[1:-1], json.dumps(secret)[1:-1]}
    forms = {secret} | escaped | {text for text in encoded if len(text) >= _LEAST_ENCODED}
    return sorted(forms, key=len, reverse=True)


def _in_base64(data: bytes) -> Iterator[str]:
    """Yield the base64 characters of the data alone, for each offset at which it may begin (RFC 4648)."""
    for before in range(3):
        first, last = -(-before * 4 // 3), (before + len(data)) * 4 // 3
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + data).decode()[first:last]
