"""Calls to other TMF APIs: bounded in time whatever the other side does, never repeated blindly."""

import logging
import threading
from contextlib import suppress
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import orjson
import requests

from tmf_adapter.egress import Threads, Watch, watched
from tmf_adapter.recovery.target import Answer, Found, external_ids
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.operations import Operation

log = logging.getLogger(__name__)

THREADS = 32
CONNECT_SECONDS = 3.0
ANSWER_LIMIT = 1 << 20
SHOWN = 200
TRANSIENT = frozenset({408, 409, 425, 429})
"""Client errors after which the outcome is open: asked too soon, or the downstream may know the operation already."""


class Downstream:
    """One TMF API at ``base_url``. Every ``timeout`` is seconds for one whole exchange, a hard limit."""

    def __init__(self, base_url: str, poll: timedelta | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self.poll = poll
        self._threads = Threads("downstream", THREADS)
        self._local = threading.local()

    async def create(
        self, operation: Operation, operation_id: str, body: Doc, timeout: float, target: str | None = None
    ) -> Answer:
        """Ask for the operation once. ``target`` is the id of the resource that is patched or deleted."""
        path = operation.path.replace("{id}", quote(target or "", safe=""))

        def ask(watch: Watch) -> Answer:
            headers = {"Idempotency-Key": operation_id, "Content-Type": "application/json"}
            try:
                status, content = self._send(
                    watch, operation.method, path, timeout, headers=headers, data=orjson.dumps(body)
                )
            except requests.RequestException as error:
                late = watch.expired or isinstance(error, requests.ReadTimeout)
                return Answer(error=_said(error, late, timeout), again="timeout" if late else "connect")
            return judge(status, content, target)

        return await self._threads.run(timeout, ask)

    async def look(self, operation: Operation, operation_id: str, timeout: float) -> Doc | Found:
        """The resource that an earlier attempt created under our operation id, if any."""
        if operation.lookup is None:
            return Found.NOTHING
        status, listed = await self._get(operation.path, {operation.lookup: operation_id}, timeout)
        if status != 200 or not isinstance(listed, list):
            return Found.UNREACHABLE
        ours = [entry for entry in listed if _is_resource(entry) and operation_id in external_ids(entry)]
        return ours[0] if ours else Found.NOTHING

    async def fetch(self, operation: Operation, remote_id: str, timeout: float) -> Doc | Found:
        """The resource as it stands; ``NOTHING`` when the downstream does not know it."""
        collection = operation.path.partition("/{id}")[0]
        status, found = await self._get(f"{collection}/{quote(remote_id, safe='')}", {}, timeout)
        if status in (404, 410):
            return Found.NOTHING
        return found if status == 200 and isinstance(found, dict) else Found.UNREACHABLE

    async def register(self, callback: str, timeout: float) -> tuple[bool, str | None]:
        """Put ``callback`` on the target's hub: whether it is there now, and the registration's id."""

        def ask(watch: Watch) -> tuple[bool, str | None]:
            try:
                status, content = self._send(
                    watch, "POST", "/hub", timeout, json={"@type": "Hub", "callback": callback}
                )
            except requests.RequestException as error:
                log.info("registration at %s failed: %s", self.base_url, _said(error, watch.expired, timeout))
                return False, None
            if status // 100 != 2 and status != 409:  # 409: it has us already
                log.info("registration at %s was answered %d", self.base_url, status)
                return False, None
            return True, _id_of(content)

        return await self._threads.run(timeout, ask)

    def close(self) -> None:
        """Let go of the threads; calls under way end at their deadline."""
        self._threads.close()

    async def _get(self, path: str, query: dict[str, str], timeout: float) -> tuple[int | None, Any]:
        """Status and parsed answer; (None, None) when there was none."""

        def ask(watch: Watch) -> tuple[int | None, Any]:
            try:
                status, content = self._send(watch, "GET", path, timeout, params=query)
                return status, orjson.loads(content) if status == 200 else None
            except (requests.RequestException, orjson.JSONDecodeError):
                return None, None

        return await self._threads.run(timeout, ask)

    def _send(self, watch: Watch, method: str, path: str, timeout: float, **what: Any) -> tuple[int, bytes]:
        session = self._session()
        with session.request(
            method,
            self.base_url + path,
            timeout=(min(CONNECT_SECONDS, timeout), timeout),
            allow_redirects=False,
            stream=True,
            **what,
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(1 << 16):
                content += chunk
                if len(content) > ANSWER_LIMIT:
                    break
            if watch.expired:  # a connection cut in the middle of the head looks like a short answer
                raise requests.ReadTimeout
            return response.status_code, bytes(content)

    def _session(self) -> requests.Session:
        """One a thread: sessions are not made to be shared."""
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None:
            session = self._local.session = watched(requests.Session())
        return session


def judge(status: int, content: bytes, target: str | None = None) -> Answer:
    """What an answer means. One that changes ``target`` may come without a body."""
    if status // 100 == 2:
        with suppress(orjson.JSONDecodeError):
            document = orjson.loads(content) if content or target is None else {}
            if target is not None and isinstance(document, dict):
                document = {"id": target, **document}
            if _is_resource(document):
                return Answer(document=document, status=status)
        return Answer(error=f"it answered {status} with nonsense: {_start(content)}", again="nonsense", status=status)
    said = f"it answered {status}: {_start(content)}"
    again = str(status) if status >= 500 or status in TRANSIENT else None
    return Answer(error=said, again=again, status=status)


def _is_resource(document: Any) -> bool:
    return isinstance(document, dict) and isinstance(document.get("id"), str)


def _start(content: bytes) -> str:
    return content[:SHOWN].decode("utf-8", "replace")


def _id_of(content: bytes) -> str | None:
    try:
        return str(orjson.loads(content)["id"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _said(error: Exception, late: bool, timeout: float) -> str:
    return f"no whole answer within {timeout:g} s" if late else f"{type(error).__name__}: {str(error)[:SHOWN]}"
