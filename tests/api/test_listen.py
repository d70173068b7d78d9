"""Sockets: both families on one port, and words when the port cannot be had."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from audit8.api.listen import open_sockets
from audit8.errors import StartupError


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as one:
            one.bind(("::1", 0))
    except OSError:
        return False
    return True


@contextlib.contextmanager
def closing(sockets: list[socket.socket]) -> Iterator[list[tuple[str, int]]]:
    try:
        yield [one.getsockname()[:2] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def test_localhost_is_both_families_on_one_port() -> None:
    with closing(open_sockets("localhost", 0)) as names:
        hosts = [host for host, _ in names]
        assert hosts == (["127.0.0.1", "::1"] if has_ipv6() else ["127.0.0.1"])
        assert len({port for _, port in names}) == 1
        for host, port in names:
            socket.create_connection((host, port), timeout=2).close()


def test_another_host_is_one_socket() -> None:
    with closing(open_sockets("127.0.0.1", 0)) as names:
        assert [host for host, _ in names] == ["127.0.0.1"]


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_taken_port_is_named_with_what_to_do(host: str) -> None:
    with closing(open_sockets("127.0.0.1", 0)) as [(_, port)]:
        with pytest.raises(StartupError, match=f"Port {port} is taken") as caught:
            open_sockets(host, port)
        assert "--port" in caught.value.hint


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
def test_a_port_taken_on_ipv6_only_is_taken_too() -> None:
    with closing(open_sockets("::1", 0)) as [(_, port)], pytest.raises(StartupError, match=f"Port {port}"):
        open_sockets("localhost", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no such host"])
def test_a_host_of_another_machine_is_refused(host: str) -> None:
    with pytest.raises(StartupError, match="not an address of this machine"):
        open_sockets(host, 0)


def test_without_ipv6_the_other_family_suffices(monkeypatch: pytest.MonkeyPatch) -> None:
    look_up = socket.getaddrinfo

    def without(host: str, *args: object, **options: object) -> object:
        if host == "::1":
            raise socket.gaierror(socket.EAI_ADDRFAMILY, "no")
        return look_up(host, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", without)
    with closing(open_sockets("localhost", 0)) as names:
        assert [host for host, _ in names] == ["127.0.0.1"]
