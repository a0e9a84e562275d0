"""ICMP echo: messages, sockets, errors that routers report, and the loop that sends to many hosts."""
