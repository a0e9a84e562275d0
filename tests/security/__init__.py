"""What the trust model promises, attacked on purpose."""
