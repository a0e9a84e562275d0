"""Fill in templates that only name variables without Jinja: they can neither take long nor grow large.

`{{ net }}.{{ site.octet }}`, `{{ hosts[0] }}` and `{{ mgmt | default(inventory_hostname) }}` are such
templates, and so are most templates for addresses.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from runner.inventory.parsing.bounds import MAX_RESULT, FilterError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Reference", "Unclear", "filled", "parts"]

_REFERENCE = re.compile(
    r"""\{\{[ \t]*+([A-Za-z_][A-Za-z0-9_]*+)((?:\.[A-Za-z][A-Za-z0-9_]*+|\['[^'\\{}]*+'\]|\["[^"\\{}]*+"\]"""
    r"""|\[[0-9]{1,9}\])*+)[ \t]*+(?:\|[ \t]*+(?:default|d)\([ \t]*+"""
    r"""(?:([A-Za-z_][A-Za-z0-9_]*+)|'([^'\\{}]*+)'|"([^"\\{}]*+)")[ \t]*+\)[ \t]*+)?\}\}"""
)
_STEP = re.compile(r"""\.(\w++)|\['([^']*+)'\]|\["([^"]*+)"\]|\[([0-9]++)\]""")
_BEGIN = re.compile(r"\{[{%#]")
# Words that Jinja does not read as variables.
_LITERALS = {"true", "false", "none", "True", "False", "None"}
_OPERATORS = {"and", "or", "not", "in", "is", "if", "else", "elif", "import", "recursive"}
_WORDS = _LITERALS | _OPERATORS | {"loop", "lookup", "omit", "query", "q", "range", "self", "super", "undef"}
_SCALARS = (str, int, float, bool, type(None))


class Unclear(Exception):
    """Only Jinja can evaluate a reference: a method, a missing attribute, a list in a text."""


class Reference(NamedTuple):
    """One `{{ name.key['key'][0] }}` or `{{ name | default(other) }}`.

    Attributes:
        name: The name.
        steps: The keys and item numbers after the name, each with whether it was written with a dot.
        other: The name whose value is used if the first name does not exist.
        default: The text to use if the first name does not exist.
    """

    name: str
    steps: tuple[tuple[str | int, bool], ...] = ()
    other: str | None = None
    default: str | None = None

    def value(self, lookup: Callable[[str], Any]) -> Any:
        """Return the value of the reference.

        Raises:
            KeyError: The name does not exist.
            Unclear: A step does not lead to an existing item.
        """
        if self.other is not None or self.default is not None:
            return self._or_default(lookup)
        value = lookup(self.name)
        for step, dotted in self.steps:
            if isinstance(step, int) and isinstance(value, list) and step < len(value):
                value = value[step]
            elif (
                not isinstance(value, Mapping) or step not in value or (dotted and hasattr(value, str(step)))
            ):
                raise Unclear
            else:
                value = value[step]
        return value

    def _or_default(self, lookup: Callable[[str], Any]) -> Any:
        """Look up both names, as Jinja does, and return the value of the first one that exists."""
        default: Any = self.default
        if self.other is not None:
            try:
                default = lookup(self.other)
            except KeyError:
                default = Unclear
        try:
            return lookup(self.name)
        except KeyError:
            if default is Unclear:
                raise Unclear from None
            return default


@lru_cache(maxsize=4096)
def parts(text: str) -> tuple[str | Reference, ...] | None:
    """Split a template into texts and references; None if it holds anything else."""
    if "\r" in text or text.endswith("\n"):  # Jinja normalises or drops these line breaks
        return None
    found: list[str | Reference] = []
    end = 0
    while begin := _BEGIN.search(text, end):
        reference = _REFERENCE.match(text, begin.start())
        if reference is None or not _WORDS.isdisjoint((reference[1], reference[3])):
            return None
        name, steps, other, *texts = reference.groups()
        default = texts[1] if texts[0] is None else texts[0]
        if steps and (other or default is not None):
            return None
        found += [text[end : begin.start()], Reference(name, _steps(steps), other, default)]
        end = reference.end()
    return tuple([part for part in (*found, text[end:]) if part])


def _steps(text: str) -> tuple[tuple[str | int, bool], ...]:
    return tuple(
        [
            (int(step[4]) if step[4] else step[1] or step[2] or step[3] or "", step[1] is not None)
            for step in _STEP.finditer(text)
        ]
    )


def filled(template: tuple[str | Reference, ...], lookup: Callable[[str], Any]) -> Any:
    """Return the value of a template: that of its single reference, or a text.

    Raises:
        KeyError: A name in it does not exist; the name is the argument.
        Unclear: Only Jinja can fill it in.
        FilterError: The text is too long.
    """
    found = [part.value(lookup) if isinstance(part, Reference) else part for part in template]
    values = [value for value in found if value is not None]
    if len(values) < 2:  # noqa: PLR2004 - a single part keeps its type
        return values[0] if values else None
    length = 0
    for value in values:
        if not isinstance(value, _SCALARS):
            raise Unclear
        length += len(value) if isinstance(value, str) else 1
    if length > MAX_RESULT:
        raise FilterError(f"a result of more than {MAX_RESULT} characters or items")
    return "".join(map(str, values))
