"""A little TMF621 v5 server in memory, right in what it does, except for the faults that are planted in it."""

import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from conformance.scenarios.lifecycle import TICKET

Doc = dict[str, Any]
BASE = "/tmf-api/troubleTicket/v5"
NOW = "2025-03-11T07:20:30Z"
MANDATORY = ("description", "severity", "ticketType")


class Refused(Exception):
    """A request that is answered with an Error of this status."""


class Little:
    """What the server remembers, and what it does. ``faults`` are names of the things it gets wrong."""

    def __init__(self, *faults: str) -> None:
        self.faults = frozenset(faults)
        self.url = ""
        self.tickets: dict[str, Doc] = {}
        self.hubs: dict[str, Doc] = {}
        self._lock = threading.RLock()

    def answer(self, method: str, target: str, content: bytes, kind: str) -> tuple[int, Any, dict[str, str]]:
        parts = urlsplit(target)
        path = parts.path.removeprefix(BASE).rstrip("/")
        with self._lock:
            try:
                return self._route(method, path, dict(parse_qsl(parts.query)), content, kind)
            except Refused as refusal:
                status = int(refusal.args[0])
                error = {"@type": "Error", "code": "wrong", "reason": "wrong", "status": str(status)}
                if "plain errors" in self.faults:
                    return status, {"detail": "wrong"}, {}
                return status, error, {"Allow": "GET, POST, PATCH, DELETE"}

    def _route(self, method: str, path: str, query: Doc, content: bytes, kind: str) -> tuple[int, Any, dict[str, str]]:
        collection, _, id_ = path.lstrip("/").partition("/")
        match method, collection, bool(id_):
            case "POST", "troubleTicket", False:
                return self._create(self._body(content, kind))
            case "GET", "troubleTicket", False:
                return self._list(query)
            case "GET", "troubleTicket", True:
                return 200, self._chosen(self._found(id_), query), {}
            case "PATCH", "troubleTicket", True:
                return 200, self._patch(self._found(id_), self._body(content, kind)), {}
            case "DELETE", "troubleTicket", True:
                self.tell("Delete", self._found(id_))
                if "keeps what it deletes" not in self.faults:
                    del self.tickets[id_]
                return 204, None, {}
            case "POST", "hub", False:
                return self._subscribe(self._body(content, kind))
            case (("GET" | "DELETE"), "hub", True) if id_ in self.hubs:
                return (200, self.hubs[id_], {}) if method == "GET" else (204, self.hubs.pop(id_) and None, {})
        raise Refused(404 if collection != "troubleTicket" or id_ else 405)

    def _body(self, content: bytes, kind: str) -> Doc:
        if "json" not in kind:
            raise Refused(415)
        try:
            body = json.loads(content)
        except ValueError:
            raise Refused(400) from None
        if not isinstance(body, dict) or not isinstance(body.get("note", []), list):
            raise Refused(400)
        if not all(isinstance(body.get(name) or "", str) for name in ("description", "status")):
            raise Refused(400)
        return body

    def _create(self, body: Doc) -> tuple[int, Any, dict[str, str]]:
        if "takes anything" not in self.faults and not all(name in body for name in MANDATORY):
            raise Refused(400)
        id_ = uuid.uuid4().hex
        href = f"{self.url}{BASE}/troubleTicket/{id_}"
        ticket = {"status": "acknowledged", **body, "id": id_, "href": href, "creationDate": NOW}
        if "loses notes and names" in self.faults:
            ticket = {key: value for key, value in ticket.items() if key not in ("note", "name")}
        self.tickets[id_] = ticket
        self.tell("Create", ticket)
        return 201, ticket, {"Location": ticket["href"]}

    def _list(self, query: Doc) -> tuple[int, Any, dict[str, str]]:
        paging = {key: query.pop(key) for key in ("offset", "limit", "fields") if key in query}
        if "ignores filters" in self.faults:
            query = {}
        matches = [ticket for ticket in self.tickets.values() if all(str(ticket.get(k)) == v for k, v in query.items())]
        try:
            offset, limit = int(paging.get("offset", 0)), int(paging.get("limit", 1000))
        except ValueError:
            raise Refused(400) from None
        if "fails at offsets" in self.faults and offset:
            return 500, {"@type": "Error", "code": "internal", "reason": "a bug", "status": "500"}, {}
        if "pages overlap" in self.faults:
            offset = max(0, offset - 1)
        page = matches[max(0, offset) :][: max(0, limit)]
        total = len(page) if "counts the page only" in self.faults else len(matches)
        counts = {"X-Total-Count": str(total), "X-Result-Count": str(len(page))}
        return 200, [self._chosen(ticket, paging) for ticket in page], counts

    def _chosen(self, ticket: Doc, query: Doc) -> Doc:
        if "fields" not in query:
            return ticket
        names = {"id", "href", "@type", *query["fields"].split(",")}
        return {key: value for key, value in ticket.items() if key in names}

    def _found(self, id_: str) -> Doc:
        if id_ not in self.tickets:
            raise Refused(404)
        return self.tickets[id_]

    def _patch(self, ticket: Doc, body: Doc) -> Doc:
        before, after = ticket["status"], body.get("status", ticket["status"])
        moves = before != after
        if moves and after not in TICKET[before] and "any status goes" not in self.faults:
            raise Refused(409)
        for name, value in body.items():
            if value is None:
                ticket.pop(name, None)
            elif name not in ("id", "creationDate"):
                ticket[name] = value
        self.tell("StatusChange" if moves else "AttributeValueChange", ticket)
        return ticket

    def _subscribe(self, body: Doc) -> tuple[int, Any, dict[str, str]]:
        if not str(body.get("callback", "")).startswith("http"):
            raise Refused(400)
        hub = {**body, "id": uuid.uuid4().hex}
        self.hubs[hub["id"]] = hub
        return 201, hub, {"Location": f"{self.url}{BASE}/hub/{hub['id']}"}

    def tell(self, what: str, ticket: Doc) -> None:
        """Bring an event to every subscriber, at once."""
        if "never notifies" in self.faults:
            return
        type_ = f"TroubleTicket{what}Event"
        event = {"@type": type_, "eventId": uuid.uuid4().hex, "eventType": type_, "eventTime": NOW}
        if "times of its own" in self.faults:
            event["eventTime"] = "this morning"
        event["event"] = {"troubleTicket": dict(ticket)}
        here = [hub for hub in self.hubs.values() if hub["callback"].startswith("http://127.0.0.1")]
        for hub in here:
            if "eventType=" not in hub.get("query", "") or hub["query"].endswith(type_):
                requests.post(hub["callback"], json=event, timeout=5)


@contextmanager
def serving(little: Little) -> Iterator[str]:
    """Serve it on a free port; its address."""

    class Requests(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: two would wait for each other

        def do(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            kind = self.headers.get("Content-Type", "")
            status, body, headers = little.answer(self.command, self.path, content, kind)
            raw = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(raw)

        def __getattr__(self, name: str) -> Any:
            """Every method there is, and those there are not."""
            if name.startswith("do_"):
                return self.do
            raise AttributeError(name)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Requests)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    little.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield little.url
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
