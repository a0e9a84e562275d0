"""`python -m runner`: the same as the command `runner`."""

from runner.tasks.program import main

main()
