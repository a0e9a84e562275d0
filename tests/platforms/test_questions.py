"""The questions and the pagers at which a device waits, and what only resembles them."""

from __future__ import annotations

import time

import pytest

from runner.platforms.questions import is_pager, pager_key, question


@pytest.mark.parametrize(
    "line",
    [
        "Proceed with reload? [confirm]",
        "Erase flash: before copying? [confirm]",
        "System configuration has been modified. Save? [yes/no]: ",
        "Would you like to enter the initial configuration dialog? [yes/no]: ",
        "Do you want to continue? (y/n)",
        "Do you want to continue? (y/n) [n] ",
        "Proceed? (Y/N)? [N]:",
        "Continue (y or n)? ",
        "This will reboot. Continue y/n",
        "Overwrite the file? <y/n>",
        "Save config (yes/no)",
        "Are you sure (yes/no/[fingerprint])?",
        "Are you sure to continue?[Y/N]:",
        "Continue? [Y(yes)/N(no)/C(cancel)]:",
        "The password needs to be changed. Change now? [Y/N]:",
        "Do you want to save current configuration [y/n/^C]? ",
        "Reboot the system ? [yes,no] (no) ",
        "Exit with uncommitted changes? [yes,no] (yes) ",
        "Uncommitted changes found, commit them before exiting(yes/no/cancel)? [cancel]:",
        "Reboot, yes? [y/N]:",
        "Destination filename [startup-config]? ",
        "Address or name of remote host []? ",
        "How many bits in the modulus [512]: ",
        "Enter your choice [1]: ",
        "Do you want to continue?",
        "Password:",
        "Password: ",
        "admin's password: ",
        "Password for admin: ",
        "Enter old password:",
        "new password> ",
        "Username: ",
        "login: ",
        "Enter selection: ",
        "Select an option (1-4):",
        "{ <cr>|slot<K> }:",
        "Press Y or ENTER to continue, N to exit.",
    ],
)
def test_a_question_is_the_last_line_as_it_stands(line: str) -> None:
    assert question(line) == line.strip()
    assert question(f"what was printed before\r\n{line}") == line.strip()
    assert not is_pager(line)


@pytest.mark.parametrize(
    "tail",
    [
        "",
        " ",
        "router#",
        "Router>",
        "router(config)#",
        "[admin@MikroTik] > ",
        "--{ running }--[  ]--\nA:leaf1# ",
        "user@host:~$ ",
        "<HUAWEI>",
        "[HUAWEI-ui]",
        "fw (vdom) # ",
        "(Cisco Controller) >",
        "leaf(maint-mode)#",
        "sw-password>",
        "admin:",
        "{master:0}\nuser@mx> ",
        "Interface Gi0/1 is up",
        "% Invalid input detected at '^' marker.",
        "Entry address(es):",
        "Log Buffer (16384 bytes):",
        "Election Option Information:",
        "GE1/0/25 has 1 neighbor(s):",
        "LLDP neighbor-information of port 1[GigabitEthernet0/0]:",
        "10.0.4.0/24        10.164.199.181  10.244.28.102  3222 65401?",
        "Do you want to continue?\n",
        "*> 10.0.0.0/8    172.26.159.6    0    5000    0    62222.4002 ?",
        "Proceed with reload? [confirm]\r\n",
        "Password:\r\nrouter#",
        "router#show more",
        "one more thing",
        "there are more-specific routes",
    ],
)
def test_a_prompt_or_a_finished_line_is_neither_question_nor_pager(tail: str) -> None:
    assert question(tail) is None
    assert pager_key(tail) is None


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("--More--", " "),
        (" --More-- ", " "),
        ("--MORE--", " "),
        ("---more---", " "),
        ("---(more)---", " "),
        ("---(more 45%)---", " "),
        ("<--- More --->", " "),
        ("  ---- More ----", " "),
        ("---- More ( Press 'Q' to break ) ----", " "),
        ("--More-- or (q)uit", " "),
        ("--More or (q)uit--", " "),
        ("--More-- (q = quit)", " "),
        ("(more)", " "),
        ("-- MORE --, next page: Space, next line: Enter, quit: Control-C", " "),
        ("--More--, next page: Space, next line: Return key, quit: Control-c", " "),
        ("More: <space>,  Quit: q or CTRL+Z, One line: <return>", " "),
        ("-more <Press SPACE for another page, 'q' to quit>-", " "),
        ("Press any key to continue (Q to quit)", " "),
        ("-Press Any Key For More-", " "),
        ("< Hit any key >", " "),
        ("Press <SPACE> to continue or <Q> to quit:", " "),
        ("....press ENTER to next line, CTRL_C to quit, other key to next page....", " "),
        ("CTRL+C ESC q Quit SPACE n Next Page ENTER Next Entry a All", " "),
        ("-- [Q quit|D dump|down]", " "),
        ("lines 1-23", " "),
        ("lines 1-23/100 23%", " "),
        (":", " "),
        ("lines 24-45/45 (END)", "q"),
        ("(END)", "q"),
        ("Press RETURN to get started.", "\r"),
    ],
)
def test_a_pager_says_how_it_goes_on(line: str, key: str) -> None:
    assert pager_key(line) == key
    assert pager_key(f"last line of the page\r\n{line}") == key
    assert is_pager(line)
    assert question(line) is None


@pytest.mark.parametrize(
    "tail",
    [
        "--More--\r        \r",
        "--More--" + "\b" * 8 + " " * 8 + "\b" * 8,
        "--More--\r\x1b[K",
        "\x1b[7m--More--\x1b[m\x1b[2K\r",
        "--More--\r        \rGi0/1  up",
    ],
)
def test_a_pager_that_the_device_has_wiped_out_is_gone(tail: str) -> None:
    assert not is_pager(tail)


@pytest.mark.parametrize(
    ("tail", "line"),
    [
        ("\x1b[1mSure? [y/n]\x1b[0m ", "Sure? [y/n]"),
        ("\r\x1b[KSave?\x07 [confirm]", "Save? [confirm]"),
        ("progress 10%\rOverwrite? (y/n)", "Overwrite? (y/n)"),
    ],
)
def test_colours_and_cursor_movements_do_not_hide_a_question(tail: str, line: str) -> None:
    assert question(tail) == line


def test_colours_do_not_hide_a_pager() -> None:
    assert is_pager("\x1b[24;1H-- MORE --, next page: Space\x1b[24;30H")
    assert is_pager("\x1b[7mlines 1-23\x1b[27m\x1b[K")


def test_only_the_end_of_a_long_line_is_looked_at() -> None:
    assert question("x" * 10_000_000 + " Continue? [confirm]") == ("x" * 480 + " Continue? [confirm]")
    assert question("[confirm]" + "x" * 500) is None


@pytest.mark.parametrize(
    "piece", ["[", "(", "-", "- ", "y/", "(y", "[y", "press ", "enter ", "password ", "more-", "\x1b["]
)
def test_hostile_text_takes_no_time_to_speak_of(piece: str) -> None:
    began = time.process_time()
    for _ in range(10):
        question(piece * 500)
        is_pager(piece * 500)
    assert time.process_time() - began < 5
