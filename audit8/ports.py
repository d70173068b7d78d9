"""Who has a port, and which one is free instead. Knows sockets and processes; opens nothing that stays open."""

import json
import socket
from http.client import HTTPConnection, HTTPException

ASK_S = 1.0
TRIES = 50
MOST_BYTES = 1 << 20


def holder_of(port: int) -> str:
    """The program that listens on `port` ("python3, process 4711"); "" if the system does not say."""
    try:
        import psutil  # noqa: PLC0415 - what is missing must not hide that the port is taken
    except ImportError:
        return ""
    try:
        listening = [one for one in psutil.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
        number = next((one.pid for one in listening if one.laddr and one.laddr.port == port and one.pid), None)
        return f"{psutil.Process(number).name()}, process {number}" if number else ""
    except (psutil.Error, OSError):
        return ""


def is_audit8(port: int) -> bool:
    """Whether a server of this program answers there."""
    connection = HTTPConnection("127.0.0.1", port, timeout=ASK_S)
    try:
        connection.request("GET", "/health")
        health = json.loads(connection.getresponse().read(MOST_BYTES))
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
    return isinstance(health, dict) and {"state", "quantisation", "jobs", "version"} <= health.keys()


def free_after(port: int) -> int:
    """The next port that is free on 127.0.0.1; 0 (let the system choose) if none is near."""
    for candidate in range(port + 1, min(port + 1 + TRIES, 65536)):
        with socket.socket() as trial:
            try:
                trial.bind(("127.0.0.1", candidate))
            except OSError:
                continue
            return candidate
    return 0
