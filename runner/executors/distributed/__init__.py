"""Run hosts on the workers of a Dask cluster; each worker connects to its hosts from its own machine.

A fan-out becomes a few Dask tasks with many hosts each. Dask lists the workers, carries the hosts to them
and carries the results back.
"""
