"""From an address to an SSH transport: dialling, jump hosts, key exchange, and the use of Paramiko."""
