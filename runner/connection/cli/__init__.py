"""The `cli` connection: an interactive CLI of a network device, over an SSH connection of ours."""
