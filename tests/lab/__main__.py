"""`python -m tests.lab up|down|status`: the lab from the command line, without Invoke."""

from __future__ import annotations

import argparse
import sys

from tests import lab


def main(arguments: list[str]) -> int:
    """Do what the one argument says and return the exit code: 0, or 1 after one line on stderr."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=lab.__doc__)
    parser.add_argument("action", choices=("up", "down", "status"))
    action = parser.parse_args(arguments).action
    try:
        if action == "up":
            lab.up()
        elif action == "down":
            lab.down()
        nodes = lab.status()
    except lab.LabError as exc:
        sys.stderr.write(f"lab {action}: {exc}\n")
        return 1
    sys.stdout.write("".join(f"{node}\n" for node in nodes))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
