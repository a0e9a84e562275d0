"""The command line of network gear: a grammar, modes, state, and two platforms as tables."""
