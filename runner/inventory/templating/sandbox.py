"""The child's side of templates: answers requests to fill one in; runs in a confined process.

How long a template takes and how much memory it needs is limited by that process. What it may reach is limited
by Jinja's sandbox, and by what the parent answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from runner.inventory.bounds import FilterError, Plain
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
    from collections.abc import Callable, Mapping

__all__ = ["serve"]

_MAX_TEMPLATE = 16_384

render("{{ a | default('b') }}", {}.__getitem__)  # has Jinja make its lexer and parser


class _ParentError(Exception):
    """A variable that the parent could not work out; it knows why."""


def serve(request: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Answer a request: the names that a template needs, or what it gives.

    Args:
        request: `("names", text, is_expression)`, or `("value", text, is_expression, values, absent, broken)`:
            the values of names, the names that nothing has, and those that could not be worked out.
        ask: Asks the parent: for another name, an item of a mapping, a lookup.
    """

    def ask_parent(operation: str, number: int, key: Any) -> Any:
        found = loads(ask(dumps((operation, number, key))), remote)
        if not found:
            raise KeyError(key)
        return found[0]

    def remote(number: int) -> Remote:
        return Remote(number, ask_parent)

    operation, text, is_expression, *known = loads(request, remote)
    try:
        if len(text) > _MAX_TEMPLATE:
            raise TemplateError(f"a template of more than {_MAX_TEMPLATE} characters")
        if operation == "names":
            return dumps(("names", names_in(text, is_expression=is_expression)))
        ask_for = _asking(*known, ask_parent)
        fill = evaluate if is_expression else render
        return dumps(("value", Plain().of(fill(text, ask_for, _services(ask_parent)))))
    except UndefinedNameError as exc:
        return dumps(("undefined", str(exc)))
    except (TemplateError, FilterError) as exc:
        return dumps(("error", str(exc)))
    except _ParentError as exc:
        return dumps(("broken", exc.args[0]))


def _asking(
    values: Mapping[str, Any],
    absent: frozenset[str],
    broken: frozenset[str],
    ask_parent: Callable[[str, int, Any], Any],
) -> Callable[[str], Any]:
    """Return what gives the value of a name."""

    def ask_for(name: str) -> Any:
        if name in values:
            return values[name]
        if name in absent:
            raise KeyError(name)
        if name in broken:
            raise _ParentError(name)
        return ask_parent("name", 0, name)

    return ask_for


class _Environment(dict[str, str]):
    """The environment variables of the parent, asked for one by one."""

    def __init__(self, ask_parent: Callable[[str, int, Any], Any]) -> None:
        super().__init__()
        self._ask = ask_parent

    def get(self, name: str, default: Any = None) -> Any:  # type: ignore[override]
        """Return a variable, or the default."""
        try:
            return self._ask("env", 0, name)
        except KeyError:
            return default


def _services(ask_parent: Callable[[str, int, Any], Any]) -> Services:
    """Return what lookups may use: the parent decides."""
    return Services(
        environment=_Environment(ask_parent),
        read=lambda path: str(ask_parent("file", 0, path)),
        pipe=lambda command: str(ask_parent("pipe", 0, command)),
        names=lambda: list(ask_parent("names", 0, None)),
        hosts=lambda pattern: list(ask_parent("hosts", 0, pattern)),
    )
