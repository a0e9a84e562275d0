"""The Dask cluster that tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.executors.dask_cluster import Cluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def dask_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with running_cluster(tmp_path_factory.mktemp("dask"), ("", "site-b=1")) as cluster:
        yield cluster
