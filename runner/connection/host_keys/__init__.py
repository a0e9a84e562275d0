"""Which host keys are known, revoked or vouched for, and what is recorded of new ones."""
