"""The connection to a Dask cluster, and the one on this machine, which is for this program alone."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import textwrap
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Host
from runner.errors import UsageError
from runner.executors import dask
from runner.executors.distributed import cluster
from runner.executors.distributed.cluster import briefly, connect, start
from tests.connection.sshd import free_port
from tests.executors import jobs
from tests.executors.dask_cluster import Cluster, running_cluster
from tests.liveness import comes_true, gone

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def connected(dask_cluster: Cluster) -> Iterator[cluster.Cluster]:
    """A connection to the cluster that tests share."""
    found = connect(dask_cluster.address)
    yield found
    found.close()


def test_a_connection_lists_the_workers_of_a_cluster_that_is_not_ours(connected: cluster.Cluster) -> None:
    assert len(connected.workers()) == connected.processes == 2
    assert all(address.startswith("tcp://127.0.0.1:") for address in connected.workers())
    assert not connected.local


def test_each_worker_introduces_itself(connected: cluster.Cluster) -> None:
    said = [connected.introduction(address) for address in connected.workers()]

    assert {each.version for each in said if not isinstance(each, Exception)} == {runner.__version__}
    assert {each.resources for each in said if not isinstance(each, Exception)} == {
        frozenset(),
        frozenset({"site-b"}),
    }


def test_every_worker_is_told(connected: cluster.Cluster, dask_cluster: Cluster, tmp_path: Path) -> None:
    connected.tell(jobs.note, str(tmp_path))

    assert comes_true(lambda: len(list(tmp_path.iterdir())) == 2)
    assert {path.name for path in tmp_path.iterdir()} == {str(each.pid) for each in dask_cluster.workers}


def test_a_closed_connection_leaves_the_cluster_to_others(
    connected: cluster.Cluster, dask_cluster: Cluster
) -> None:
    other = connect(dask_cluster.address)
    other.close()

    assert other.client.status == "closed"
    assert set(connected.client.run(os.getpid).values()) == {each.pid for each in dask_cluster.workers}


def test_a_connection_that_is_closed_twice_or_used_after_that_raises_nothing(dask_cluster: Cluster) -> None:
    found = connect(dask_cluster.address)
    found.close()

    found.close()
    found.tell(jobs.echo, 1)


def test_a_cluster_call_that_hangs_does_not_delay_its_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.executors.distributed.cluster._ASK_S", 0.01)
    release, ended = threading.Event(), threading.Event()

    def hang() -> None:
        release.wait(30)
        ended.set()

    briefly(hang)

    assert not ended.is_set()
    release.set()
    assert ended.wait(30)


def test_a_cluster_call_that_is_quick_has_ended_when_its_caller_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("runner.executors.distributed.cluster._ASK_S", 30.0)
    done: list[str] = []

    briefly(lambda: done.append(jobs.nap(0.1, "after a while")))

    assert done == ["after a while"]


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_the_error_of_a_cluster_call_is_not_its_callers() -> None:
    briefly(lambda: jobs.fail(OSError, "the scheduler is gone"))


def test_a_local_cluster_speaks_tls_on_loopback_and_leaves_nothing_behind() -> None:
    found = start(1)
    try:
        assert found.local
        assert found.processes == 1
        (address,) = found.workers()
        assert address.startswith("tls://127.0.0.1:")
        pid = found.client.run(os.getpid)[address]
        (folder,) = found.client.run(folder_of_worker).values()
        assert Path(folder).is_dir()
        assert Path(folder).stat().st_uid == os.getuid()
        assert Path(folder).stat().st_mode & 0o077 == 0, "the folder is for its owner alone"
    finally:
        found.close()
    assert gone(pid)
    assert not Path(folder).exists()


def folder_of_worker(dask_worker: Any) -> str:
    """Return the private folder that the worker's own folder is in."""
    path = Path(dask_worker.local_directory)
    return str(next(each for each in path.parents if each.name.startswith("runner-dask-")))


def test_a_cluster_on_this_machine_is_ours_alone_and_ends_with_the_run(tmp_path: Path) -> None:
    code = """
        import os, subprocess, runner
        from tests.executors import jobs

        if __name__ == "__main__":
            hosts = [runner.Host(f"h{n}", {"do": "where"}) for n in range(8)]
            listening = ["ss", "-Hltnp"]
            pids = {os.getpid()}
            for result in runner.stream(hosts, jobs.host_by_name, executor="dask", workers=4):
                print(result.status, result.value[0], result.value[0] == os.getpid())
                pids.add(result.value[0])
                last = subprocess.run(listening, capture_output=True, text=True).stdout
            ours = [line for line in last.splitlines() if any(f"pid={pid}," in line for pid in pids)]
            mine = [line.split()[3] for line in ours]
            print(len(mine) > 3, *[place for place in mine if not place.startswith("127.0.0.1:")])
    """
    (tmp_path / "main.py").write_text(textwrap.dedent(code))
    done = subprocess.run(
        [sys.executable, str(tmp_path / "main.py")], capture_output=True, text=True, timeout=90, check=False
    )
    assert done.stderr == ""
    *lines, elsewhere = done.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["ok"] * 8
    assert {line.split()[2] for line in lines} == {"False"}
    assert elsewhere == "True"
    assert gone(*{int(line.split()[1]) for line in lines})


@pytest.mark.parametrize(
    "address", ["10.0.0.1:8786", "http://h:1", "tcp://h", "tcp://:1", "tls://h:port", "tcp://h:99999"]
)
def test_what_is_no_address_of_a_scheduler_is_told(address: str) -> None:
    with pytest.raises(UsageError, match=r"--scheduler .*: expected tcp://HOST:PORT or tls://HOST:PORT"):
        dask(1, address)


def test_a_scheduler_that_is_not_there_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.executors.distributed.cluster._CONNECT_S", 1.0)
    with pytest.raises(UsageError, match="--scheduler tcp://127") as caught:
        dask(1, f"tcp://127.0.0.1:{free_port()}")
    assert "\n" not in str(caught.value)


def test_a_scheduler_without_workers_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runner.executors.distributed.cluster._WORKERS_S", 0.5)
    with (
        running_cluster(tmp_path, ()) as empty,
        pytest.raises(UsageError, match="no worker has connected to this scheduler; start some with"),
    ):
        dask(1, empty.address)


def test_an_unencrypted_way_to_another_machine_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        cluster._check("tcp://192.0.2.1:8786")
    assert "tcp://192.0.2.1:8786 is not encrypted: passwords" in caplog.text
    caplog.clear()
    cluster._check("tls://192.0.2.1:8786")
    cluster._check("tcp://127.0.0.1:8786")
    assert caplog.text == ""


def test_over_tls_only_who_has_a_certificate_of_the_same_authority_gets_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dask as dask_package

    ours, theirs = certificates(tmp_path / "ours"), certificates(tmp_path / "theirs")
    flags = [f"--tls-{name}={path}" for name, path in ours.items()]
    hosts = [Host(f"h{number}", {"do": "echo", "with": (number,)}) for number in range(10)]
    with running_cluster(tmp_path, ("", ""), flags) as secured:
        assert secured.address.startswith("tls://")
        with dask_package.config.set(security(ours)):
            results = runner.run(hosts, jobs.host_by_name, executor="dask", scheduler=secured.address)
        assert [result.value for result in results.values()] == [*range(10)]
        monkeypatch.setattr("runner.executors.distributed.cluster._CONNECT_S", 3.0)
        with dask_package.config.set(security(theirs)), pytest.raises(UsageError, match="--scheduler tls://"):
            dask(1, secured.address)


def security(files: dict[str, Path]) -> dict[str, Any]:
    """Dask's own settings for these files."""
    names = {"ca-file": "ca-file", "client.cert": "cert", "client.key": "key"}
    return {f"distributed.comm.tls.{name}": str(files[part]) for name, part in names.items()}


def certificates(folder: Path) -> dict[str, Path]:
    """Make an authority and a certificate of it; return the files."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    folder.mkdir()
    now = datetime.now(UTC)

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

    authority, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    files = {part: folder / f"{part}.pem" for part in ("ca-file", "cert", "key")}
    for subject, key, path, is_authority in (
        ("authority", authority, files["ca-file"], True),
        ("dask", own, files["cert"], False),
    ):
        made = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("authority"))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .sign(authority, hashes.SHA256())
        )
        path.write_bytes(made.public_bytes(Encoding.PEM))
    files["key"].write_bytes(own.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return files
