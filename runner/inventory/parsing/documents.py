"""YAML and JSON documents, read straight from libyaml's events.

PyYAML's own loader builds a node for each event and a value for each node. Building values directly from
events is several times faster. It also lets us record positions, report duplicate keys and enforce limits
against hostile documents.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from runner.inventory.parsing.malformed import NotADocument
from runner.inventory.parsing.scalars import PlainScalars, construct
from runner.inventory.parsing.values import LocatedDict, UnsafeText, VaultText

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["MAX_ALIASED_NODES", "MAX_DEPTH", "MAX_VALUES", "DocumentReader", "from_json", "revive"]

MAX_DEPTH = 100
"""Maximum nesting of mappings and lists."""
MAX_VALUES = 4_000_000
"""Maximum number of values, keys included, in all documents of one load: 400 MB of memory, and far more than
any fleet needs."""
MAX_ALIASED_NODES = 1_000_000
"""Maximum number of values that aliases and merge keys may add to those written in a document."""

_AT_ONCE = 1024
_VAULT_TAGS = frozenset({"!vault", "!vault-encrypted"})
_MERGE = object()
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A value that aliases refer to.

    Attributes:
        value: The value.
        nodes: How many values it holds, itself included.
    """

    value: Any
    nodes: int


class DocumentReader:
    """Reads the documents of one load; each plain scalar is interpreted only once for all of them.

    Args:
        warn: Called with one line for each duplicate key; None ignores them.
    """

    def __init__(self, warn: Callable[[str], None] | None = None) -> None:
        self._scalars = PlainScalars()
        self._warn = warn
        self._nodes = 0

    def read(self, text: str, path: str, *, located: bool = False) -> Any:
        """Return the value of the one document in `text`; None for an empty one.

        Args:
            text: JSON, or YAML 1.1.
            path: The file's name, for messages.
            located: Whether to build mappings as `LocatedDict`, which knows the position of each key.

        Raises:
            NotADocument: The text is malformed, has a second document or is over a limit.
        """
        if text[:100].lstrip(" \t\r\n").startswith("{"):
            try:
                value = from_json(text)
            except ValueError:
                pass  # it may be flow-style YAML, and the YAML parser has the better message
            else:
                return self._with_places(value, text, path) if located else value
        return self._built(text, path, located=located)

    def _built(self, text: str, path: str, *, located: bool) -> Any:
        builder = _Builder(text, path, self._scalars, self._warn, located=located, nodes=self._nodes)
        value = builder.document()
        self._nodes = builder.nodes
        return value

    def _with_places(self, value: Any, text: str, path: str) -> Any:
        """Return a JSON value with the positions of its keys, if the YAML parser reads the same value."""
        try:
            placed = self._built(text, path, located=True)
        except NotADocument:
            return value
        return placed if placed == value else value


def from_json(text: str) -> Any:
    """Return the value of a JSON document, within the limits of YAML documents.

    Raises:
        ValueError: It is malformed, or over a limit.
    """
    # Each value follows one of these characters. Those inside strings only make the count too high.
    if sum(map(text.count, "[{,")) > MAX_VALUES:
        raise ValueError(f"more than {MAX_VALUES:,} values")
    try:
        value = json.loads(text, object_hook=revive)
    except RecursionError as exc:
        raise ValueError(_TOO_DEEP) from exc
    level, depth = [value], 0
    while level := [item for each in level for item in _items(each) if isinstance(item, (dict, list))]:
        depth += 1
        if depth > MAX_DEPTH:
            raise ValueError(_TOO_DEEP)
    return value


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def revive(mapping: dict[str, Any]) -> Any:
    """Turn the mappings that `ansible-inventory` writes for tagged texts back into those texts."""
    if isinstance(text := mapping.get("__ansible_unsafe"), str):
        return UnsafeText(text)
    if isinstance(text := mapping.get("__ansible_vault"), str):
        return VaultText(text)
    return mapping


class _Builder:
    """Builds one document, with a method per kind of event; only `_next` advances the parser."""

    def __init__(
        self,
        text: str,
        path: str,
        scalars: PlainScalars,
        warn: Callable[[str], None] | None,
        *,
        located: bool,
        nodes: int,
    ) -> None:
        self._path = path
        self._scalars = scalars
        self._warn = warn
        self._new: Callable[[], dict[Any, Any]] = LocatedDict if located else dict
        self._anchors: dict[str, _Anchored | None] = {}
        self._depth = 0
        self.nodes = nodes
        self._unsafe = 0
        self._aliased = 0
        try:
            self._parser = CParser(text)
        except (YAMLError, UnicodeError) as exc:
            raise self._translated(exc) from exc
        self._next: Callable[[], Any] = self._parser.get_event

    def document(self) -> Any:
        """Return the value of the only document."""
        try:
            self._next()
            if isinstance(self._next(), StreamEndEvent):
                return None
            value = self._value(self._next())
            self._next()
            after = self._next()
            if isinstance(after, DocumentStartEvent):
                raise self._error("a second YAML document begins here; one file holds one", after)
        except (YAMLError, UnicodeError) as exc:
            raise self._translated(exc) from exc
        return value

    def _error(self, message: str, event: Any, text: str | None = None) -> NotADocument:
        mark = event.start_mark
        return NotADocument(message, path=self._path, line=mark.line + 1, column=mark.column + 1, text=text)

    def _translated(self, exc: Exception) -> NotADocument:
        """Turn libyaml's error into ours."""
        if isinstance(exc, MarkedYAMLError) and (mark := exc.problem_mark):
            said = " ".join(part for part in (exc.context, exc.problem) if part)
            return NotADocument(f"YAML: {said}", path=self._path, line=mark.line + 1, column=mark.column + 1)
        return NotADocument(f"YAML: {' '.join(str(exc).split())}", path=self._path)

    def _value(self, event: Any) -> Any:
        """Build the value that `event` begins."""
        kind = event.__class__
        if kind is AliasEvent:
            return self._alias(event)
        if event.anchor is not None:
            return self._anchor(event)
        if event.tag is not None:
            return self._tagged(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        return self._sequence() if kind is SequenceStartEvent else self._mapping(event)

    def _scalar(self, event: Any) -> Any:
        if not event.implicit[0]:
            return UnsafeText(event.value) if self._unsafe else event.value
        try:
            value = self._scalars[event.value]
        except ValueError as exc:
            raise self._error(str(exc), event, event.value) from exc
        return UnsafeText(value) if self._unsafe and isinstance(value, str) else value

    def _enter(self, event: Any) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._error(_TOO_DEEP, event)

    def _check(self, values: int, event: Any) -> None:
        """Raise an error if there are more values than one load may hold."""
        if self.nodes + values > MAX_VALUES:
            raise self._error(f"more than {MAX_VALUES:,} values", event)

    def _sequence(self) -> list[Any]:
        """Build a list; its start has been read."""
        items: list[Any] = []
        while (event := self._next()).__class__ is not SequenceEndEvent:
            if not items:
                self._enter(event)
            items.append(self._value(event))
            if not len(items) % _AT_ONCE:
                self._check(len(items), event)
        self._depth -= bool(items)
        self.nodes += len(items)
        self._check(0, event)
        return items

    def _mapping(self, start: Any) -> dict[Any, Any]:
        """Build a mapping; its start has been read."""
        self._enter(start)
        result = self._new()
        merged: list[dict[Any, Any]] = []
        scalars, following = self._scalars, self._next
        while (event := following()).__class__ is not MappingEndEvent:
            key = self._key(event)
            if key is _MERGE:
                merged += self._merge(following())
                continue
            if key in result:
                self._duplicate(key, event)
            value = following()
            # Fast path without a call: nine of ten values are plain texts without tag or anchor.
            if (
                value.__class__ is ScalarEvent
                and value.implicit[0]
                and value.anchor is None
                and not self._unsafe
                and (text := value.value) in scalars
            ):
                result[key] = scalars[text]
            else:
                result[key] = self._value(value)
            if not len(result) % _AT_ONCE:
                self._check(2 * len(result), event)
            if result.__class__ is LocatedDict:
                result.places[key] = (event.start_mark.line + 1, event.start_mark.column + 1)
        self._depth -= 1
        self.nodes += 2 * len(result)
        self._check(0, event)
        return self._under(merged, result) if merged else result

    def _key(self, event: Any) -> Any:
        """Build a key; return `_MERGE` for the merge key `<<`."""
        if event.__class__ is ScalarEvent and event.tag is None and event.anchor is None:
            if not event.implicit[0] or event.value == "=":
                return event.value
            if event.value == "<<":
                return _MERGE
        key = self._value(event)
        try:
            hash(key)
        except TypeError as exc:
            message = "a key must be a text or a number, not a list or a mapping"
            raise self._error(message, event) from exc
        return key

    def _duplicate(self, key: Any, event: Any) -> None:
        if self._warn:
            mark = event.start_mark
            self._warn(
                f"{self._path}:{mark.line + 1}:{mark.column + 1}: key {key!r} is given twice; the last wins"
            )

    def _merge(self, event: Any) -> list[dict[Any, Any]]:
        """Return the mappings that a `<<` merges, the strongest last."""
        value = self._value(event)
        sources = value[::-1] if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise self._error("'<<' merges a mapping or a list of mappings", event)
        self._count(sum(2 * len(source) for source in sources), event)
        return sources

    def _under(self, merged: list[dict[Any, Any]], own: dict[Any, Any]) -> dict[Any, Any]:
        """Put merged mappings under a mapping's own keys."""
        result = self._new()
        for layer in [*merged, own]:
            result.update(layer)
            if isinstance(result, LocatedDict) and isinstance(layer, LocatedDict):
                result.places.update(layer.places)
        return result

    def _count(self, nodes: int, event: Any) -> None:
        """Count the values that aliases and merges add: ten lines of them can add billions."""
        self._aliased += nodes
        self.nodes += nodes
        if self._aliased > MAX_ALIASED_NODES:
            raise self._error(
                f"aliases and merge keys expand to more than {MAX_ALIASED_NODES:,} values", event
            )

    def _anchor(self, event: Any) -> Any:
        """Build a value and remember it for its aliases."""
        anchor, event.anchor = event.anchor, None
        if anchor in self._anchors:
            raise self._error(f"anchor &{anchor} is given twice", event)
        self._anchors[anchor] = None
        before = self.nodes
        value = self._value(event)
        self._anchors[anchor] = _Anchored(value, self.nodes - before + 1)
        return value

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            raise self._error(f"alias *{event.anchor} has no anchor before it", event)
        anchored = self._anchors[event.anchor]
        if anchored is None:
            raise self._error(f"alias *{event.anchor} is inside the value that it refers to", event)
        self._count(anchored.nodes, event)
        return anchored.value

    def _tagged(self, event: Any) -> Any:
        """Build a value with an explicit tag."""
        tag, event.tag = event.tag, None
        if tag == "!unsafe":
            return self._unsafe_value(event)
        if tag in _VAULT_TAGS:
            return self._vault(event, tag)
        if event.__class__ is ScalarEvent:
            return self._tagged_scalar(event, tag)
        return self._tagged_collection(event, tag)

    def _unsafe_value(self, event: Any) -> Any:
        self._unsafe += 1
        try:
            return self._value(_as_plain(event))
        finally:
            self._unsafe -= 1

    def _vault(self, event: Any, tag: str) -> VaultText:
        ciphertext = self._value(event)
        if not isinstance(ciphertext, str):
            raise self._error(f"{tag} needs a text", event)
        return VaultText(ciphertext)

    def _tagged_scalar(self, event: Any, tag: str) -> Any:
        if tag == "!":
            return self._scalar(event)
        try:
            return construct(tag, event.value)
        except ValueError as exc:
            raise self._error(str(exc), event, event.value) from exc

    def _tagged_collection(self, event: Any, tag: str) -> Any:
        """Build a mapping or list of one of the standard tags."""
        value = self._value(event)
        name = tag.removeprefix("tag:yaml.org,2002:")
        if isinstance(value, dict):
            if name in ("map", "python/dict", "!"):
                return value
            if name == "set":
                return list(value)
        elif name in ("seq", "!"):
            return value
        elif name in ("omap", "pairs") and all(isinstance(item, dict) and len(item) == 1 for item in value):
            return [list(pair) for item in value for pair in item.items()]
        raise self._error(
            f"tag {name} is unknown here, or not for this kind of value; known: !vault, !unsafe", event
        )


def _as_plain(event: Any) -> Any:
    """Mark a tagged plain scalar as implicit, so that its form decides its type, as without the tag."""
    if event.__class__ is ScalarEvent and not event.style:
        event.implicit = (True, False)
    return event
