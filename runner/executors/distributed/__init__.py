"""Hosts over the workers of a Dask cluster, each of which dials from where it stands.

For Dask a fan-out is a few tasks that hold many hosts each; it tells which workers there are, takes the
hosts to them, and their results back.
"""
