"""The connection before there is a request: how long it may be silent, and how much it may say before the body."""

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from tmf_adapter.tmf.errors import error_document

HEAD = 1 << 16
"""Bytes that the address and the headers of a request may have together."""
PATIENCE = 60.0
"""Seconds that a request may take to arrive, from the connection or its own first byte on."""
LINGER = 2.0
"""Seconds that a client has to read why it was refused while it still sends: sent to a closed socket, that is lost."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol for clients that mean no good.

    uvicorn collects headers without end, and waits without end for a request that has begun or never begins. A request
    that arrives in one piece, as nearly all do, costs a look at two flags here.
    """

    patience = PATIENCE

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._chunk = 0  # bytes that came last
        self._received = 0  # bytes that the head now arriving can have at the most
        self._before = 0  # of these, bytes that came together with its beginning, and may be another request's
        self._arriving = self._in_head = self._refused = False
        self._waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._waiting = self.loop.call_later(self.patience, self._give_up)

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._chunk = len(data)
        self._received += len(data)
        super().data_received(data)
        if self._in_head and self._received - self._before > HEAD:
            self._refuse_head()
        if self._arriving and self._waiting is None:
            self._waiting = self.loop.call_later(self.patience, self._give_up)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._received = self._before = self._chunk
        self._arriving = self._in_head = True

    def on_headers_complete(self) -> None:
        if self._received > HEAD and len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > HEAD:
            self._refuse_head()
            raise ValueError("the head is too large")  # the parser stops
        super().on_headers_complete()  # makes the cycle, or raises
        self._in_head = False

    def on_message_complete(self) -> None:
        self._arriving = False
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        self._refuse(400, "badRequest", msg)

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: the request is answered as if it had not asked, and a log is not for strangers to fill."""

    def _stop_waiting(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _give_up(self) -> None:
        self._waiting = None
        if self._arriving:
            self._refuse(408, "requestTimeout", f"The request did not arrive within {self.patience:g} seconds.")
        else:
            self.transport.close()

    def _refuse_head(self) -> None:
        self._refuse(431, "requestHeaderFieldsTooLarge", f"Address and headers may have {HEAD} bytes.")

    def _refuse(self, status: int, code: str, reason: str) -> None:
        """Answer what has no answer yet, and hang up: our side first, all when the client has read (RFC 9112, 9.6).

        Where an earlier request of the connection is still at work, its answer is the last one.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        self._stop_waiting()
        is_at_work = self._arriving and not self._in_head  # so that it is its own cycle that stands there
        if self.cycle is not None and not self.cycle.response_complete and not is_at_work:
            self.cycle.keep_alive = False
            return
        if not (is_at_work and (self.cycle.response_started or self.pipeline)):
            content = orjson.dumps(error_document(status, code, reason))
            head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(content)
            self.transport.write(STATUS_LINE[status] + head + content)
        if is_at_work:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write_eof()
        self._waiting = self.loop.call_later(LINGER, self.transport.close)
