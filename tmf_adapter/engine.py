"""Durable work: the only file that knows the workflow engine (DBOS).

It offers little more than ``start(transaction, kind, key, at)``: once that transaction is committed, the function that
is registered for ``kind`` runs with ``key`` at least once, at or after ``at``, whatever dies in between. The tables of
the other rooms are the truth; the engine only makes their next short step happen.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from tmf_adapter.storage.database import Database
from tmf_adapter.storage.tables import executor
from tmf_adapter.tmf.ids import new_id

log = logging.getLogger(__name__)

NAME = "tmf-adapter"
VERSION = "1"
"""Pinned: by default DBOS hashes the workflow code and leaves an older version's work behind after an upgrade."""
QUEUE = "work"
POLL_SECONDS = 0.1
CONCURRENCY = 64
TRIES = 5
RETRY_SECONDS = 2.0
TIDY_SECONDS = 3_600.0
KEPT = timedelta(days=1)
_REAPER_LOCK = 6_210_657

Work = Callable[[str], Awaitable[None]]
GiveUp = Callable[[str, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Task:
    """What a kind does with its key; ``give_up(key, reason)`` is called when it failed ``TRIES`` times."""

    work: Work
    give_up: GiveUp


class Engine:
    """One per process. ``heartbeat`` and ``dead_after`` (seconds) are how processes on PostgreSQL notice a dead one."""

    def __init__(self, database: Database, heartbeat: float = 3.0, dead_after: float = 15.0) -> None:
        self._database = database
        self._heartbeat = heartbeat
        self._dead_after = dead_after
        self._tasks: Mapping[str, Task] = {}
        self.run_id = new_id()
        # SQLite has one process, which takes up its predecessor's work at launch; elsewhere every run has its own name.
        self._executor_id = "local" if database.is_sqlite else self.run_id
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: DBOSClient | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def is_running(self) -> bool:
        """Whether work is being done."""
        return self._client is not None and self._keeper is not None and not self._keeper.done()

    async def is_alive(self, run_id: str) -> bool:
        """Whether that run of the adapter, this one or another process's, still gives signs of life."""
        if run_id == self.run_id or self._database.is_sqlite:
            return run_id == self.run_id
        fresh = (executor.c.id == run_id) & (executor.c.heartbeat >= time.time() - self._dead_after)
        statement = select(executor.c.id).where(fresh)
        return await self._database.read(lambda connection: connection.execute(statement).first()) is not None

    def start(self, tx: Connection, kind: str, key: str, at: datetime | None = None) -> None:
        """Promise, inside the caller's transaction, that ``kind`` runs with ``key``.

        The same kind and key are promised once, however often this is called.
        """
        self._enqueue(tx, f"{kind}:{key}", kind, key, 0, at)

    def _enqueue(self, tx: Connection, id_: str, kind: str, key: str, tries: int, at: datetime | None) -> None:
        assert self._client is not None, "the engine is launched before anything is written"
        options: EnqueueOptions = {
            "workflow_name": NAME,
            "queue_name": QUEUE,
            "workflow_id": id_,
            "app_version": VERSION,
        }
        if at and (delay := (at - datetime.now(UTC)).total_seconds()) > 0:
            options["delay_seconds"] = delay
        self._client.enqueue_in_transaction(tx, options, kind, key, tries)

    async def forget(self, kind: str, key: str) -> None:
        """Withdraw a promise that has not come due; best effort, the work itself must not mind running."""
        assert self._client is not None
        with suppress(Exception):
            await asyncio.to_thread(self._client.cancel_workflow, f"{kind}:{key}")

    async def launch(self, tasks: Mapping[str, Task]) -> None:
        """Take up what an earlier process left, and begin."""
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        await self._beat()
        config: DBOSConfig = {
            "name": NAME,
            "system_database_url": self._database.url.render_as_string(hide_password=False),
            "system_database_engine": self._database.engine,
            "application_version": VERSION,
            "executor_id": self._executor_id,
            "log_level": "ERROR",
            "console_log_level": "ERROR",
            "max_executor_threads": CONCURRENCY + 16,
        }
        DBOS(config=config)

        @DBOS.workflow(name=NAME)
        def work(kind: str, key: str, tries: int) -> None:
            self._run(kind, key, tries)

        await asyncio.to_thread(DBOS.launch)
        self._client = DBOSClient(system_database_engine=self._database.engine, application_name=NAME)
        await DBOS.register_queue_async(QUEUE, polling_interval_sec=POLL_SECONDS, worker_concurrency=CONCURRENCY)
        self._keeper = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Stop. What was under way is taken up by the next process."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        if self._client:
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=5)
            await self._database.write(lambda tx: tx.execute(delete(executor).where(executor.c.id == self.run_id)))
            self._client = None

    def _run(self, kind: str, key: str, tries: int) -> None:
        """The one workflow, in a thread of DBOS; the work itself runs on the event loop."""
        assert self._loop is not None
        task = self._tasks[kind]
        try:
            asyncio.run_coroutine_threadsafe(_awaited(task.work(key)), self._loop).result()
        except Exception as error:
            # Whatever it was: a promise is kept, or given up for a reason that is recorded.
            log.exception("%s %s failed, try %d of %d", kind, key, tries + 1, TRIES)
            if tries + 1 < TRIES:
                self._again(kind, key, tries + 1)
            else:
                reason = f"{type(error).__name__}: {error}"
                asyncio.run_coroutine_threadsafe(_awaited(task.give_up(key, reason)), self._loop).result()

    def _again(self, kind: str, key: str, tries: int) -> None:
        at = datetime.now(UTC) + timedelta(seconds=RETRY_SECONDS * 2**tries)
        with self._database.engine.begin() as tx:
            self._enqueue(tx, f"{kind}:{key}#{new_id()}", kind, key, tries, at)

    async def _keep(self) -> None:
        """Say that we live, take over from the dead, forget what is long done."""
        tidied = 0.0
        while True:
            await asyncio.sleep(self._heartbeat)
            try:
                await self._beat()
                if not self._database.is_sqlite:
                    await asyncio.to_thread(self._reap)
                if time.monotonic() - tidied > TIDY_SECONDS:
                    tidied = time.monotonic()
                    await asyncio.to_thread(self._tidy)
            except Exception:
                log.exception("the engine's upkeep failed; it is tried again in %s s", self._heartbeat)

    async def _beat(self) -> None:
        insert = sqlite_insert if self._database.is_sqlite else postgresql_insert
        now = {"heartbeat": time.time()}
        statement = (
            insert(executor).values(id=self.run_id, **now).on_conflict_do_update(index_elements=["id"], set_=now)
        )
        await self._database.write(lambda tx: tx.execute(statement))

    def _reap(self) -> None:
        """Resume what processes that fell silent left running; one reaper at a time."""
        assert self._client is not None
        with self._database.engine.begin() as tx:
            if not tx.execute(text(f"SELECT pg_try_advisory_xact_lock({_REAPER_LOCK})")).scalar():
                return
            silent = executor.c.heartbeat < time.time() - self._dead_after
            for dead in tx.execute(select(executor.c.id).where(silent)).scalars().all():
                left = self._client.list_workflows(status="PENDING", executor_id=dead, load_input=False)
                if left:
                    log.warning("taking over %d pieces of work from process %s", len(left), dead)
                    self._client.resume_workflows([w.workflow_id for w in left], queue_name=QUEUE)
                tx.execute(delete(executor).where(executor.c.id == dead))

    def _tidy(self) -> None:
        assert self._client is not None
        before = (datetime.now(UTC) - KEPT).isoformat()
        done = self._client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before,
            limit=10_000,
            load_input=False,
            load_output=False,
        )
        if done:
            self._client.delete_workflows([w.workflow_id for w in done])


async def _awaited(work: Awaitable[None]) -> None:
    await work
