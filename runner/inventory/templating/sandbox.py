"""The child process for templates: it answers requests to fill one in, and is confined.

The process limits the time and memory of a template. Jinja's sandbox and the answers of the parent limit what
the template can reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from runner.inventory.parsing.bounds import FilterError, Plain
from runner.inventory.templating.environment import (
    TemplateError,
    UndefinedNameError,
    evaluate,
    names_in,
    render,
)
from runner.inventory.templating.services import Services
from runner.inventory.templating.wire import Remote, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["serve"]

_MAX_TEMPLATE = 16_384

render("{{ 1 | default('b') }}", str)  # makes Jinja create its lexer and parser


class _ParentError(Exception):
    """The parent could not compute a variable; it has the error."""


_KINDS: dict[type[Exception], str] = {UndefinedNameError: "undefined", _ParentError: "broken"}


def serve(request: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Answer a request: the names that a template needs, or its value.

    Args:
        request: `("names", text, is_expression)`, or `("value", text, is_expression, known)` with the values
            of names, the names that do not exist, and those that could not be computed.
        ask: Asks the parent for another name, an item of a mapping or a lookup.
    """

    def ask_parent(operation: str, number: int, key: Any) -> Any:
        found = loads(ask(dumps((operation, number, key))), remote)
        if not found:
            raise KeyError(key)
        return found[0]

    def remote(number: int) -> Remote:
        return Remote(number, ask_parent)

    _, text, is_expression, *known = loads(request, remote)
    if len(text) > _MAX_TEMPLATE:
        return dumps(("error", f"a template of more than {_MAX_TEMPLATE} characters"))
    fill = evaluate if is_expression else render
    try:
        if not known:
            return dumps(("names", names_in(text, is_expression=is_expression)))
        value = fill(text, _asking(known[0], ask_parent), _services(ask_parent))
        return dumps(("value", Plain().of(value)))
    except (TemplateError, FilterError, _ParentError) as exc:
        return dumps((_KINDS.get(type(exc), "error"), str(exc)))


def _asking(
    known: tuple[Mapping[str, Any], frozenset[str], frozenset[str]],
    ask_parent: Callable[[str, int, Any], Any],
) -> Callable[[str], Any]:
    """Return a function that returns the value of a name."""
    values, absent, broken = known

    def ask_for(name: str) -> Any:
        if name in values:
            return values[name]
        if name in absent:
            raise KeyError(name)
        if name in broken:
            raise _ParentError(name)
        return ask_parent("name", 0, name)

    return ask_for


class _Environment(Mapping[str, str]):
    """The environment variables of the parent, requested one by one."""

    def __init__(self, ask_parent: Callable[[str, int, Any], Any]) -> None:
        self._ask = ask_parent

    def __getitem__(self, name: str) -> str:
        return str(self._ask("env", 0, name))

    def __iter__(self) -> Iterator[str]:
        raise NotImplementedError

    def __len__(self) -> int:
        return 1


def _services(ask_parent: Callable[[str, int, Any], Any]) -> Services:
    """Return services for lookups that ask the parent, which decides."""
    return Services(
        environment=_Environment(ask_parent),
        read=lambda path: str(ask_parent("file", 0, path)),
        pipe=lambda command: str(ask_parent("pipe", 0, command)),
        names=lambda: list(ask_parent("names", 0, None)),
        hosts=lambda pattern: list(ask_parent("hosts", 0, pattern)),
    )
