"""Rows that a query chooses, the columns that it shows, and the counts that it makes."""

from __future__ import annotations

from typing import Any

import pytest

from runner.results.query import Query, Selection, compiled

pytest.importorskip("jmespath")

PORTS = {
    "sw1": [
        {"interface": "Gi1", "status": "up", "vlans": ["1", "2"]},
        {"interface": "Gi2", "status": "down", "vlans": []},
    ],
    "sw2": [{"interface": "Gi1", "status": "down", "vlans": ["1"]}],
}


def chosen(**query: Any) -> tuple[list[dict[str, Any]], Selection]:
    selection = Selection(Query(**query))
    return [row for host, rows in PORTS.items() for row in selection.rows(host, rows)], selection


def test_without_a_query_every_row_begins_with_its_host() -> None:
    rows, selection = chosen()
    assert [list(row) for row in rows] == [["host", "interface", "status", "vlans"]] * 3
    assert [row["host"] for row in rows] == ["sw1", "sw1", "sw2"]
    assert list(selection.warnings()) == []


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("status == 'down'", [("sw1", "Gi2"), ("sw2", "Gi1")]),
        ("status == 'down' && host != 'sw1'", [("sw2", "Gi1")]),
        ("contains(vlans, '2')", [("sw1", "Gi1")]),
        ("vlans", [("sw1", "Gi1"), ("sw2", "Gi1")]),
        ("length(vlans)", [("sw1", "Gi1"), ("sw1", "Gi2"), ("sw2", "Gi1")]),
        ("starts_with(interface, 'Te')", []),
        ("!(status == 'down')", [("sw1", "Gi1")]),
    ],
)
def test_where_is_true_as_jmespath_says(where: str, expected: list[tuple[str, str]]) -> None:
    rows, selection = chosen(where=where)
    assert [(row["host"], row["interface"]) for row in rows] == expected
    assert list(selection.warnings()) == []


def test_select_shows_these_columns_in_this_order_after_the_host() -> None:
    rows, _ = chosen(select=("status", "interface"), where="host == 'sw2'")
    assert [list(row.items()) for row in rows] == [
        [("host", "sw2"), ("status", "down"), ("interface", "Gi1")]
    ]


def test_group_by_counts_rows_and_names_the_hosts_the_most_frequent_first() -> None:
    rows, selection = chosen(group_by="status")
    assert rows == []
    assert selection.groups == [
        {"status": "down", "count": 2, "hosts": ["sw1", "sw2"]},
        {"status": "up", "count": 1, "hosts": ["sw1"]},
    ]
    assert [group["vlans"] for group in chosen(group_by="vlans")[1].groups] == [["1", "2"], [], ["1"]]
    assert chosen(group_by="status", where="status == 'up'")[1].groups == selection.groups[1:]


@pytest.mark.parametrize(
    ("query", "missing"),
    [
        ({"select": ("interface", "speed", "mtu")}, "speed, mtu"),
        ({"where": "speed == 'auto' || mtu.value == '1' || status == 'x'"}, "speed, mtu"),
        ({"where": "a.b[0] && c[?d] && contains(e, 'x') && @.f"}, "a, c, e"),
        ({"group_by": "speed"}, "speed"),
    ],
)
def test_fields_that_no_row_has_are_a_warning_with_the_fields_that_there_are(
    query: dict[str, Any], missing: str
) -> None:
    first = next(chosen(**query)[1].warnings())
    assert first == f"no row has the field {missing}; the fields are: host, interface, status, vlans"


def test_without_any_row_no_field_is_unknown() -> None:
    selection = Selection(Query(select=("speed",)))
    assert selection.rows("sw1", []) == []
    assert list(selection.warnings()) == []


def test_rows_that_an_expression_cannot_judge_are_counted() -> None:
    rows, selection = chosen(where="contains(interface, 'Gi') && length(speed) > `0`")
    assert rows == []
    (missing, unjudged) = selection.warnings()
    assert missing.startswith("no row has the field speed")
    assert unjudged.startswith("--where cannot judge 3 rows, which are not shown: In function length()")
    assert "\n" not in unjudged


def test_a_column_called_host_is_renamed() -> None:
    selection = Selection(Query(where="host == 'sw1' && host_ == 'other'"))
    assert selection.rows("sw1", [{"host": "other"}]) == [{"host": "sw1", "host_": "other"}]


@pytest.mark.parametrize("text", ["status ==", "status = 'down'", "[", "nothing(status)("])
def test_what_is_not_an_expression_is_one_line(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected a JMESPath expression") as caught:
        compiled(text)
    assert "\n" not in str(caught.value)


def test_a_function_that_is_not_known_is_told_before_the_run() -> None:
    with pytest.raises(ValueError, match=r"nothing\(\) is not a function of JMESPath$"):
        compiled("status == 'up' && nothing(status)")
