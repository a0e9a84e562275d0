"""The command line of network gear: a grammar, modes, state, and four platforms as tables."""
