"""Every regular expression of our own takes linear time over any text: hosts and inventories write that."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

import runner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

pytestmark = pytest.mark.slow

_SIZE = 20_000
_MOST_S = 3.0
# The plugin runs within Ansible, which makes a folder in the home folder when it is imported.
_NOT_FROM_OUTSIDE = ("runner.demo", "runner.__main__", "runner.inventory.ansible_plugins")
_METHODS = ("search", "match", "fullmatch", "sub", "findall", "finditer", "split")


def _patterns(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from itertools.chain.from_iterable(map(_patterns, value.values()))
    elif isinstance(value, (list, tuple)):
        yield from itertools.chain.from_iterable(map(_patterns, value))


def _named(module: ModuleType, source: str) -> Iterator[Any]:
    """Yield the patterns that a module or one of its classes names, with the methods that it calls."""
    content = vars(module)
    own = [item for item in content.values() if getattr(item, "__module__", None) == module.__name__]
    classes = [vars(item) for item in own if isinstance(item, type)]
    for names in (content, *classes):
        for name, value in names.items():
            methods = [method for method in _METHODS if f"{name}.{method}" in source]
            for number, pattern in enumerate(_patterns(value)):
                for method in methods or ("search",):
                    yield pytest.param(pattern, method, id=f"{module.__name__}.{name}.{number}.{method}")


def _inline(module: ModuleType, source: str) -> Iterator[Any]:
    """Yield the patterns of `re.search(PATTERN, …)` and its siblings."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _METHODS:
            first = node.args[0] if node.args else None
            owner = node.func.value
            if isinstance(owner, ast.Name) and owner.id == "re" and isinstance(first, ast.Constant):
                place = f"{module.__name__}:{node.lineno}"
                yield pytest.param(re.compile(first.value), node.func.attr, id=f"{place}.{node.func.attr}")


def _every_pattern() -> Iterator[Any]:
    for found in pkgutil.walk_packages(runner.__path__, "runner."):
        if not found.name.startswith(_NOT_FROM_OUTSIDE):
            module = importlib.import_module(found.name)
            source = inspect.getsource(module)
            yield from _named(module, source)
            yield from _inline(module, source)


def _attacks(pattern: re.Pattern[Any]) -> Iterator[str]:
    """Yield texts on which patterns backtrack: repeats of what the pattern itself is made of."""
    source = pattern.pattern if isinstance(pattern.pattern, str) else pattern.pattern.decode("latin-1")
    words = re.findall(r"[A-Za-z][A-Za-z0-9 ']+", source)
    characters = list(dict.fromkeys([*" \t\na1@:.", *re.sub(r"[\w\s]", "", source)]))
    letters = "".join(re.findall(r"(?<!\\)[a-z]", source))[:12]
    pairs = map("".join, itertools.permutations(characters[:8], 2))
    units = [*characters, *words, letters, " ".join(words), *pairs]
    for unit in filter(None, dict.fromkeys(units)):
        body = unit * (_SIZE // len(unit))
        yield body
        for begin in ("", *characters[8:12], *words[:2]):
            yield f"{begin}{body}\0"


@pytest.mark.parametrize(("pattern", "method"), list(_every_pattern()))
def test_a_pattern_of_our_own_takes_linear_time(pattern: re.Pattern[Any], method: str) -> None:
    for text in _attacks(pattern):
        subject: Any = text if isinstance(pattern.pattern, str) else text.encode("latin-1")
        given = (lambda _found, empty=subject[:0]: empty, subject) if method == "sub" else (subject,)
        began = time.thread_time()
        found = getattr(pattern, method)(*given)
        if method == "finditer":
            list(found)
        assert time.thread_time() - began < _MOST_S, (pattern.pattern, text[:40])
