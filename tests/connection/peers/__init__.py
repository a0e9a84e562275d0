"""Faulty and hostile peers: servers on loopback that misbehave in one way each."""
