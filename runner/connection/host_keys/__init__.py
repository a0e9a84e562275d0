"""Host keys: which are known, revoked or certified, and how new ones are recorded."""
