"""Calls to others by requests: judged when they are dialled, and bounded in time whatever the other side does.

``timeout`` of requests bounds each wait for bytes, so a server that drips holds a thread for as long as it likes. A
watch notes the socket in use and shuts it down when the time is over, which ends whatever is being waited for.
"""

import asyncio
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection

T = TypeVar("T")
S = TypeVar("S", bound=requests.Session)


class Check(Protocol):
    """Raises ``OSError`` unless the address, an IP address in text, may be dialled at that port."""

    def __call__(self, address: str, port: int) -> None: ...


class Watch:
    """Over one exchange. ``check`` judges every address before one of them is dialled; None lets any be."""

    def __init__(self, check: Check | None = None) -> None:
        self.check = check
        self.expired = False
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    def arm(self, loop: asyncio.AbstractEventLoop, timeout: float) -> None:
        """From now on there are ``timeout`` seconds; to be called on the loop."""
        if not self._over:
            self._timer = loop.call_later(timeout, self._expire)

    def disarm(self) -> None:
        """The exchange is over."""
        self._over = True
        if self._timer:
            self._timer.cancel()

    def begin(self) -> None:
        """What this thread sends from now on is under this watch."""
        _current.watch = self

    def note(self, connected: socket.socket | None) -> None:
        """This is the socket in use."""
        self._socket = connected
        if self.expired:
            self._cut()

    def _expire(self) -> None:
        self.expired = True
        self._cut()

    def _cut(self) -> None:
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


class Threads:
    """Threads for blocking exchanges, each under a watch of its own."""

    def __init__(self, name: str, count: int, check: Check | None = None) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=name)
        self._check = check

    async def run(self, timeout: float, ask: Callable[[Watch], T]) -> T:
        """Run ``ask`` in a thread, under a watch that cuts its connection when the time (seconds) is over."""
        loop = asyncio.get_running_loop()
        watch = Watch(self._check)

        def run() -> T:
            loop.call_soon_threadsafe(watch.arm, loop, timeout)
            watch.begin()
            try:
                return ask(watch)
            finally:
                loop.call_soon_threadsafe(watch.disarm)

        return await loop.run_in_executor(self._threads, run)

    def close(self) -> None:
        """Let go of the threads; calls under way end at their deadline."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def watched(session: S, limit: int | None = None) -> S:
    """The session, its connections watched and judged, with no proxy and no password file of the environment.

    ``limit``: an answer is read up to that many bytes, and its connection closed on a longer one.
    """
    session.trust_env = False
    session.mount("http://", _Adapter(limit))
    session.mount("https://", _Adapter(limit))
    return session


class _Current(threading.local):
    watch: Watch = Watch()


_current = _Current()


def _dial(connection: HTTPConnection) -> socket.socket:
    """To an address that was judged: the name is looked up once, and refused when any of its addresses is."""
    check, host, port = _current.watch.check, connection._dns_host, connection.port
    assert check is not None
    found = socket.getaddrinfo(host.strip("[]"), port, 0, socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses:
        check(address, port)
    failure: OSError = OSError(f"{host} has no address")
    for address in addresses:
        try:
            return create_connection(
                (address, port), connection.timeout, connection.source_address, connection.socket_options
            )
        except OSError as error:
            failure = error
    raise failure


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        connected = _dial(self) if _current.watch.check else super()._new_conn()
        _current.watch.note(connected)
        return connected

    def request(self, *args: Any, **kwargs: Any) -> None:
        _current.watch.note(self.sock)
        super().request(*args, **kwargs)


class _TLSConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        connected = _dial(self) if _current.watch.check else super()._new_conn()
        _current.watch.note(connected)
        return connected

    def connect(self) -> None:
        super().connect()
        _current.watch.note(self.sock)  # the handshake has put another object in the place of the plain socket

    def request(self, *args: Any, **kwargs: Any) -> None:
        _current.watch.note(self.sock)
        super().request(*args, **kwargs)


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        super().__init__()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TLSPool}

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        if self._limit is None:
            return super().send(request, *args, **kwargs)
        response = super().send(request, *args, **{**kwargs, "stream": True})
        with response:
            content = response.raw.read(self._limit, decode_content=True)
        response._content, response._content_consumed = content, True  # type: ignore[attr-defined]  # what .content gives
        return response
