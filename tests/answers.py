"""A server on loopback whose answers a test chooses: what a program under test meets once, or by chance, of the world outside of it."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Iterator
from itertools import count
from threading import Thread


@contextlib.contextmanager
def answering(answer: Callable[[int], str]) -> Iterator[int]:
    """The port of a server that gives every caller a text: `answer` of the caller's number, from 1."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            for number in count(1):
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.sendall(answer(number).encode())

        thread = Thread(target=serve)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
