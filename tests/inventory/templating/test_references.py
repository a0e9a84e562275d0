"""Templates that only name variables mean what Jinja makes of them."""

from __future__ import annotations

import itertools
import re
import time
from typing import Any

import pytest

from runner.inventory import templating
from runner.inventory.templating import TemplateError, references, render

VARIABLES: dict[str, Any] = {
    "a": "x",
    "n": 7,
    "zero": 0,
    "none": None,
    "nothing": None,
    "yes": True,
    "real": 1.5,
    "empty": "",
    "items": [1, "x", {"k": "v"}],
    "table": {"key": "v", "items": "own", "n": 3, "inner": {"deep": [1, 2]}, "0": "text"},
    "braces": "{{ a }}",
}
EXPRESSIONS = re.split(
    r",\s*|\n",
    """\
a, n, zero, nothing, yes, real, empty, items, table, braces, missing, true, none, not, loop, lookup, self
table.key, table['key'], table["key"], table.items, table['items'], table.missing, table._x, table[0]
table.inner.deep, table.inner.deep[1], table.inner.deep[7], table['0'], items[0], items[2].k, items[9]
items.k, a.key, a[0], a.upper, missing.key, missing[0], n.real, a | default('d'), missing | default('d')
missing|d(a), missing | default(missing), a|d(missing), nothing | default('d'), empty | default(a)
table.missing | default('d'), missing.x | default('d'), missing | default(none), missing | default(true)
missing | default(''), missing | default("q"), missing | default(n), items | default('d')
missing | default(items), missing | default(missing.x)""",
)
FORMS = ("{{ % }}", "{{%}}", "p-{{ % }}", "{{ % }}{{ n }}", "{{ % }}\n", "{{\t% }} }} x", "{{ % }}{# c #}")


def _outcome(text: str) -> Any:
    try:
        value = render(text, VARIABLES.__getitem__)
    except TemplateError as exc:
        return type(exc), str(exc)
    return type(value), re.sub("0x[0-9a-f]+", "ADDRESS", repr(value))


@pytest.mark.parametrize(("expression", "form"), list(itertools.product(EXPRESSIONS, FORMS)))
def test_a_reference_means_what_jinja_makes_of_it(
    expression: str, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = form.replace("%", expression)
    found = _outcome(text)
    monkeypatch.setattr(templating, "parts", lambda _text: None)
    assert found == _outcome(text)


def test_templates_that_name_variables_need_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(templating, "_JINJA", None)
    assert (
        render("{{ a }}.{{ missing | default(n) }}.{{ table.inner['deep'][0] }}", VARIABLES.__getitem__)
        == "x.7.1"
    )


@pytest.mark.parametrize(
    "unit", ["{{ a }}", "{{ a", "{{", "{{ a['", "{{ a[0]", "{{ a | default(", " ", "{{ a.b"]
)
def test_reading_a_reference_takes_linear_time(unit: str) -> None:
    began = time.thread_time()
    references.parts(unit * (250_000 // len(unit)))
    references.parts("{{ a" + unit * (250_000 // len(unit)))
    assert time.thread_time() - began < 2
