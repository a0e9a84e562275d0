"""Where a host is, which way leads there, and as which user one logs in."""
