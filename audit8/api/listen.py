"""The sockets that the server listens on. `localhost` means both 127.0.0.1 and ::1: Windows tries ::1 first."""

import errno
import socket
import sys

from audit8.errors import StartupError
from audit8.ports import free_after, holder_of, is_audit8

TRIES = 20  # for a port that the system chose for 127.0.0.1 and that somebody else has on ::1
BACKLOG = 128
NO_SUCH_ADDRESS = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}


def open_sockets(host: str, port: int) -> list[socket.socket]:
    """Listening sockets for `host`; `port` 0 lets the system choose one port for all of them.

    Raises StartupError, in words, when the port cannot be had or the host is none of this machine's.
    """
    tries = 1 if port else TRIES
    while True:
        tries -= 1
        opened: list[socket.socket] = []
        try:
            for address in ("127.0.0.1", "::1") if host == "localhost" else (host,):
                opened += _listen(address, opened[0].getsockname()[1] if opened else port, optional=bool(opened))
        except StartupError:
            for one in opened:
                one.close()
            if tries == 0:
                raise
        else:
            return opened


def _listen(host: str, port: int, *, optional: bool) -> list[socket.socket]:
    """One listening socket, or none if it is `optional` and this machine has no such address."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        if optional:
            return []
        raise StartupError(f"{host} is not an address of this machine.", hint="Check --host.", host=host) from error
    try:
        _set_options(listening, family)
        listening.bind(address)
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if optional and error.errno in NO_SUCH_ADDRESS:
            return []
        raise _refused(host, port, error) from error
    return [listening]


def _set_options(listening: socket.socket, family: int) -> None:
    if sys.platform == "win32":  # SO_REUSEADDR would let two servers share the port there
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
    else:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)


def _refused(host: str, port: int, error: OSError) -> StartupError:
    if error.errno in NO_SUCH_ADDRESS:
        return StartupError(f"{host} is not an address of this machine.", hint="Check --host.", host=host)
    free = free_after(port)
    other = f"hoose another port: --port {free}."
    if error.errno != errno.EADDRINUSE:
        return StartupError(f"Port {port} cannot be opened ({error.strerror}).", hint=f"C{other}", port=port)
    if is_audit8(port):
        message = f"Port {port} is taken: Audit8 is already running there."
        hint = f"Open http://localhost:{port}, or, for a second server, c{other}"
    else:
        message, hint = f"Port {port} is taken by {holder_of(port) or 'another program'}.", f"C{other}"
    return StartupError(message, hint=hint, port=port, free_port=free)
