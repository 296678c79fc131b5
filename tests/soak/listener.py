"""A listener that is sometimes away: ``python -m tests.soak.listener``, ``--period`` seconds up, as many down.

``/steady`` is always up. ``/flapping`` in turn is up, answers 503, is up, never answers, ... ``POST /up`` ends that.
``GET /`` says how many notifications each accepted, and how many different ones.
"""

import argparse
import asyncio
import json
import time
from collections import Counter

_ACCEPTED = b"HTTP/1.1 204 No Content\r\n\r\n"
_AWAY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"


class Book:
    """What came, by path; ``seen`` by ``webhook-id``."""

    def __init__(self, period: float) -> None:
        self._period = period
        self._began = time.monotonic()
        self.up = False
        self.seen: dict[str, Counter[str]] = {"/steady": Counter(), "/flapping": Counter()}

    def answer(self, path: str, event_id: str) -> bytes | None:
        """None: never."""
        phase = int((time.monotonic() - self._began) / self._period) % 4
        if path == "/flapping" and not self.up and phase % 2:
            return _AWAY if phase == 1 else None
        self.seen[path][event_id] += 1
        return _ACCEPTED

    def report(self) -> bytes:
        figures = {
            path: {"different": len(seen), "accepted": seen.total(), "twice": sum(seen.values()) - len(seen)}
            for path, seen in self.seen.items()
        }
        body = json.dumps(figures).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


async def _serve_one(book: Book, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            headers = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if line)
            await reader.readexactly(int(headers.get("content-length", 0)))
            method, path, _ = head.split(" ", 2)
            if method == "GET":
                answer: bytes | None = book.report()
            elif path == "/up":
                book.up, answer = True, _ACCEPTED
            else:
                answer = book.answer(path, headers["webhook-id"])
            if answer is not None:
                writer.write(answer)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def _serve(period: float) -> None:
    book = Book(period)
    server = await asyncio.start_server(lambda reader, writer: _serve_one(book, reader, writer), "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    import uvloop

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--period", type=float, default=15.0)
    uvloop.run(_serve(parser.parse_args().period))


if __name__ == "__main__":
    main()
