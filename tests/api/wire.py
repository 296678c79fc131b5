"""A real server on a free port, and a client that says exactly the bytes it is told to."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import orjson
import uvicorn
from starlette.types import ASGIApp

from tmf_adapter.api.protocol import BoundedProtocol


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, object]:
        document: dict[str, object] = orjson.loads(self.body)
        return document


@contextmanager
def serving(app: ASGIApp, http: type[BoundedProtocol] = BoundedProtocol) -> Iterator[int]:
    """``app`` on uvicorn as in production; the port."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, loop="uvloop", http=http, ws="none", access_log=False, log_config=None)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield listening.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()


class Wire:
    """One connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=10)
        self._received = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def say(self, *parts: bytes | str) -> None:
        """Send parts, each in a packet of its own."""
        for part in parts:
            self._socket.sendall(part if isinstance(part, bytes) else part.encode("latin-1"))
            time.sleep(0.02 if len(parts) > 1 else 0)

    def answer(self, *, head: bool = False) -> Answer:
        """The next response; ``head`` for one without the body that its headers announce."""
        while b"\r\n\r\n" not in self._received:
            self._read()
        text, _, rest = self._received.partition(b"\r\n\r\n")
        first, *lines = text.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = 0 if head else int(headers.get("content-length", "0"))
        self._received = rest
        while len(self._received) < length:
            self._read()
        body, self._received = self._received[:length], self._received[length:]
        return Answer(int(first.split()[1]), headers, body)

    def is_closed(self) -> bool:
        """Whether nothing more comes: the server has hung up."""
        return self._received == b"" and self._socket.recv(1) == b""

    def _read(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError(f"the server closed the connection after {self._received!r}")
        self._received += data


def request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """The bytes of a request; keyword ``content_type`` is the header Content-Type."""
    if body and "transfer_encoding" not in headers:
        headers.setdefault("content_length", str(len(body)))
    lines = [f"{method} {target} HTTP/1.1", "Host: adapter"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body
