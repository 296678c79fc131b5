"""A subscriber that is never the bottleneck: answers 204 and notes how old each event was when it arrived.

``python -m tests.bench.sink``: prints its port; ``GET /`` answers ``{"count", "last", "neighbour", "p50", "p95",
"p99"}`` of what came since the last GET that was not ``GET /?keep``: ages in milliseconds, ``last`` in Unix seconds.
What is posted to ``/neighbour`` is only counted, as ``neighbour`` since the start; after ``GET /?hangs`` it is not
answered either, until ``GET /?is-there``.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from datetime import datetime

_OK = b"HTTP/1.1 204 No Content\r\n\r\n"
_NEIGHBOUR, _KEEP = b"post /neighbour", b"get /?keep"
_TIME = b'"eventTime":"'


@dataclass
class _Book:
    """``ages`` in seconds; ``held``: those connections of the neighbour that wait for an answer."""

    ages: list[float] = field(default_factory=list)
    last: float = 0.0
    hangs: bool = False
    neighbour: int = 0
    held: list[asyncio.Transport] = field(default_factory=list)

    def release(self) -> None:
        """The neighbour is there again, and answers what it left lying."""
        self.hangs = False
        for transport in self.held:
            transport.write(_OK)
        self.neighbour += len(self.held)
        self.held.clear()


class _Sink(asyncio.Protocol):
    def __init__(self, book: _Book) -> None:
        self._book = book
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(b"\r\n\r\n")) >= 0:
            head = self._received[:end].lower()
            at = head.find(b"content-length:")
            length = int(head[at + 15 :].partition(b"\r")[0]) if at >= 0 else 0
            whole = end + 4 + length
            if len(self._received) < whole:
                return
            body, self._received = self._received[end + 4 : whole], self._received[whole:]
            if answer := self._answer(head, body):
                self._transport.write(answer)

    def _answer(self, head: bytes, body: bytes) -> bytes | None:
        if head.startswith(b"get"):
            return self._asked(head)
        if not head.startswith(_NEIGHBOUR):
            return self._take(body)
        if self._book.hangs:
            self._book.held.append(self._transport)
            return None
        self._book.neighbour += 1
        return _OK

    def _asked(self, head: bytes) -> bytes:
        if head.startswith(b"get /?hangs"):
            self._book.hangs = True
        elif head.startswith(b"get /?is-there"):
            self._book.release()
        return self._report(keep=head.startswith(_KEEP))

    def _take(self, body: bytes) -> bytes:
        at = body.find(_TIME) + len(_TIME)
        said = datetime.fromisoformat(body[at : body.index(b'"', at)].decode())
        self._book.last = time.time()
        self._book.ages.append(self._book.last - said.timestamp())
        return _OK

    def _report(self, *, keep: bool) -> bytes:
        ages = sorted(self._book.ages)
        figures = {"count": len(ages), "last": self._book.last, "neighbour": self._book.neighbour}
        if not keep:
            self._book.ages.clear()
            self._book.last = 0.0
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            figures[name] = 1_000 * ages[int(part * (len(ages) - 1))] if ages else 0.0
        content = json.dumps(figures).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)


async def _serve() -> None:
    book = _Book()
    server = await asyncio.get_running_loop().create_server(lambda: _Sink(book), "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    import uvloop

    uvloop.run(_serve())


if __name__ == "__main__":
    main()
