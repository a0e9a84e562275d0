"""A command line as network gear has it: a grammar, modes, state, and two platforms written as tables."""
