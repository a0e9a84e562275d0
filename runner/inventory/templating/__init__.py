"""Templates in inventories: the one place where they are filled in.

A template that only names variables is filled in here. Every other one is filled in by Jinja2 in a confined
child process, with limits on its time and its memory: Jinja can be kept from reaching things, but no check
inside of a process can keep it from computing for ever.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.confined import Confined, Stopped
from runner.inventory.bounds import FilterError, Plain
from runner.inventory.templating.references import Unclear, filled, parts
from runner.inventory.templating.wire import NotPlainError, dumps, loads
from runner.inventory.values import Constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Lookup = Callable[[str], Any]
    Pipe = Callable[[str], str]

__all__ = ["TemplateError", "UndefinedNameError", "evaluate", "render"]


class TemplateError(Exception):
    """A template that cannot be read, is not allowed, or took too long. One line for people."""


class UndefinedNameError(TemplateError):
    """A name in a template that nothing has."""


_JINJA = Confined("runner.inventory.templating.sandbox:serve")


def render(text: str, lookup: Lookup, pipe: Pipe | None = None) -> Any:
    """Fill in a template.

    A text that is one expression and nothing else (`{{ port }}`) keeps the type of its value, as in Ansible.

    Args:
        text: The template.
        lookup: Gives the value of a name, its own template filled in; KeyError where there is none.
        pipe: Runs a command of this machine's shell and returns what it prints; None where none may run.

    Raises:
        TemplateError: It cannot be read, is not allowed, names what does not exist, or takes too long.
    """
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return text
    return _filled(text, lookup, pipe)


def evaluate(expression: str, lookup: Lookup) -> Any:
    """Work out one expression, as in `compose` of a constructed inventory.

    Args:
        expression: The expression, without braces.
        lookup: Gives the value of a name; KeyError where there is none.

    Raises:
        TemplateError: It cannot be read, is not allowed, names what does not exist, or takes too long.
    """
    text = "{{ " + expression + " }}"
    template = parts(text)
    if len(template or ()) != 1 and not _names(text)[1]:
        raise TemplateError("is no expression")
    return _filled(text, lookup, None)


def _filled(text: str, lookup: Lookup, pipe: Pipe | None) -> Any:
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
    values: dict[str, Any] = {}
    for name in _names(text)[0]:
        try:
            values[name] = lookup(name)
        except KeyError:
            continue
    return _asked(("value", text, values), pipe)[1]


@lru_cache(maxsize=4096)
def _names(text: str) -> tuple[tuple[str, ...], bool]:
    """Return the names that a template needs, and whether it is one expression and nothing else."""
    _, names, is_expression = _asked(("names", text), None)
    return tuple(names), is_expression


def _asked(request: tuple[Any, ...], pipe: Pipe | None) -> tuple[Any, ...]:
    """Have the child process answer a request, and answer what it asks meanwhile."""
    mappings: dict[int, Mapping[Any, Any]] = {}

    def keep(mapping: Mapping[Any, Any]) -> int:
        number = -mapping.number if isinstance(mapping, Constant) else len(mappings)
        mappings[number] = mapping
        return number

    def answer(question: bytes) -> bytes:
        operation, number, key = loads(question)
        try:
            if operation in ("env", "pipe"):
                return dumps((_looked_up(operation, key, pipe),))
            return dumps((_of_mapping(operation, mappings[number], key),), keep)
        except KeyError:
            return dumps(())

    try:
        said: tuple[Any, ...] = loads(_JINJA.request(dumps(request, keep), answer))
    except (Stopped, NotPlainError) as exc:
        raise TemplateError(str(exc)) from exc
    if said[0] == "undefined":
        raise UndefinedNameError(said[1])
    if said[0] == "error":
        raise TemplateError(said[1])
    return said


def _of_mapping(operation: str, mapping: Mapping[Any, Any], key: Any) -> Any:
    if operation == "item":
        return mapping[key]
    if operation == "has":
        return key in mapping
    return list(mapping) if operation == "keys" else len(mapping)


def _looked_up(plugin: str, term: str, pipe: Pipe | None) -> str:
    if plugin == "env":
        return os.environ.get(term, "")
    if pipe is None:
        raise TemplateError("lookup 'pipe' runs a program on this machine: --allow-inventory-commands")
    return pipe(term)
