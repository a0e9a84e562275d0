"""The fleet as a whole: it starts at once, takes and gives back its ports, and behaves as its devices say."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
import subprocess
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING

import asyncssh
import paramiko
import pytest

from runner.demo import DEMO_DEVICES, Device, Fleet, Platform, replicas
from runner.demo.keys import public_key
from runner.errors import RunnerError, UsageError

from .clients import connect, execute, named

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .clients import Answer


def of_fleets() -> set[threading.Thread]:
    """The threads of all fleets that run, those of other tests among them."""
    return {thread for thread in threading.enumerate() if thread.name == "demo-fleet"}


def refuses_connections(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


def test_every_device_that_is_up_answers_as_soon_as_start_returns(fleet: Fleet) -> None:
    for device in DEMO_DEVICES:
        place = fleet.endpoint(device.name)
        if device.listening:
            with socket.create_connection((place.address, place.port), timeout=20) as connection:
                assert connection.recv(4) == b"SSH-"


def test_the_demo_devices_have_fixed_ports_below_the_ephemeral_range() -> None:
    ports = [device.port for device in DEMO_DEVICES]
    assert len(set(ports)) == len(ports)
    assert min(ports) > 1024
    assert max(ports) < 32768
    assert {device.address for device in DEMO_DEVICES} == {"127.0.0.1"}


def test_a_device_that_is_down_refuses_connections_and_keeps_its_port_from_others(fleet: Fleet) -> None:
    port = fleet.endpoint("r-down").port
    assert refuses_connections(port)
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


def test_a_device_that_refuses_the_login_refuses_the_right_password_too(fleet: Fleet) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        connect(fleet, "r-denied")


@pytest.mark.parametrize(("user", "password"), [("demo", "wrong"), ("demo", ""), ("root", "demo")])
def test_a_wrong_name_or_password_is_refused(fleet: Fleet, user: str, password: str) -> None:
    with pytest.raises(paramiko.AuthenticationException):
        connect(fleet, "r1", user, password)


def test_a_listed_public_key_logs_in_and_another_does_not() -> None:
    key, other = paramiko.ECDSAKey.generate(), paramiko.ECDSAKey.generate()
    device = named("web1", authorized_keys=(f"{key.get_name()} {key.get_base64()} someone",))
    with Fleet([device]) as fleet:
        with connect(fleet, "web1", password=None, pkey=key) as client:
            assert execute(client, "whoami").stdout == "demo\n"
        with pytest.raises(paramiko.AuthenticationException):
            connect(fleet, "web1", password=None, pkey=other)


def test_the_slow_device_answers_rightly_after_its_two_seconds() -> None:
    with Fleet([named("r-slow")]) as fleet, connect(fleet, "r-slow") as client:
        before = time.monotonic()
        assert "r-slow uptime is" in execute(client, "show version").stdout
        assert time.monotonic() - before >= 2.0


def test_a_login_takes_the_delay_that_the_device_says() -> None:
    with Fleet([Device("d", login_delay_s=0.5)]) as fleet:
        before = time.monotonic()
        connect(fleet, "d").close()
        assert time.monotonic() - before >= 0.5


def test_latency_is_paid_once_for_each_round_trip() -> None:
    with Fleet([Device("d", latency_s=0.2)]) as fleet, connect(fleet, "d") as client:
        before = time.monotonic()
        assert "d uptime is" in execute(client, "show version").stdout
        # opening the channel and requesting the command are a round trip each
        assert time.monotonic() - before >= 0.4


def test_a_client_that_leaves_while_packets_are_still_under_way_harms_nobody() -> None:
    with Fleet([Device("d", latency_s=0.3)]) as fleet:
        for _ in range(3):
            place = fleet.endpoint("d")
            with socket.create_connection((place.address, place.port), timeout=20) as connection:
                connection.sendall(b"SSH-2.0-hasty\r\n")
        with connect(fleet, "d") as client:
            assert "d uptime is" in execute(client, "show version").stdout


def test_a_port_in_use_is_one_line_that_names_it_and_leaves_nothing_running() -> None:
    others = of_fleets()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        first = Device("first")
        fleet = Fleet([first, Device("second", port)])
        with pytest.raises(RunnerError) as caught:
            fleet.start()
        assert refuses_connections(fleet.endpoint("first").port)
    message = str(caught.value)
    assert f"127.0.0.1:{port}" in message
    assert "second" in message
    assert "stop the program there" in message
    assert "\n" not in message
    assert of_fleets() == others


def test_a_device_that_is_down_cannot_take_a_port_in_use_either() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(RunnerError, match=f"127.0.0.1:{port}"):
            Fleet([Device("d", port, listening=False)]).start()


def test_a_fleet_that_could_not_start_starts_once_the_port_is_free() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        fleet = Fleet([Device("d", taken.getsockname()[1])])
        with pytest.raises(RunnerError):
            fleet.start()
    with fleet, connect(fleet, "d") as client:
        assert "d uptime" in execute(client, "show version").stdout


def test_stopping_ends_connections_ports_and_the_thread() -> None:
    others = of_fleets()
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        fleet = Fleet([named("r1"), named("web1"), named("r-down")]).start()
        ports = [fleet.endpoint(device.name).port for device in fleet.devices]
        client = connect(fleet, "web1")
        channel = client.get_transport().open_session()
        channel.exec_command("sleep 600")
        fleet.stop()
        channel.settimeout(20)
        assert channel.recv(1) == b""
        client.close()
        gc.collect()
    assert all(refuses_connections(port) for port in ports)
    assert of_fleets() == others


def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    fleet = Fleet([named("r1")])
    fleet.stop()
    with fleet:
        pass
    fleet.stop()


def test_starting_twice_is_refused_and_the_fleet_goes_on(fleet: Fleet) -> None:
    with pytest.raises(RunnerError, match="already running"):
        fleet.start()
    connect(fleet, "r1").close()


def test_waiting_ends_when_the_fleet_is_stopped() -> None:
    fleet = Fleet([named("r1")]).start()
    waiting = threading.Thread(target=fleet.wait)
    waiting.start()
    fleet.stop()
    waiting.join(timeout=20)
    assert not waiting.is_alive()


def test_control_c_ends_a_fleet_that_is_waited_for() -> None:
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "from runner.demo import Device, Fleet\n"
        "with Fleet([Device('d')]) as fleet:\n"
        "    try:\n"
        "        print(fleet.endpoint('d').port, flush=True)\n"
        "        fleet.wait()\n"
        "    except KeyboardInterrupt: print('interrupted')\n"
        "print('ended')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        port = int(process.stdout.readline())
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == "interrupted\nended\n"
    assert process.returncode == 0
    assert refuses_connections(port)


@pytest.mark.parametrize("address", ["0.0.0.0", "192.0.2.1", "localhost", ""])
def test_no_device_is_shown_to_other_machines(address: str) -> None:
    with pytest.raises(UsageError, match=r"127\.0\.0\.0/8"):
        Fleet([Device("d", address=address)])


def test_a_device_may_listen_on_any_loopback_address_that_the_system_has() -> None:
    if sys.platform != "linux":
        pytest.skip("only Linux answers on all of 127.0.0.0/8")
    with Fleet([Device("d", address="127.8.0.1")]) as fleet, connect(fleet, "d") as client:
        assert client.get_transport().getpeername()[0] == "127.8.0.1"


def test_a_port_that_is_none_is_one_line_too() -> None:
    with pytest.raises(RunnerError, match=r"demo device d cannot listen on 127\.0\.0\.1:99999"):
        Fleet([Device("d", 99999)]).start()


def test_two_devices_of_one_name_are_refused() -> None:
    with pytest.raises(UsageError, match="have the same name: give each a different one"):
        Fleet([Device("d"), Device("d")])


def test_a_device_serves_the_host_key_that_its_name_gives(fleet: Fleet) -> None:
    with connect(fleet, "sw1") as client:
        key = client.get_transport().get_remote_server_key()
    assert f"{key.get_name()} {key.get_base64()}" == public_key("sw1")


def test_known_hosts_of_a_running_fleet_holds_for_a_strict_client(fleet: Fleet, tmp_path: Path) -> None:
    path = tmp_path / "known_hosts"
    path.write_text(fleet.known_hosts())
    place = fleet.endpoint("web2")
    client = paramiko.SSHClient()
    client.load_host_keys(str(path))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    with client:
        client.connect(
            place.address, place.port, "demo", "demo", timeout=20, allow_agent=False, look_for_keys=False
        )
        assert execute(client, "hostname").stdout == "web2\n"


async def hundred_answers(fleet: Fleet) -> list[str]:
    answers = []
    for device in fleet.devices:
        place = fleet.endpoint(device.name)
        async with asyncssh.connect(
            place.address, place.port, username="demo", password="demo", known_hosts=None, config=None
        ) as connection:
            answers.append((await connection.run("show version")).stdout)
    return answers


def test_replicas_are_as_many_devices_as_asked_for_each_with_its_own_name() -> None:
    devices = replicas(Device("model"), 100)
    with Fleet(devices) as fleet:
        answers = asyncio.run(hundred_answers(fleet))
    assert [device.name for device in devices[:2]] == ["d001", "d002"]
    for device, answer in zip(devices, answers, strict=True):
        assert f"{device.name} uptime is" in answer


def test_replicas_take_consecutive_ports_where_the_first_is_given() -> None:
    assert [device.port for device in replicas(Device("m"), 3, first_port=22301)] == [22301, 22302, 22303]


def test_importing_the_fleet_loads_no_ssh_library() -> None:
    code = (
        "import sys, runner.demo; print(sorted({'asyncssh', 'cryptography', 'paramiko'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_without_asyncssh_the_fleet_names_the_extra_to_install() -> None:
    code = (
        "import sys; sys.modules['asyncssh'] = None\n"
        "from runner.demo import Fleet\n"
        "from runner.errors import MissingExtra\n"
        "try: Fleet().start()\n"
        "except MissingExtra as exc: print(exc)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install -e '.[demo]'" in done.stdout


def test_a_signal_ends_a_program_that_waits_for_its_input(fleet: Fleet) -> None:
    async def interrupt() -> int | None:
        place = fleet.endpoint("web1")
        async with asyncssh.connect(
            place.address, place.port, username="demo", password="demo", known_hosts=None, config=None
        ) as connection:
            process = await connection.create_process("echo ready; cat")
            await process.stdout.readline()
            process.send_signal("INT")
            return (await process.wait(timeout=20)).exit_status

    assert asyncio.run(interrupt()) == 0


@pytest.mark.parametrize("name", ["r1", "web1"])
def test_a_device_is_no_way_to_anywhere_else(fleet: Fleet, name: str) -> None:
    with connect(fleet, name) as client, socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        other.setblocking(False)
        with pytest.raises(paramiko.ChannelException, match="failed"):
            client.get_transport().open_channel(
                "direct-tcpip", other.getsockname(), ("127.0.0.1", 1), timeout=20
            )
        with pytest.raises(paramiko.SSHException):
            client.get_transport().request_port_forward("127.0.0.1", 0)
        with pytest.raises(BlockingIOError):
            other.accept()


def test_a_device_says_which_platform_it_is(ask: Callable[..., Answer]) -> None:
    assert "IOS XE" in ask("r1", "show version").stdout
    assert "NX-OS" in ask("sw1", "show version").stdout
    assert ask("db1", "uname").stdout == "Linux\n"
    not_in_the_fleet = {Platform.EOS, Platform.JUNOS}
    assert {device.platform for device in DEMO_DEVICES} == set(Platform) - not_in_the_fleet
