"""How to reach a host and log in to it: its address, its jump hosts, the user and the credentials."""
