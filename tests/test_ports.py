"""Who has a port, which is free: asked of real sockets."""

import os
import socket

import psutil
import pytest

from audit8.engine.fake import FakeEngine
from audit8.ports import free_after, holder_of, is_audit8
from tests.api.serving import served


def port_of(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def test_the_holder_of_a_port_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = port_of(listening)
        assert holder_of(port) == f"{psutil.Process().name()}, process {os.getpid()}"
    assert holder_of(port) == ""


def test_what_the_system_does_not_say_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert holder_of(1) == ""


def test_the_next_free_port_is_free_and_not_a_taken_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = port_of(listening)
        free = free_after(port - 1)
        assert free > port
        with socket.create_server(("127.0.0.1", free)):
            pass
    assert free_after(65535) == 0


def test_a_server_of_this_program_is_known_by_its_health() -> None:
    with served(FakeEngine()) as server:
        assert is_audit8(int(server.url.rsplit(":", 1)[1]))


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.0 200 OK\r\n\r\n[]", b"HTTP/1.0 200 OK\r\n\r\n{}", b"SSH-2.0\r\n"])
def test_any_other_server_is_not(answer: bytes) -> None:
    import threading

    with socket.create_server(("127.0.0.1", 0)) as listening:

        def say() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                connection.sendall(answer)

        thread = threading.Thread(target=say)
        thread.start()
        assert not is_audit8(port_of(listening))
        thread.join(5)
    assert not is_audit8(port_of_a_closed_one())


def port_of_a_closed_one() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return port_of(listening)
