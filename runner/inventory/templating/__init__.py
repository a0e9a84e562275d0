"""Templates in inventories: the one place where they are filled in.

A template that only names variables is filled in here. Every other one is filled in by Jinja2 in a confined
child process, with limits on its time and its memory: Jinja can be kept from reaching things, but no check
inside of a process can keep it from computing for ever.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.confined import Confined, Stopped
from runner.inventory.bounds import FilterError, Plain
from runner.inventory.templating.references import Unclear, filled, parts
from runner.inventory.templating.services import NO_SERVICES, Services
from runner.inventory.templating.wire import NotPlainError, dumps, loads
from runner.inventory.values import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Lookup = Callable[[str], Any]

__all__ = ["TemplateError", "UndefinedNameError", "evaluate", "render"]


class TemplateError(Exception):
    """A template that cannot be read, is not allowed, or took too long. One line for people."""


class UndefinedNameError(TemplateError):
    """A name in a template that nothing has."""


_VARIES = re.compile(r"random|shuffle|password_hash|strftime|now")
"""Filters and functions that may give something else the next time."""
_REPLIES: dict[bytes, bytes] = {}
_MOST_REMEMBERED = 4096
_MOST_REMEMBERED_BYTES = 4096
_JINJA = Confined("runner.inventory.templating.sandbox:serve")


def render(text: str, lookup: Lookup, services: Services = NO_SERVICES) -> Any:
    """Fill in a template.

    A text that is one expression and nothing else (`{{ port }}`) keeps the type of its value, as in Ansible.

    Args:
        text: The template.
        lookup: Gives the value of a name, its own template filled in; KeyError if there is none.
        services: What lookups may use.

    Raises:
        TemplateError: It cannot be read, is not allowed, names what does not exist, or takes too long.
    """
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return text
    template = parts(text)
    if template is not None:
        try:
            return Plain().of(filled(template, lookup))
        except Unclear:
            pass
        except KeyError as exc:
            raise UndefinedNameError(f"{exc.args[0]!r} is undefined") from exc
        except FilterError as exc:
            raise TemplateError(str(exc)) from exc
    return _filled(text, lookup, services, is_expression=False)


def evaluate(expression: str, lookup: Lookup) -> Any:
    """Work out one expression, as in `compose` of a constructed inventory.

    Args:
        expression: The expression, without braces.
        lookup: Gives the value of a name; KeyError if there is none.

    Raises:
        TemplateError: It cannot be read, is not allowed, names what does not exist, or takes too long.
    """
    return _filled(expression, lookup, NO_SERVICES, is_expression=True)


def _filled(text: str, lookup: Lookup, services: Services, *, is_expression: bool) -> Any:
    """Have the child fill a template in, with the values of all names that are known to be in it."""
    values: dict[str, Any] = {}
    absent: set[str] = set()
    broken: dict[str, Exception] = {}
    for name in _names(text, is_expression=is_expression):
        try:
            values[name] = lookup(name)
        except KeyError:
            absent.add(name)
        except Exception as exc:  # noqa: BLE001 - it counts only if the template comes to use it
            broken[name] = exc
    request = ("value", text, is_expression, values, frozenset(absent), frozenset(broken))
    said = _asked(request, lookup, services)
    if said[0] == "broken":
        raise broken[said[1]]
    return said[1]


@lru_cache(maxsize=4096)
def _names(text: str, *, is_expression: bool) -> tuple[str, ...]:
    """Return the names that are known to be in a template."""
    return tuple(_asked(("names", text, is_expression), {}.__getitem__, NO_SERVICES)[1])


def _asked(request: tuple[Any, ...], lookup: Lookup, services: Services) -> tuple[Any, ...]:
    """Have the child process answer a request, and answer what it asks meanwhile."""
    mappings: dict[int, Mapping[Any, Any]] = {}
    questions = 0

    def keep(mapping: Mapping[Any, Any]) -> int:
        number = -mapping.number if isinstance(mapping, Constant) else len(mappings)
        mappings[number] = mapping
        return number

    def answer(question: bytes) -> bytes:
        nonlocal questions
        questions += 1
        operation, number, key = loads(question)
        try:
            if operation in _OF_MAPPING:
                return dumps((_OF_MAPPING[operation](mappings[number], key),), keep)
            return dumps((_looked_up(operation, key, lookup, services),), keep)
        except KeyError:
            return dumps(())

    try:
        payload = dumps(request, keep)
        reply = _REPLIES.get(payload) or _JINJA.request(payload, answer)
        said: tuple[Any, ...] = loads(reply)
    except (Stopped, NotPlainError) as exc:
        raise TemplateError(str(exc)) from exc
    if said[0] == "undefined":
        raise UndefinedNameError(said[1])
    if said[0] == "error":
        raise TemplateError(said[1])
    if not (mappings or questions or _VARIES.search(request[1])):
        _remember(payload, reply)
    return said


def _remember(payload: bytes, reply: bytes) -> None:
    """Keep a reply that depends on nothing but the request: many hosts have the same values."""
    if len(payload) + len(reply) < _MOST_REMEMBERED_BYTES:
        if len(_REPLIES) >= _MOST_REMEMBERED:
            _REPLIES.clear()
        _REPLIES[payload] = reply


_OF_MAPPING: dict[str, Callable[[Mapping[Any, Any], Any], Any]] = {
    "item": lambda mapping, key: mapping[key],
    "has": lambda mapping, key: key in mapping,
    "keys": lambda mapping, _key: list(mapping),
    "length": lambda mapping, _key: len(mapping),
}


def _looked_up(operation: str, key: Any, lookup: Lookup, services: Services) -> Any:
    """Answer what the child asks beyond the variables that it was given.

    Raises:
        KeyError: There is nothing of that name.
        TemplateError: It is not allowed.
    """
    if operation == "name":
        return lookup(key)
    if operation == "env":
        return (os.environ if services.environment is None else services.environment)[key]
    if operation == "names":
        return [] if services.names is None else list(services.names())
    if operation == "hosts":
        return [] if services.hosts is None else list(services.hosts(key))
    if operation == "file":
        if services.read is None:
            raise TemplateError("lookup 'file' is not supported here")
        return services.read(key)
    if services.pipe is None:
        raise TemplateError("lookup 'pipe' runs a program on this machine: --allow-inventory-commands")
    return services.pipe(key)
