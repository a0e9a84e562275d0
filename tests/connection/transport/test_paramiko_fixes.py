"""The private names of Paramiko that we depend on exist and behave as we expect."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import paramiko
import pytest
from paramiko.common import MSG_CHANNEL_REQUEST

from runner.connection.deadline import Deadline
from runner.connection.ssh import connect
from runner.connection.transport.paramiko_fixes import Transport, send_signal, sending_on
from runner.models import Endpoint
from tests.liveness import comes_true

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.connection.sshd import Sshd


@pytest.fixture
def transport(sshd: Sshd) -> Iterator[Transport]:
    connection = connect(sshd.host(), sshd.options(), Deadline())
    assert connection._transport is not None
    yield connection._transport
    connection.close()


@pytest.mark.parametrize(
    ("owner", "name", "parameters"),
    [
        (paramiko.Channel, "_handle_request", ["self", "m"]),
        (paramiko.Transport, "_send_message", ["self", "data"]),
        (paramiko.Transport, "_send_user_message", ["self", "data"]),
        (paramiko.Transport, "_parse_disconnect", ["self", "m"]),
        (paramiko.Transport, "_next_channel", ["self"]),
        (paramiko.Transport, "_parse_channel_open_failure", ["self", "m"]),
        (paramiko.Transport, "_filter_algorithm", ["self", "type_"]),
        (paramiko.Transport, "_log", ["self", "level", "msg", "args"]),
        (paramiko.Transport, "_check_banner", ["self"]),
        (paramiko.Transport, "_send_kex_init", ["self"]),
        (paramiko.Transport, "_expect_packet", ["self", "ptypes"]),
        (paramiko.Transport, "_enforce_strict_kex", ["self", "ptype"]),
        (paramiko.Channel, "_unlink", ["self"]),
        (paramiko.auth_handler.AuthHandler, "_parse_service_accept", ["self", "m"]),
    ],
)
def test_each_private_name_is_still_there(owner: type, name: str, parameters: list[str]) -> None:
    assert list(inspect.signature(getattr(owner, name)).parameters) == parameters


def test_paramikos_own_loop_does_with_packets_what_ours_does() -> None:
    names = {name for name in paramiko.Transport.run.__code__.co_names if name.startswith(("_", "MSG_"))}

    assert names == {
        *("MSG_DEBUG", "MSG_DISCONNECT", "MSG_IGNORE", "MSG_KEXINIT", "MSG_NAMES", "MSG_UNIMPLEMENTED"),
        *("_check_banner", "_send_kex_init", "_expect_packet", "_expected_packet", "_enforce_strict_kex"),
        *("_handler_table", "_channel_handler_table", "_channels", "_unlink"),
        *("_send_message", "_parse_disconnect", "_log"),
        "_parse_debug",  # `Packets` turns debug messages into MSG_IGNORE
        "_ensure_authed",  # does nothing in a client
        "_active_threads",  # threads to wait for at the end of the program
    }


def test_the_types_of_host_key_are_paramikos_in_either_order(transport: Transport) -> None:
    paramikos = paramiko.Transport.preferred_keys.fget(transport)  # type: ignore[attr-defined]

    assert transport.preferred_keys == paramikos
    transport.runner_certificates = True
    assert sorted(transport.preferred_keys) == sorted(paramikos)
    assert "-cert-" in transport.preferred_keys[0]


def test_channel_requests_go_through_the_table_that_we_change() -> None:
    assert MSG_CHANNEL_REQUEST in paramiko.Transport._channel_handler_table  # type: ignore[attr-defined]
    assert (
        Transport._channel_handler_table[MSG_CHANNEL_REQUEST]
        is not paramiko.Transport._channel_handler_table[MSG_CHANNEL_REQUEST]  # type: ignore[attr-defined]
    )


def test_an_exit_signal_is_kept(transport: Transport) -> None:
    channel = transport.open_session(timeout=60)
    channel.exec_command("kill -TERM $$")
    channel.recv(10)

    assert comes_true(lambda: hasattr(channel, "runner_exit_signal"))
    assert channel.runner_exit_signal == "TERM"


def test_a_signal_reaches_the_command(transport: Transport) -> None:
    channel = transport.open_session(timeout=60)
    channel.exec_command("trap 'echo caught; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    assert channel.recv(10) == b"ready\n"
    send_signal(channel, "TERM")
    channel.settimeout(60)

    assert channel.recv(10) == b"caught\n"


def test_nothing_is_sent_on_a_channel_that_is_closed(transport: Transport) -> None:
    first = transport.open_session(timeout=60)
    first.exec_command("cat")
    first.close()
    # OpenSSH ends the connection if Paramiko sends data after its own close; so the data must be dropped.
    with sending_on(first):
        message = paramiko.Message()
        message.add_byte(bytes([paramiko.common.MSG_CHANNEL_DATA]))
        message.add_int(first.remote_chanid)
        message.add_string("late")
        transport._send_user_message(message)

    transport.open_session(timeout=60).close()  # the server answers after it has read what was sent before
    assert transport.is_active()


def test_a_refused_channel_says_what_its_own_refusal_said(sshd: Sshd, transport: Transport) -> None:
    with pytest.raises(paramiko.ChannelException) as raised:
        transport.open_channel("direct-tcpip", ("127.0.0.1", 1), ("127.0.0.1", 0), timeout=60)

    assert "refused" in str(raised.value)
    connection = connect(sshd.host(), sshd.options(), Deadline())
    channel = connection.forward(Endpoint("127.0.0.1", sshd.port), 5)
    channel.settimeout(5)
    assert channel.recv(4) == b"SSH-"
    connection.close()


def test_a_server_that_takes_one_request_for_its_service_takes_several_credentials() -> None:
    from runner.connection.transport.dial import dial
    from tests.connection.peers.ssh import PASSWORD, USER, Script
    from tests.connection.peers.stage import Stage

    with Stage() as stage:
        transport = Transport(dial(Endpoint("127.0.0.1", stage.ssh(Script())), 5))
        transport.start_client(timeout=60)
        for wrong in ("one", "two"):
            with pytest.raises(paramiko.AuthenticationException):
                transport.offer_password(USER, wrong)
        transport.offer_password(USER, PASSWORD)

        assert transport.is_authenticated()
        transport.close()
