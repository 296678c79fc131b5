"""A subscriber that is never the bottleneck: answers 204 and notes how old each event was when it arrived.

``python -m tests.bench.sink``: prints its port; ``GET /`` answers ``{"count", "last", "p50", "p95", "p99"}`` of what
came since the last GET that was not ``GET /?keep``: ages in milliseconds, ``last`` in Unix seconds. What is posted to
``/hang`` is never answered.
"""

import asyncio
import json
import time
from datetime import datetime

_OK = b"HTTP/1.1 204 No Content\r\n\r\n"
_HANG, _KEEP = b"post /hang", b"get /?keep"
_TIME = b'"eventTime":"'


class _Sink(asyncio.Protocol):
    def __init__(self, ages: list[float], times: list[float]) -> None:
        self.ages, self.times = ages, times
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
            if not head.startswith(_HANG):
                keep = head.startswith(_KEEP)
                self._transport.write(self._report(keep) if head.startswith(b"get") else self._take(body))

    def _take(self, body: bytes) -> bytes:
        at = body.find(_TIME) + len(_TIME)
        said = datetime.fromisoformat(body[at : body.index(b'"', at)].decode())
        self.times[:] = [time.time()]
        self.ages.append(self.times[0] - said.timestamp())
        return _OK

    def _report(self, keep: bool) -> bytes:
        ages = sorted(self.ages)
        figures: dict[str, float] = {"count": len(ages), "last": self.times[0] if self.times else 0.0}
        if not keep:
            self.ages.clear()
            self.times.clear()
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            figures[name] = 1_000 * ages[int(part * (len(ages) - 1))] if ages else 0.0
        content = json.dumps(figures).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content)


async def _serve() -> None:
    ages: list[float] = []
    times: list[float] = []
    server = await asyncio.get_running_loop().create_server(lambda: _Sink(ages, times), "127.0.0.1", 0)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


def main() -> None:
    """Serve until killed."""
    import uvloop

    uvloop.run(_serve())


if __name__ == "__main__":
    main()
