"""The listener that the judge registers at a hub: a tiny HTTP server of its own."""

import json
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

Doc = dict[str, Any]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a sender that hangs up is none of the judge's concern."""


class Listener:
    """Takes every notification POSTed to it, on ``host`` and ``port`` (0: any free one); use as a context manager.

    ``url`` is what it is called from outside: its own address unless another one, such as a proxy's, is given.
    """

    def __init__(self, host: str = "127.0.0.1", port: int = 0, url: str = "") -> None:
        self._arrived = threading.Condition()
        self._notifications: list[tuple[str, Doc]] = []
        self._server = _Server((host, port), self._requests())
        self.url = url.rstrip("/") or f"http://{host}:{self._server.server_address[1]}"

    def __enter__(self) -> "Listener":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, _type: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()

    def received(self, path: str) -> list[Doc]:
        """What has arrived at ``path`` so far, in order."""
        with self._arrived:
            return [notification for at, notification in self._notifications if at == path]

    def wait(self, path: str, enough: Callable[[list[Doc]], bool], seconds: float) -> list[Doc]:
        """What has arrived at ``path`` once it is enough, or when the time is over."""
        end = time.monotonic() + seconds
        with self._arrived:
            while True:
                found = [notification for at, notification in self._notifications if at == path]
                left = end - time.monotonic()
                if enough(found) or left <= 0:
                    return found
                self._arrived.wait(left)

    def _take(self, path: str, notification: Doc) -> None:
        with self._arrived:
            self._notifications.append((path, notification))
            self._arrived.notify_all()

    def _requests(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one packet: two would wait for each other

            def do_POST(self) -> None:
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                try:
                    notification = json.loads(content)
                except ValueError:
                    notification = {"unreadable": content.decode("utf-8", "replace")}
                take(self.path, notification)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Nothing: the report tells what arrived."""

        return Requests
