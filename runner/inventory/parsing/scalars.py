"""Values of YAML scalars, by the rules of YAML 1.1 as PyYAML's safe loader applies them.

Ansible uses that loader, so `yes` is true, `017` is 15, `1:30` is 90 and `1e3` is a text.
"""

from __future__ import annotations

from typing import Any, ClassVar

from yaml.constructor import SafeConstructor
from yaml.error import YAMLError
from yaml.nodes import ScalarNode
from yaml.resolver import Resolver

__all__ = ["PlainScalars", "construct"]

_PREFIX = "tag:yaml.org,2002:"
_VALUE_TAG = _PREFIX + "value"
_MERGE_TAG = _PREFIX + "merge"
_STR_TAG = _PREFIX + "str"
_KNOWN = frozenset(_PREFIX + name for name in ("null", "bool", "int", "float", "binary", "timestamp", "str"))
_CONSTRUCTOR = SafeConstructor()


def construct(tag: str, text: str) -> Any:
    """Build the value of a scalar whose tag is known.

    Raises:
        ValueError: The text does not fit its tag, or the tag is not for scalars.
    """
    if tag in (_STR_TAG, _PREFIX + "python/unicode"):
        return text
    if tag == _VALUE_TAG:
        raise ValueError("'=' alone has a special meaning in YAML 1.1; quote it")
    if tag == _MERGE_TAG:
        raise ValueError("'<<' merges only as a key; quote it")
    if tag not in _KNOWN:
        raise ValueError(f"tag {tag.removeprefix(_PREFIX)} is unknown here; known: !vault, !unsafe")
    try:
        return SafeConstructor.yaml_constructors[tag](_CONSTRUCTOR, ScalarNode(tag, text))
    except (ValueError, YAMLError, LookupError, AttributeError, OverflowError) as exc:
        raise ValueError(f"not a {tag.removeprefix(_PREFIX)}: quote it if it is a text") from exc


def resolve(text: str) -> str:
    """Return the tag of a plain scalar, which depends on its form."""
    resolvers = Resolver.yaml_implicit_resolvers
    for tag, pattern in [*resolvers.get(text[:1], ()), *resolvers.get(None, ())]:
        if pattern.match(text):
            return str(tag)
    return _STR_TAG


class PlainScalars(dict[str, Any]):
    """Plain scalar text -> value, computed once for each text, because a fleet repeats its values."""

    __slots__ = ()
    _LONGEST: ClassVar[int] = 4300

    def __missing__(self, text: str) -> Any:
        if len(text) > self._LONGEST:
            return text
        value = self[text] = construct(resolve(text), text)
        return value
