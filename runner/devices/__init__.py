"""What network devices say, as data."""
