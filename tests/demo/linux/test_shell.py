"""How a server's shell reads a line."""

from __future__ import annotations

import pytest

from runner.demo.linux.shell import SyntaxFault, parse

VALUES = {"HOME": "/home/demo", "?": "3"}


def read(line: str) -> list[tuple[str, list[str]]]:
    return [(step.joined, step.expand(lambda name: VALUES.get(name, ""))) for step in parse(line)]


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
    ],
)
def test_a_line_is_steps_of_words(line: str, steps: list[tuple[str, list[str]]]) -> None:
    assert read(line) == steps


@pytest.mark.parametrize(
    ("line", "outputs"),
    [
        ("x", {1: 1, 2: 2}),
        ("x >&2", {1: 2, 2: 2}),
        ("x 2>&1", {1: 1, 2: 1}),
        ("x >/dev/null", {1: 0, 2: 2}),
        ("x > /dev/null 2>&1", {1: 0, 2: 0}),
        ("x 2>&1 >/dev/null", {1: 0, 2: 1}),
    ],
)
def test_redirections_lead_outputs_in_the_order_in_which_they_stand(
    line: str, outputs: dict[int, int]
) -> None:
    (step,) = parse(line)
    assert step.words == ["x"]
    assert step.outputs == outputs


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("echo 'open", "unterminated"),
        ('echo "open', "unterminated"),
        ("a &&", "unexpected end of file"),
        ("&& a", 'unexpected "&&"'),
        ("a && || b", 'unexpected "||"'),
        ("ls | wc", "does not know '|'"),
        ("ls > file", "does not know '>'"),
        ("echo `id`", "does not know '`'"),
        ("echo $(id)", "does not know '$('"),
        ("sleep 9 &", "does not know '&'"),
    ],
)
def test_what_the_shell_leaves_out_is_refused_as_a_whole(line: str, message: str) -> None:
    with pytest.raises(SyntaxFault) as caught:
        parse(line)
    assert message in str(caught.value)
