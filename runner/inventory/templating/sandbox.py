"""Jinja2 templates in a sandbox that computes and does nothing else; runs in a confined process.

An inventory is data that somebody else may have written, so a template may look up variables, compare,
choose, compute and use a few filters. It may not loop, call, import, or reach an attribute that Python made.
How long that takes and how much memory it needs is limited by the process in which this runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import regex  # noqa: F401 - here, so that no request spends its time on that
from jinja2 import StrictUndefined, meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.inventory.bounds import FilterError, Plain, bounded
from runner.inventory.templating.filters import FILTERS, TESTS
from runner.inventory.templating.wire import Remote, dumps, loads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Ask = Callable[[bytes], bytes]

__all__ = ["serve"]

_MAX_TEMPLATE = 16_384
_MAX_DEPTH = 20
_MAX_NAMES = 200

_ALLOWED: tuple[type[nodes.Node], ...] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.Name,
    nodes.Const,
    nodes.Getattr,
    nodes.Getitem,
    nodes.Slice,
    nodes.Filter,
    nodes.Test,
    nodes.Concat,
    nodes.CondExpr,
    nodes.Compare,
    nodes.Operand,
    nodes.And,
    nodes.Or,
    nodes.Not,
    nodes.Add,
    nodes.Sub,
    nodes.Mul,
    nodes.Div,
    nodes.FloorDiv,
    nodes.Mod,
    nodes.Neg,
    nodes.Pos,
    nodes.List,
    nodes.Tuple,
    nodes.Dict,
    nodes.Pair,
    nodes.Keyword,
    nodes.If,
    nodes.Call,
)
_METHODS = frozenset(
    {
        "capitalize",
        "endswith",
        "get",
        "items",
        "keys",
        "lower",
        "lstrip",
        "rsplit",
        "rstrip",
        "split",
        "startswith",
        "strip",
        "title",
        "upper",
        "values",
    }
)
"""Methods of texts and mappings that give no more than they are given."""


class _RefusedError(Exception):
    """A template that is not allowed. One line for people."""


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's own sandbox, with arithmetic on numbers alone, and with few methods."""

    intercepted_binops = frozenset({"*", "%", "+"})

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Refuse a method that is not on our list, also if it is not called: a filter might call it."""
        return (attr in _METHODS or not callable(value)) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Refuse arithmetic that makes texts or lists long: `'a' * 10 ** 10`."""
        if operator in "*%" and not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise SecurityError(f"operator {operator} is for numbers here")
        return bounded(super().call_binop(context, operator, left, right))


@cache
def _environment() -> _Environment:
    environment = _Environment(undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False)
    environment.filters = dict(FILTERS)
    environment.tests = {
        **{name: test for name, test in environment.tests.items() if name not in ("filter", "test")},
        **TESTS,
    }
    environment.globals = {}
    return environment


def _lookup(ask: Callable[[str, int, Any], Any]) -> Callable[..., str]:
    """Return what looks up environment variables, or what commands print: the parent does."""

    def lookup(plugin: object, *terms: object) -> str:
        plain = str(plugin).removeprefix("ansible.builtin.")
        if plain not in ("env", "pipe"):
            raise SecurityError(f"lookup {plugin!r} is not allowed in an inventory; 'env' is")
        return ",".join([str(ask(plain, 0, str(term))) for term in terms])

    return lookup


def _check(tree: nodes.Template) -> None:
    """Refuse what an inventory has no need of, before anything of it runs."""
    if sum(1 for _ in tree.find_all(nodes.Name)) > _MAX_NAMES:
        raise _RefusedError(f"a template with more than {_MAX_NAMES} names")
    pending: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise _RefusedError(f"nested deeper than {_MAX_DEPTH} levels")
        if not isinstance(node, _ALLOWED):
            raise _RefusedError(f"{_word_for(node)} not allowed in an inventory")
        if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            raise _RefusedError(f"attribute {node.attr} is not allowed")
        if isinstance(node, nodes.Call):
            _check_call(node)
        pending += [(child, depth + 1) for child in node.iter_child_nodes()]


def _word_for(node: nodes.Node) -> str:
    words = {
        nodes.For: "loops are",
        nodes.Assign: "assignments are",
        nodes.Macro: "macros are",
        nodes.Pow: "** is",
    }
    return words.get(type(node), f"{type(node).__name__} is")


def _check_call(call: nodes.Call) -> None:
    """Allow `lookup('env', …)` and harmless methods, and no other call."""
    called = call.node
    if call.dyn_args is not None or call.dyn_kwargs is not None:
        raise _RefusedError("calls with * or ** are not allowed in an inventory")
    if isinstance(called, nodes.Name) and called.name == "lookup":
        if call.kwargs:
            raise _RefusedError("lookup takes no options in an inventory")
        return
    if isinstance(called, nodes.Getattr) and called.attr in _METHODS:
        return
    raise _RefusedError(
        "calls are not allowed in an inventory, but lookup('env', NAME) and methods such as split"
    )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A template that has been read and found harmless.

    Attributes:
        run: Fills it in.
        names: The names that it needs.
        is_expression: Whether it is one expression and nothing else, and so gives that one's value.
    """

    run: Callable[[Mapping[str, Any]], Any]
    names: frozenset[str]
    is_expression: bool


@lru_cache(maxsize=4096)
def _prepared(text: str) -> _Prepared:
    """Read a template, check it and compile it: once for a fleet that shares it."""
    if len(text) > _MAX_TEMPLATE:
        raise _RefusedError(f"a template of more than {_MAX_TEMPLATE} characters")
    environment = _environment()
    try:
        tree = environment.parse(text)
        _check(tree)
        names = frozenset(meta.find_undeclared_variables(tree))
        expression = _only_expression(tree)
        if expression is None:
            return _Prepared(environment.from_string(tree).render, names, is_expression=False)
        # As Jinja's own compile_expression does it, but from what has been read and checked here.
        result = nodes.Assign(nodes.Name("result", "store"), expression, lineno=1)
        template = environment.from_string(nodes.Template([result], lineno=1))
    except TemplateSyntaxError as exc:
        raise _RefusedError(f"is no template: {exc.message}") from exc
    except RecursionError as exc:
        raise _RefusedError("a template nested too deep") from exc
    except ValueError as exc:  # a number of more digits than Python reads
        raise _RefusedError(f"is no template: {exc}") from exc
    return _Prepared(TemplateExpression(template, undefined_to_none=False), names, is_expression=True)


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    """Return the expression of a template that is nothing else."""
    output = tree.body[0] if len(tree.body) == 1 else None
    if isinstance(output, nodes.Output) and len(output.nodes) == 1:
        only = output.nodes[0]
        return None if isinstance(only, nodes.TemplateData) else only
    return None


_prepared("{{ a | default('b') }}")  # has Jinja make its lexer and parser


def serve(request: bytes, ask: Ask) -> bytes:
    """Answer a request: the names that a template needs, or what it gives.

    Args:
        request: `("names", text)`, or `("value", text, values, whether it has to be one expression)`.
        ask: Asks the parent: for an item of a mapping, an environment variable, what a command prints.
    """

    def ask_parent(operation: str, number: int, key: Any) -> Any:
        found = loads(ask(dumps((operation, number, key))), remote)
        if not found:
            raise KeyError(key)
        return found[0]

    def remote(number: int) -> Remote:
        return Remote(number, ask_parent)

    asked: tuple[Any, ...] = loads(request, remote)
    try:
        prepared = _prepared(asked[1])
        if asked[0] == "names":
            return dumps(("names", sorted(prepared.names), prepared.is_expression))
        values = {**asked[2], "lookup": _lookup(ask_parent)} if "lookup" in prepared.names else asked[2]
        return dumps(("value", _value(prepared, values)))
    except UndefinedError as exc:
        return dumps(("undefined", str(exc.message)))
    except (_RefusedError, SecurityError, FilterError) as exc:
        return dumps(("error", str(exc)))


def _value(prepared: _Prepared, values: Mapping[str, Any]) -> Any:
    """Fill in a template."""
    try:
        value = prepared.run(values)
        if isinstance(value, StrictUndefined):
            value._fail_with_undefined_error()  # noqa: SLF001 - Jinja has no public name for it
        return Plain().of(value)
    except (UndefinedError, SecurityError):
        raise
    except (
        JinjaError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as exc:
        raise FilterError(f"{type(exc).__name__}: {exc}") from exc
