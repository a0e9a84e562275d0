"""Credentials: keys, agents, passwords and prompts, and the login with them."""
