"""A small client of a running server: code, paths or a job in, events or a typed report out.

    from audit8 import Client

    with Client("http://localhost:8000") as client:
        report = client.audit(paths=["src"])

Blocking, and light to import: no torch.
"""

from audit8.client.answers import error_of
from audit8.client.client import KEY_VARIABLE, Client, key_for_server

__all__ = ["KEY_VARIABLE", "Client", "error_of", "key_for_server"]
