"""Fill in templates of inventories.

This process fills in a template that only names variables. Jinja2 fills in every other one, in a confined
child process with limits on time and memory: a sandbox can limit what Jinja reaches, but no check inside a
process can stop an endless computation.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from runner.environment import value as environment_variable
from runner.inventory.parsing.bounds import FilterError, Plain
from runner.inventory.parsing.values import Constant
from runner.inventory.templating.references import Unclear, filled, parts
from runner.inventory.templating.services import NO_SERVICES, Services
from runner.inventory.templating.wire import NotPlainError, dumps, loads
from runner.text.confined import Confined, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Lookup = Callable[[str], Any]

__all__ = ["TemplateError", "UndefinedNameError", "evaluate", "render"]


class TemplateError(Exception):
    """A template cannot be read, is not allowed, or took too long. The message is one line for people."""


class UndefinedNameError(TemplateError):
    """A template uses a name that does not exist."""


_VARIES = re.compile(r"random|shuffle|password_hash|strftime|now")
"""Filters and functions whose result may be different at the next call."""
_REPLIES: dict[bytes, bytes] = {}
_MOST_REMEMBERED = 4096
_MOST_REMEMBERED_BYTES = 4096
_JINJA = Confined("runner.inventory.templating.sandbox:serve")


def render(text: str, lookup: Lookup, services: Services = NO_SERVICES) -> Any:
    """Fill in a template.

    A text that is one expression and nothing else (`{{ port }}`) keeps the type of its value, as in Ansible.

    Args:
        text: The template.
        lookup: Returns the value of a name, with its own template filled in; raises KeyError if the name does
            not exist.
        services: The services that lookups may use.

    Raises:
        TemplateError: It cannot be read, is not allowed, uses a name that does not exist, or takes too long.
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
    """Evaluate one expression, as in `compose` of a constructed inventory.

    Args:
        expression: The expression, without braces.
        lookup: Returns the value of a name; raises KeyError if the name does not exist.

    Raises:
        TemplateError: It cannot be read, is not allowed, uses a name that does not exist, or takes too long.
    """
    return _filled(expression, lookup, NO_SERVICES, is_expression=True)


def _filled(text: str, lookup: Lookup, services: Services, *, is_expression: bool) -> Any:
    """Let the child process fill in a template; send it the values of all names found in the template."""
    values: dict[str, Any] = {}
    absent: set[str] = set()
    broken: dict[str, Exception] = {}
    for name in _names(text, is_expression=is_expression):
        try:
            values[name] = lookup(name)
        except KeyError:
            absent.add(name)
        except Exception as exc:  # noqa: BLE001 - raised only if the template uses the name
            broken[name] = exc
    request = ("value", text, is_expression, (values, frozenset(absent), frozenset(broken)))
    said = _asked(request, lookup, services)
    if said[0] == "broken":
        raise broken[said[1]]
    return said[1]


@lru_cache(maxsize=4096)
def _names(text: str, *, is_expression: bool) -> tuple[str, ...]:
    """Return the names that are found in a template."""
    return tuple(_asked(("names", text, is_expression), str, NO_SERVICES)[1])


def _asked(request: tuple[Any, ...], lookup: Lookup, services: Services) -> tuple[Any, ...]:
    """Send a request to the child process, and answer its questions until it replies."""
    answers = _Answers(lookup, services)
    try:
        payload = dumps(request, answers.keep)
        remembered = _REPLIES.get(payload)
        reply = remembered or _JINJA.request(payload, answers.to)
        said: tuple[Any, ...] = loads(reply)
    except (Stopped, NotPlainError) as exc:
        raise TemplateError(str(exc)) from exc
    if said[0] == "undefined":
        raise UndefinedNameError(said[1])
    if said[0] == "error":
        raise TemplateError(said[1])
    if not (remembered or answers.were_needed or _VARIES.search(request[1])):
        _remember(payload, reply)
    return said


class _Answers:
    """Answers the questions of the child process while it fills in a template.

    Args:
        lookup: Returns the value of a name; raises KeyError if the name does not exist.
        services: The services that lookups may use.

    Attributes:
        were_needed: Whether the child asked a question, or could have asked for items of a mapping.
    """

    def __init__(self, lookup: Lookup, services: Services) -> None:
        self._lookup = lookup
        self._services = services
        self._mappings: dict[int, Mapping[Any, Any]] = {}
        self.were_needed = False

    def keep(self, mapping: Mapping[Any, Any]) -> int:
        """Keep a mapping in this process, and return its number."""
        number = -mapping.number if isinstance(mapping, Constant) else len(self._mappings)
        self._mappings[number] = mapping
        self.were_needed = True
        return number

    def to(self, question: bytes) -> bytes:
        """Answer one question."""
        self.were_needed = True
        operation, number, key = loads(question)
        try:
            if operation in _OF_MAPPING:
                return dumps((_OF_MAPPING[operation](self._mappings[number], key),), self.keep)
            return dumps((_OF_TEMPLATE[operation](key, self._lookup, self._services),), self.keep)
        except KeyError:
            return dumps(())


def _remember(payload: bytes, reply: bytes) -> None:
    """Cache a reply that depends only on the request, because many hosts have the same values."""
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


def _variable(name: str, _lookup: Lookup, _services: Services) -> str:
    found = environment_variable(name)
    if found is None:
        raise KeyError(name)
    return found


def _file(path: str, _lookup: Lookup, services: Services) -> str:
    if services.read is None:
        raise TemplateError("lookup 'file' is not supported here")
    return services.read(path)


def _printed(command: str, _lookup: Lookup, services: Services) -> str:
    if services.pipe is None:
        raise TemplateError("lookup 'pipe' runs a program on this machine: --allow-inventory-commands")
    return services.pipe(command)


_OF_TEMPLATE: dict[str, Callable[[Any, Lookup, Services], Any]] = {
    "name": lambda name, lookup, _services: lookup(name),
    "env": _variable,
    "file": _file,
    "pipe": _printed,
    "names": lambda _key, _lookup, services: list(services.names()) if services.names else [],
    "hosts": lambda pattern, _lookup, services: list(services.hosts(pattern)) if services.hosts else [],
}
"""The answers to questions of the child that are not about a mapping."""
