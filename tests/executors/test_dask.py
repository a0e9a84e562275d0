"""Hosts over Dask workers: a death costs what that worker had, nothing is done twice, nobody listens in."""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

import runner
from runner import Host, Status
from runner.errors import UsageError
from runner.executors import dask
from runner.executors.answers import NotBegun
from runner.executors.distributed import lane
from runner.executors.distributed.executor import DaskExecutor, WorkerLost
from tests.connection.sshd import free_port
from tests.executors import jobs
from tests.executors.dask_cluster import Cluster, running_cluster
from tests.executors.jobs import Stubborn, Unpicklable, Unreadable, echo, fail, make, nap, where
from tests.liveness import gone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def executor(dask_cluster: Cluster) -> Iterator[DaskExecutor]:
    found = dask(8, dask_cluster.address)
    assert isinstance(found, DaskExecutor)
    yield found
    found.terminate_workers()
    found.shutdown()


def test_calls_are_spread_over_workers_and_threads(executor: DaskExecutor) -> None:
    places = {future.result(30) for future in [executor.submit(busy) for _ in range(8)]}
    assert len({pid for pid, _ in places}) == 2
    assert len(places) == 8


def busy() -> tuple[int, int]:
    time.sleep(0.5)
    return where()


def test_answers_come_one_by_one_though_calls_travel_together(executor: DaskExecutor) -> None:
    slow = [executor.submit(nap, 3.0) for _ in range(4)]
    quick = [executor.submit(echo, number) for number in range(4)]
    assert [future.result(30) for future in quick] == [0, 1, 2, 3]
    assert not any(future.done() for future in slow)


def test_large_arguments_and_results_travel(executor: DaskExecutor) -> None:
    data = b"x" * 5_000_000
    assert executor.submit(echo, data).result(60) == data


def test_what_cannot_travel_is_that_calls_own_matter(executor: DaskExecutor) -> None:
    with pytest.raises(TypeError, match="stays here"):
        executor.submit(echo, Unpicklable())
    with pytest.raises(NotBegun, match="cannot be made again"):
        executor.submit(echo, Unreadable()).result(30)
    with pytest.raises(TypeError, match="stays here"):
        executor.submit(make, Unpicklable).result(30)
    with pytest.raises(RuntimeError, match="Stubborn: one"):
        executor.submit(fail, Stubborn, "one", "two").result(30)
    assert isinstance(executor.submit(fail, SystemExit, "why").exception(30), SystemExit)
    assert executor.submit(echo, 1).result(30) == 1


def test_shutdown_lets_what_was_submitted_finish(dask_cluster: Cluster) -> None:
    executor = dask(4, dask_cluster.address)
    futures = [executor.submit(nap, 0.05, number) for number in range(10)]
    executor.shutdown(wait=True)
    assert [future.result(0) for future in futures] == [*range(10)]
    with pytest.raises(RuntimeError, match="after shutdown"):
        executor.submit(echo, 1)


def test_workers_are_told_beside_what_they_do(executor: DaskExecutor, tmp_path: Path) -> None:
    running = executor.submit(nap, 1.0, "done")
    executor.tell_workers(jobs.note, str(tmp_path))
    end = time.monotonic() + 30
    while len(list(tmp_path.iterdir())) < 2:
        assert time.monotonic() < end
        time.sleep(0.01)
    assert running.result(30) == "done"


def test_a_host_goes_to_a_worker_with_the_resource_that_it_names(dask_cluster: Cluster) -> None:
    at_b = [Host(f"b{n}", {"do": "where", "runner_dask_resource": "site-b"}) for n in range(6)]
    lost = Host("c", {"do": "where", "runner_dask_resource": "site-c"})
    results = runner.run(
        [*at_b, lost], jobs.host_by_name, executor="dask", scheduler=dask_cluster.address, workers=4
    )
    assert {results[host.name].value[0] for host in at_b} == {dask_cluster.workers[1].pid}
    assert results["c"].status is Status.ERROR
    assert results["c"].reason == "not-submitted"
    assert "no Dask worker has the resource 'site-c'; there are: site-b" in str(results["c"].error)


def test_a_worker_killed_in_mid_run_loses_its_own_hosts_and_the_others_are_ok(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as cluster:
        hosts = [Host(f"h{n:03}", {"do": "nap", "with": (0.2, n)}) for n in range(200)]
        found: list[runner.HostResult] = []
        results = runner.stream(
            hosts, jobs.host_by_name, executor="dask", scheduler=cluster.address, workers=20
        )
        for result in results:
            found.append(result)
            if len(found) == 40:
                cluster.workers[0].send_signal(signal.SIGKILL)
        assert sorted(result.host for result in found) == [host.name for host in hosts]
        lost = [result for result in found if result.status is Status.LOST]
        assert 0 < len(lost) <= 20
        assert {(result.reason, result.sent) for result in lost} == {("worker-died", True)}
        assert all(result.ok for result in found if result.status is not Status.LOST)


def test_what_was_under_way_on_a_dead_worker_is_not_done_again(tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    with running_cluster(tmp_path) as cluster:
        executor = dask(4, cluster.address)
        futures = [executor.submit(jobs.mark_and_nap, str(marks), n, 60.0) for n in range(4)]
        end = time.monotonic() + 30
        while len(list(marks.iterdir())) < 4:
            assert time.monotonic() < end
            time.sleep(0.01)
        for worker in cluster.workers[:]:
            worker.send_signal(signal.SIGKILL)
        cluster.add()
        assert all(isinstance(future.exception(30), WorkerLost) for future in futures)
        assert executor.submit(echo, "by the new one").result(30) == "by the new one"
        assert len(list(marks.iterdir())) == 4, "a call was done twice"
        executor.shutdown()


def test_a_batch_for_a_worker_that_is_no_more_is_not_done_by_another(dask_cluster: Cluster) -> None:
    from distributed import Client

    with Client(dask_cluster.address, set_as_default=False) as client:
        task = client.submit(lane.work, "nobody", "Worker-of-yesterday", [(1, b"")], pure=False)
        assert isinstance(task.exception(timeout=30), lane.WrongWorker)


def test_without_its_scheduler_a_run_ends_and_every_host_has_its_result(tmp_path: Path) -> None:
    with running_cluster(tmp_path) as cluster:
        executor = dask(4, cluster.address)
        futures = [executor.submit(nap, 60.0) for _ in range(4)]
        time.sleep(0.5)
        cluster.stack.close()
        assert not wait(futures, timeout=60).not_done
        assert all(isinstance(future.exception(), WorkerLost) for future in futures)
        executor.shutdown(wait=False)


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
        running_cluster(tmp_path, ()) as cluster,
        pytest.raises(UsageError, match="no worker has connected to this scheduler; start some with"),
    ):
        dask(1, cluster.address)


def test_a_function_that_workers_cannot_import_is_told(
    dask_cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_here.py").write_text("def job(session):\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import only_here  # type: ignore[import-not-found]

    (result,) = runner.stream([Host("h")], only_here.job, executor="dask", scheduler=dask_cluster.address)
    assert (result.status, result.reason, result.sent) == (Status.ERROR, "not-begun", False)
    assert "No module named 'only_here'" in str(result.error)


def test_an_unencrypted_way_to_another_machine_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    from runner.executors.distributed import cluster

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
    with running_cluster(tmp_path, ("", ""), flags) as cluster:
        assert cluster.address.startswith("tls://")
        with dask_package.config.set(security(ours)):
            results = runner.run(hosts, jobs.host_by_name, executor="dask", scheduler=cluster.address)
        assert [result.value for result in results.values()] == [*range(10)]
        monkeypatch.setattr("runner.executors.distributed.cluster._CONNECT_S", 3.0)
        with dask_package.config.set(security(theirs)), pytest.raises(UsageError, match="--scheduler tls://"):
            dask(1, cluster.address)


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
