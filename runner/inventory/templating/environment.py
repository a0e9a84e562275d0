"""Fill in templates with Ansible's Jinja settings, and join the parts of a template as Ansible does.

The reference is ansible-core 2.19: a template that is one expression keeps the type of its value; `null` adds
nothing to a text; further names may follow an undefined name, and only using the result is an error;
backslashes in the literals of `{{ }}` are kept as they are written.

This module does not limit time or memory: run it in a process with limits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from contextlib import contextmanager
from datetime import date, time, timedelta
from functools import cache, lru_cache, wraps
from typing import TYPE_CHECKING, Any

from jinja2 import meta, nodes, pass_context
from jinja2.exceptions import TemplateError as JinjaError
from jinja2.exceptions import TemplateSyntaxError, UndefinedError
from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.lexer import TOKEN_STRING, TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END, Lexer
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import Context, Undefined
from jinja2.sandbox import SandboxedEnvironment
from jinja2.tests import TESTS as JINJA_TESTS
from jinja2.utils import missing

from runner.inventory.parsing.bounds import FilterError
from runner.inventory.templating import addresses, checks, containers, lookups, networks, texts, undefined
from runner.inventory.templating.services import NO_SERVICES, Services
from runner.inventory.templating.undefined import Broken, Missing

if TYPE_CHECKING:
    from jinja2.environment import Environment as JinjaEnvironment
    from jinja2.environment import Template

__all__ = ["OMIT", "TemplateError", "UndefinedNameError", "evaluate", "names_in", "render"]

_MAX_DEPTH = 50
_LAZY = (KeysView, ValuesView, ItemsView, Iterator)
_UNSUPPORTED = re.compile(r"No (filter|test) named '(.+)'\.")

Ask = Callable[[str], Any]


class TemplateError(Exception):
    """A template cannot be read or filled in. The message is one line for people."""


class UndefinedNameError(TemplateError):
    """A template uses a name that does not exist."""


class _Omitted:
    """The value of `omit`: an item or a variable that has it is left out."""


OMIT = _Omitted()


class _CodeGenerator(NativeCodeGenerator):
    """Jinja's generator for native types; constants keep their type, and may be templates themselves."""

    def _output_const_repr(self, group: Iterable[Any]) -> str:
        parts = list(group)
        return repr(parts[0]) if len(parts) == 1 else repr("".join(map(str, parts)))

    def visit_Const(self, node: nodes.Const, frame: Any) -> None:  # noqa: N802 - Jinja's name
        """Write a constant."""
        value = node.as_const(frame.eval_ctx)
        if type(value) is str and _is_template(value):
            self.write(f"environment.constant({value!r})")
        else:
            self.write(repr(value))


class _Constant(str):
    """A text in a template that may be a template itself: lookups fill it in."""

    __slots__ = ()


class _Lexer(Lexer):
    """Jinja's lexer, which keeps backslashes in the literals of `{{ }}` as they are."""

    def tokeniter(self, *arguments: Any, **keywords: Any) -> Iterator[tuple[int, str, str]]:
        """Yield Jinja's tokens."""
        inside = False
        for line, token, value in super().tokeniter(*arguments, **keywords):
            if token in {TOKEN_VARIABLE_BEGIN, TOKEN_VARIABLE_END}:
                inside = token == TOKEN_VARIABLE_BEGIN
            literal = inside and token == TOKEN_STRING
            yield line, token, value.replace("\\", "\\\\") if literal else value


class _Context(Context):
    """Jinja's context, which asks for the value of a name when a template needs it.

    Attributes:
        ask: Returns the value of a name; raises KeyError if the name does not exist.
        services: The services that lookups may use.
    """

    ask: Ask | None = None
    services: Services = NO_SERVICES

    def resolve_or_missing(self, key: str) -> Any:
        """Return the value of a name; if it cannot be computed, using it raises the error."""
        if key in self.vars or self.ask is None:
            return super().resolve_or_missing(key)
        try:
            return self.ask(key)
        except KeyError:
            return self.parent.get(key, missing)
        except Exception as exc:  # noqa: BLE001 - raised when the template uses the name
            return Broken(key, exc)

    def derived(self, locals: dict[str, Any] | None = None) -> Context:  # noqa: A002 - Jinja's name
        """Return a context for a part of the template."""
        context: Any = super().derived(locals)
        context.ask, context.services = self.ask, self.services
        return context  # type: ignore[no-any-return]


def _eager(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a filter so that it returns lists instead of iterators."""

    @wraps(function)
    def filtered(*arguments: Any, **keywords: Any) -> Any:
        return _listed(function(*arguments, **keywords))

    return filtered


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, _LAZY) else value


@pass_context
def _finalize(_context: Context, value: Any) -> Any:
    """Keep Jinja from folding constants, which would turn them into texts."""
    return value


class _Environment(SandboxedEnvironment):
    """Jinja's sandbox with Ansible's settings."""

    code_generator_class = _CodeGenerator
    context_class = _Context

    def __init__(self, *, keep_backslashes: bool) -> None:
        super().__init__(undefined=Missing, trim_blocks=True, optimized=False, autoescape=False)
        self.finalize = _finalize
        self._keep_backslashes = keep_backslashes
        self.filters = _with_full_names(_FILTERS)
        jinja: dict[str, Any] = dict(JINJA_TESTS)
        self.tests = _with_full_names({**jinja, **checks.TESTS, **undefined.TESTS})
        self.globals |= {
            "lookup": _lookup,
            "query": _query,
            "q": _query,
            "omit": OMIT,
            "range": range,
            "undef": undefined.undef,
        }

    @property
    def lexer(self) -> Lexer:
        """The lexer."""
        return _Lexer(self) if self._keep_backslashes else Lexer(self)

    @staticmethod
    def concat(parts: Iterable[Any]) -> Any:
        """Join the parts of a template: None adds nothing, and a single part keeps its type."""
        kept = [part for part in parts if part is not None]
        if len(kept) > 1:
            return "".join([part if isinstance(part, str) else _text(part) for part in kept])
        return kept[0] if kept else None

    @staticmethod
    def constant(text: str) -> str:
        """Return a constant that is a template itself."""
        return _Constant(text)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Return an attribute, or else the item of that name, even if the sandbox forbids the attribute."""
        found = super().getattr(obj, attribute)
        if isinstance(found, Undefined) and not isinstance(obj, Undefined):
            try:
                return obj[attribute]
            except (TypeError, LookupError, AttributeError):
                return found
        return found

    def call(self, context: Context, function: Any, *arguments: Any, **keywords: Any) -> Any:
        """Call a function or a method."""
        if isinstance(function, Missing):
            function.require()
        return _listed(super().call(context, function, *arguments, **keywords))


def _text(part: Any) -> str:
    """Return a part of a template as text; `{{ 'a' if b }}` without an else adds nothing."""
    return "" if type(part) is Undefined else str(_plain(part, 0))


def _is_template(text: str) -> bool:
    return "{{" in text or "{%" in text or "{#" in text


def _with_full_names(functions: Mapping[str, Callable[..., Any]]) -> dict[str, Any]:
    """Return functions by their short names and by their full names in Ansible's collections."""
    named = dict(functions)
    for name, function in functions.items():
        if name in _ADDRESSES:
            named |= dict.fromkeys((f"ansible.utils.{name}", f"ansible.netcommon.{name}"), function)
        else:
            named |= dict.fromkeys((f"ansible.builtin.{name}", f"ansible.legacy.{name}"), function)
    return named


_ADDRESSES = {**addresses.FILTERS, **networks.FILTERS}
_ANSIBLE_FILTERS = {
    **texts.FILTERS,
    **containers.FILTERS,
    **_ADDRESSES,
    **undefined.FILTERS,
    **{name: JINJA_FILTERS[name] for name in ("map", "select", "selectattr", "reject", "rejectattr")},
}
_FILTERS: dict[str, Callable[..., Any]] = {
    name: _eager(function) for name, function in {**JINJA_FILTERS, **_ANSIBLE_FILTERS}.items()
}


@pass_context
def _lookup(context: _Context, plugin: str, *terms: Any, **keywords: Any) -> Any:
    """Do a lookup and return its results joined, as Ansible's `lookup` does."""
    return _looked_up(context, plugin, list(terms), keywords)


@pass_context
def _query(context: _Context, plugin: str, *terms: Any, **keywords: Any) -> Any:
    """Do a lookup and return the list of its results, as Ansible's `query` does."""
    return _looked_up(context, plugin, list(terms), {"wantlist": True, **keywords})


def _looked_up(context: _Context, plugin: str, terms: list[Any], keywords: dict[str, Any]) -> Any:
    wants_list, errors = keywords.pop("wantlist", False), keywords.pop("errors", "strict")
    for term in (*terms, *keywords.values()):
        if isinstance(term, Missing):
            term.require()
    filled = [_filled_constant(term, context) for term in terms]
    try:
        found = lookups.run(plugin, filled, keywords, _ask(context), context.services)
    except (FilterError, KeyError):
        if errors == "strict":
            raise
        return [] if wants_list else None
    if wants_list or not found:
        return found
    if len(found) == 1:
        return found[0]
    return ",".join(found) if all(isinstance(item, str) for item in found) else found


def _ask(context: _Context) -> Ask:
    def ask(name: str) -> Any:
        found = context.resolve_or_missing(name)
        if found is missing:
            raise KeyError(name)
        if isinstance(found, Missing):
            found.require()
        return found

    return ask


def _filled_constant(value: Any, context: _Context) -> Any:
    if isinstance(value, _Constant):
        return _run(_compiled(str(value)), _ask(context), context.services)
    return [_filled_constant(item, context) for item in value] if isinstance(value, list) else value


@cache
def _environment(*, keep_backslashes: bool) -> JinjaEnvironment:
    return _Environment(keep_backslashes=keep_backslashes)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Template:
    with _reading():
        return _environment(keep_backslashes=True).from_string(text)


@contextmanager
def _reading() -> Iterator[None]:
    """Turn any error that Jinja raises while it reads a template into a `TemplateError`."""
    try:
        yield
    except TemplateSyntaxError as exc:
        raise TemplateError(_why(exc)) from exc
    except RecursionError as exc:
        raise TemplateError("a template nested too deep") from exc
    except ValueError as exc:  # a number with more digits than Python converts
        raise TemplateError(f"is not a template: {exc}") from exc


def _why(exc: JinjaError) -> str:
    """Return Jinja's error message; for an unsupported filter or test, say what to do instead."""
    message = str(exc.message)
    if match := _UNSUPPORTED.fullmatch(message):
        kind, name = match.groups()
        return f"the {kind} {name!r} is not supported here: write the value itself, or work it out elsewhere"
    return f"is not a template: {message}" if isinstance(exc, TemplateSyntaxError) else message


def render(text: str, ask: Ask, services: Services = NO_SERVICES) -> Any:
    """Fill in a template.

    Args:
        text: The template.
        ask: Returns the value of a name, with its own template filled in; raises KeyError if the name does
            not exist.
        services: The services that lookups may use.

    Returns:
        The value of the expression, if the template is a single one, else a text; None if the result is
        empty.

    Raises:
        TemplateError: It cannot be read or filled in, or uses a name that does not exist.
    """
    if not _is_template(text):
        return text
    result = _run(_compiled(text), ask, services)
    if isinstance(result, str):
        lost = _newlines(text) - _newlines(result)
        result += "\n" * max(lost, 0)  # Jinja drops the line break at the end
    return result


def _newlines(text: str) -> int:
    return len(text) - len(text.rstrip("\n"))


def evaluate(expression: str, ask: Ask, services: Services = NO_SERVICES) -> Any:
    """Evaluate one expression, as in `compose` of a constructed inventory.

    Args:
        expression: The expression, without braces; its literals are read as Jinja reads them.
        ask: Returns the value of a name; raises KeyError if the name does not exist.
        services: The services that lookups may use.

    Raises:
        TemplateError: It cannot be read or evaluated, or uses a name that does not exist.
    """
    return _run(_expression(expression), ask, services)


@lru_cache(maxsize=4096)
def _expression(text: str) -> Template:
    environment = _environment(keep_backslashes=False)
    with _reading():
        compiled = environment.compile_expression(text, undefined_to_none=False)
    template: Template = compiled._template  # noqa: SLF001 - needed to use our own context
    return template


def names_in(text: str, *, is_expression: bool) -> list[str]:
    """Return the names that a template needs, as far as they can be found without filling it in.

    Raises:
        TemplateError: It cannot be read.
    """
    environment = _environment(keep_backslashes=not is_expression)
    with _reading():
        tree = environment.parse("{{ " + text + " }}" if is_expression else text)
        return sorted(meta.find_undeclared_variables(tree) - environment.globals.keys())


def _run(template: Template, ask: Ask, services: Services) -> Any:
    context: Any = template.new_context({})
    context.ask, context.services = ask, services
    try:
        produced = template.environment.concat(template.root_render_func(context))
        return _plain(context.vars.get("result", produced) if produced is None else produced, 0)
    except UndefinedError as exc:
        raise UndefinedNameError(str(exc.message)) from exc
    except FilterError as exc:
        raise TemplateError(str(exc)) from exc
    except JinjaError as exc:
        raise TemplateError(_why(exc)) from exc
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RecursionError) as exc:
        raise TemplateError(f"{type(exc).__name__}: {exc}") from exc


def _plain(value: Any, depth: int) -> Any:
    """Return a result as plain values; refuse anything else, such as a method."""
    if isinstance(value, Missing):
        value.require()
    if depth > _MAX_DEPTH:
        raise FilterError(f"a result nested deeper than {_MAX_DEPTH} levels")
    if value is None or isinstance(value, (bool, int, float, bytes, date, time, timedelta)):
        return value
    if isinstance(value, str):
        # Keep the type of other texts: it says whether a source wrote them.
        return str(value) if isinstance(value, _Constant) else value
    if value is OMIT:
        return None
    if isinstance(value, Mapping):
        return {
            _plain(key, depth + 1): _plain(item, depth + 1) for key, item in value.items() if item is not OMIT
        }
    if isinstance(value, (list, tuple, set, frozenset, *_LAZY)):
        return [_plain(item, depth + 1) for item in value if item is not OMIT]
    raise FilterError(f"gives a {type(value).__name__}, which is not a value")
