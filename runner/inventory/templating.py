"""Jinja2 templates in inventories, in a sandbox that computes and does nothing else.

An inventory is data that somebody else may have written, so a template may look up variables, compare,
choose, compute and use a few filters. It may not loop, call, import, or reach an attribute that Python made.
What it gives is bounded, and so is how deep it nests, so that none can hang the program or fill its memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache, partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from jinja2 import StrictUndefined, meta, nodes
from jinja2.environment import TemplateExpression
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from runner.environment import value as variable
from runner.inventory.filters import FILTERS, MAX_RESULT, TESTS, bounded
from runner.inventory.regexes import FilterError, begin_budget

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["TemplateError", "UndefinedNameError", "evaluate", "render"]

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


class TemplateError(Exception):
    """A template that cannot be read, is not allowed, or names what does not exist. One line for people."""


class UndefinedNameError(TemplateError):
    """A name in a template that nothing has."""


class _Environment(ImmutableSandboxedEnvironment):
    """Jinja's own sandbox, with arithmetic on numbers alone."""

    intercepted_binops = frozenset({"*", "%", "+"})

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
    environment.globals = {"lookup": _lookup}
    return environment


def _lookup(plugin: object, *terms: object, pipe: Callable[[str], str] | None = None) -> str:
    """Look up environment variables, or what commands print where those are allowed."""
    plain = str(plugin).removeprefix("ansible.builtin.")
    if plain == "env":
        return ",".join(variable(str(name)) or "" for name in terms)
    if plain != "pipe":
        raise SecurityError(f"lookup {plugin!r} is not allowed in an inventory; 'env' is")
    if pipe is None:
        raise SecurityError("lookup 'pipe' runs a program on this machine: --allow-inventory-commands")
    return ",".join([pipe(str(command)) for command in terms])


def _check(tree: nodes.Template) -> None:
    """Refuse what an inventory has no need of, before anything of it runs."""
    if sum(1 for _ in tree.find_all(nodes.Name)) > _MAX_NAMES:
        raise TemplateError(f"a template with more than {_MAX_NAMES} names")
    pending: list[tuple[nodes.Node, int]] = [(tree, 0)]
    while pending:
        node, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise TemplateError(f"nested deeper than {_MAX_DEPTH} levels")
        if not isinstance(node, _ALLOWED):
            raise TemplateError(f"{_word_for(node)} not allowed in an inventory")
        if isinstance(node, nodes.Getattr) and node.attr.startswith("_"):
            raise TemplateError(f"attribute {node.attr} is not allowed")
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
    if isinstance(called, nodes.Name) and called.name == "lookup":
        return
    if isinstance(called, nodes.Getattr) and called.attr in _METHODS:
        return
    raise TemplateError(
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
        raise TemplateError(f"a template of more than {_MAX_TEMPLATE} characters")
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
        raise TemplateError(f"is no template: {exc.message}") from exc
    except RecursionError as exc:
        raise TemplateError("a template nested too deep") from exc
    return _Prepared(TemplateExpression(template, undefined_to_none=False), names, is_expression=True)


def _only_expression(tree: nodes.Template) -> nodes.Expr | None:
    """Return the expression of a template that is nothing else."""
    output = tree.body[0] if len(tree.body) == 1 else None
    if isinstance(output, nodes.Output) and len(output.nodes) == 1:
        only = output.nodes[0]
        return None if isinstance(only, nodes.TemplateData) else only
    return None


def render(text: str, lookup: Callable[[str], Any], pipe: Callable[[str], str] | None = None) -> Any:
    """Fill in a template.

    A text that is one expression and nothing else (`{{ port }}`) keeps the type of its value, as in Ansible.

    Args:
        text: The template.
        lookup: Gives the value of a name, its own template filled in; KeyError where there is none.
        pipe: Runs a command of this machine's shell and returns what it prints; None where none may run.

    Raises:
        TemplateError: It cannot be read, is not allowed, or names what does not exist.
    """
    if "{{" not in text and "{%" not in text and "{#" not in text:
        return text
    return _run(_prepared(text), lookup, pipe)


def evaluate(expression: str, lookup: Callable[[str], Any]) -> Any:
    """Work out one expression, as in `compose` of a constructed inventory.

    Args:
        expression: The expression, without braces.
        lookup: Gives the value of a name; KeyError where there is none.

    Raises:
        TemplateError: It cannot be read, is not allowed, or names what does not exist.
    """
    prepared = _prepared("{{ " + expression + " }}")
    if not prepared.is_expression:
        raise TemplateError("is no expression")
    return _run(prepared, lookup)


def _run(prepared: _Prepared, lookup: Callable[[str], Any], pipe: Callable[[str], str] | None = None) -> Any:
    """Look up what a template needs and run it."""
    values: dict[str, Any] = {}
    for name in prepared.names:
        try:
            values[name] = lookup(name)
        except KeyError:
            continue
    if pipe is not None:
        values["lookup"] = partial(_lookup, pipe=pipe)
    begin_budget()
    try:
        return _plain(prepared.run(values), 0)
    except UndefinedError as exc:
        raise UndefinedNameError(str(exc.message)) from exc
    except (SecurityError, FilterError) as exc:
        raise TemplateError(str(exc)) from exc
    except (
        JinjaError,
        TypeError,
        ValueError,
        ArithmeticError,
        LookupError,
        AttributeError,
        RecursionError,
    ) as exc:
        raise TemplateError(f"{type(exc).__name__}: {exc}") from exc


def _plain(value: Any, depth: int) -> Any:
    """Return a result as plain values, and refuse whatever is none: a method, a missing attribute."""
    if isinstance(value, StrictUndefined):
        raise UndefinedNameError(str(value._undefined_message))  # noqa: SLF001 - Jinja has no public name for it
    if depth > _MAX_DEPTH:
        raise FilterError(f"a result nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, Iterator):
        value = list(islice(value, MAX_RESULT + 1))
    bounded(value)
    if isinstance(value, Mapping):
        return {key: _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item, depth + 1) for item in value]
    if value is None or isinstance(value, (str, int, float, bytes, date)):
        return value
    raise FilterError(f"gives a {type(value).__name__}, which is no value")
