"""How a server's shell reads a line."""

from __future__ import annotations

import pytest

from runner.demo.linux.shell import Redirect, SyntaxFault, fields, parse, text_of

VALUES = {"HOME": "/home/demo", "LOGNAME": "demo", "?": "3", "TWO": "a  b", "1": "first word", "*": "x y"}


def lookup(name: str) -> str:
    return VALUES.get(name, "")


def read(line: str) -> list[tuple[str, list[str]]]:
    return [
        (step.joined, [found for word in step.words for found in fields(word, lookup, ("x y", "z"))])
        for step in parse(line)
    ]


@pytest.mark.parametrize(
    ("line", "steps"),
    [
        ("", []),
        ("   # only a comment", []),
        ("echo a b", [(";", ["echo", "a", "b"])]),
        ("a; b && c || d", [(";", ["a"]), (";", ["b"]), ("&&", ["c"]), ("||", ["d"])]),
        ("a;b&&c||d", [(";", ["a"]), (";", ["b"]), ("&&", ["c"]), ("||", ["d"])]),
        ("a\nb\n", [(";", ["a"]), (";", ["b"])]),
        ("echo 'a;b' \"c && d\" e\\;f", [(";", ["echo", "a;b", "c && d", "e;f"])]),
        (
            "echo $HOME ${HOME}x \"$HOME\" '$HOME'",
            [(";", ["echo", "/home/demo", "/home/demox", "/home/demo", "$HOME"])],
        ),
        ("echo $? $UNSET-", [(";", ["echo", "3", "-"])]),
        ("echo a'b'\"c\"", [(";", ["echo", "abc"])]),
        ('echo "say \\"hi\\" \\$HOME"', [(";", ["echo", 'say "hi" $HOME'])]),
        ("echo a#b # comment", [(";", ["echo", "a#b"])]),
        ("ls | wc -l && b", [(";", ["ls"]), ("|", ["wc", "-l"]), ("&&", ["b"])]),
        ("a |\n b &&\n c", [(";", ["a"]), ("|", ["b"]), ("&&", ["c"])]),
        ("a \\\n b", [(";", ["a", "b"])]),
        ('echo $TWO "$TWO" x$TWO-y', [(";", ["echo", "a", "b", "a  b", "xa", "b-y"])]),
        ('echo $UNSET "$UNSET"', [(";", ["echo", ""])]),
        ('"$0" "$@" $1 ${1}', [(";", ["", "x y", "z", "first", "word", "first", "word"])]),
        ("~ ~/x ~demo/y ~ann a~", [(";", ["/home/demo", "/home/demo/x", "/home/demo/y", "~ann", "a~"])]),
    ],
)
def test_a_line_is_steps_of_words(line: str, steps: list[tuple[str, list[str]]]) -> None:
    assert read(line) == steps


@pytest.mark.parametrize(
    ("line", "redirects"),
    [
        ("x", []),
        ("x >&2", [(1, ">", 2)]),
        ("x 2>&1", [(2, ">", 1)]),
        ("x > /dev/null 2>&1", [(1, ">", "/dev/null"), (2, ">", 1)]),
        ("<in x >>out", [(0, "<", "in"), (1, ">>", "out")]),
    ],
)
def test_redirections_are_kept_in_the_order_in_which_they_stand(
    line: str, redirects: list[tuple[int, str, int | str]]
) -> None:
    (step,) = parse(line)
    assert step.words == ["x"]
    assert step.redirects == [Redirect(*redirect) for redirect in redirects]


def test_what_is_assigned_is_not_split() -> None:
    assert text_of("$TWO'$1'\"$1\"", lookup) == "a  b$1first word"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("echo 'open", "unterminated"),
        ('echo "open', "unterminated"),
        ("a &&", "unexpected end of file"),
        ("&& a", 'unexpected "&&"'),
        ("a && || b", 'unexpected "||"'),
        ("| wc", 'unexpected "|"'),
        ("ls >", "does not know '>'"),
        ("ls; for x in a; do ls; done", "does not know 'for'"),
        ("echo `id`", "does not know '`'"),
        ("then for x in a", "does not know 'for'"),
    ],
)
def test_what_the_shell_leaves_out_is_refused_as_a_whole(line: str, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(line)
    assert message in str(caught.value)
