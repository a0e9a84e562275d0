"""The `cli` connection: the interactive CLI of a network device, over one of our SSH connections."""
