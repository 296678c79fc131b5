"""The composition root: from settings to a running adapter; the only place that knows every room."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp

from tmf_adapter.api.access import Access
from tmf_adapter.api.dialects import read_dialects
from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.inbound import inbound
from tmf_adapter.api.operator import WEBHOOK_KEYS, Operator, published
from tmf_adapter.api.operator_recovery import RecoveryOperator
from tmf_adapter.api.schemas import pattern
from tmf_adapter.api.server import Document, build
from tmf_adapter.api.tmf621_v4 import Tmf621V4
from tmf_adapter.api.tmf621_v5 import Tmf621V5
from tmf_adapter.api.tmf656_v4 import Tmf656V4
from tmf_adapter.api.tmf656_v5 import Tmf656V5
from tmf_adapter.api.v4 import lenient
from tmf_adapter.credentials import Tokens
from tmf_adapter.documents import consistent, document, known_apis, whole
from tmf_adapter.engine import Engine
from tmf_adapter.hub.health import DAY
from tmf_adapter.hub.hub import Hub
from tmf_adapter.hub.limits import Limits
from tmf_adapter.hub.overview import Overview
from tmf_adapter.hub.tidy import Retention
from tmf_adapter.mapping.live import LiveMappings
from tmf_adapter.mapping.reasons import Reasons
from tmf_adapter.problems import problem
from tmf_adapter.problems.desk import TaskDesk
from tmf_adapter.problems.records import EventRecords
from tmf_adapter.problems.store import problem_store, record_store, task_store
from tmf_adapter.problems.tasks import TASKS
from tmf_adapter.recovery import counts
from tmf_adapter.recovery.decisions import Decisions
from tmf_adapter.recovery.downstream import Downstream
from tmf_adapter.recovery.inbox import Inbox
from tmf_adapter.recovery.local import LocalProblems
from tmf_adapter.recovery.overview import Overview as RecoveryOverview
from tmf_adapter.recovery.register import keep_registered
from tmf_adapter.recovery.registry import Registry
from tmf_adapter.recovery.reload import Reloading
from tmf_adapter.recovery.run import Runs
from tmf_adapter.recovery.start import Starts
from tmf_adapter.recovery.target import Target
from tmf_adapter.settings import BadSetting, Settings, shipped
from tmf_adapter.storage.creations import forget_old_hourly
from tmf_adapter.storage.database import Database
from tmf_adapter.storage.desk import Desk
from tmf_adapter.storage.ledger import Consequence, Ledger
from tmf_adapter.storage.schema import is_current, upgrade
from tmf_adapter.tickets import specification, ticket
from tmf_adapter.tickets.desk import TicketDesk
from tmf_adapter.tickets.store import Specifications, specification_store, ticket_store
from tmf_adapter.tickets.unique import Uniqueness
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.tmf.mask import Mask
from tmf_adapter.tmf.versions import TMF621, TMF656
from tmf_adapter.vault import Vault

log = logging.getLogger(__name__)

TMF621_V5, TMF621_V4 = f"{TMF621}v5", f"{TMF621}v4"
TMF656_V5, TMF656_V4 = f"{TMF656}v5", f"{TMF656}v4"
OPERATOR_V1 = "/operator/v1"


class Adapter:
    """One adapter on one database. Making it prepares the tables and reads documents and mappings; nothing runs yet.

    Raises ``BadMapping`` for a faulty mapping file, ``BadDialect`` for a faulty dialect, ``BadDownstreams`` for a
    faulty registry, ``BadSetting`` for a partner whom nobody knows and ``AdapterError`` for a database that cannot be
    reached.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.spoken = read_dialects(_dialects(settings.mappings))
        self.registry = Registry.of(settings.downstreams, settings.tmf656_url)
        self.mappings = LiveMappings(settings.mappings or shipped("mappings"), self.registry.operations)
        _known_partner(settings.partner, self.mappings().reasons)
        self.database = Database(settings.database, settings.synchronous)
        upgrade(self.database)
        self.engine = Engine(self.database, settings.heartbeat, settings.dead_after)
        self.hub = Hub(
            self.database,
            public_url=settings.url,
            allowed=settings.callback_allow,
            backoff=settings.delivery_backoff,
            timeout=settings.delivery_timeout,
            lease=settings.lease,
            apis=known_apis(),
            vault=Vault(settings.secret_key),
            own_port=settings.port,
            https_only=settings.callback_https,
            limits=Limits(settings.subscriptions, settings.registrations),
            retention=Retention(undelivered=settings.undelivered, events=settings.event_days * DAY),
        )
        specifications = Specifications(specification_store(self.database), pattern)
        # What must be unique comes first: whoever waits for another to commit then holds nothing but his own ticket.
        consequences: list[Consequence] = [Uniqueness(specifications).owed, self.hub.owe]
        ledger = Ledger(self.database, consequences)
        self.specifications = Desk(
            ledger,
            specification_store(self.database),
            specification.RULES,
            f"{settings.url}{TMF621_V5}/troubleTicketSpecification",
            consistent(whole("tmf621-v5.yaml", "TroubleTicketSpecification_RES", settings.strict)),
        )
        self.tickets = TicketDesk(
            ledger,
            ticket_store(self.database),
            ticket.RULES,
            f"{settings.url}{TMF621_V5}/troubleTicket",
            whole("tmf621-v5.yaml", "TroubleTicket_RES", settings.strict),
            unique=settings.unique_external_identifier,
            specifications=specifications,
        )
        self.problems = Desk(
            ledger,
            problem_store(self.database),
            problem.RULES,
            f"{settings.url}{TMF656_V5}/serviceProblem",
            whole("tmf656-v5.yaml", "ServiceProblem", settings.strict),
            unique=settings.unique_external_identifier,
        )
        tmf656 = f"{settings.url}{TMF656_V5}"
        self.problem_tasks: dict[str, TaskDesk] = {
            rules.resource: TaskDesk(
                ledger,
                task_store(self.database, rules.resource),
                self.problems.store,
                rules,
                f"{tmf656}/{rules.resource}",
            )
            for rules in TASKS
        }
        self.records = EventRecords(record_store(self.database), f"{tmf656}/serviceProblemEventRecord")
        self.inbox = Inbox(self.database, self.engine, self.records)
        self.tokens = Tokens()
        self.downstreams = [Downstream(entry, self.tokens) for entry in self.registry.entries.values()]
        local = LocalProblems(self.problems, self.problem_tasks)
        self.targets: dict[str, Target] = {"tmf656": local} | {one.entry.api: one for one in self.downstreams}
        self.runs = Runs(
            self.database,
            self.engine,
            self.tickets,
            self.targets,
            mask=Mask.of(settings.mask),
            word=lambda code: self.mappings().reasons.word(code, settings.partner),
        )
        starts = Starts(
            self.mappings, self.database, self.engine, self.runs.trail, self.runs.switches, self.targets.keys()
        )
        consequences.append(starts.owe)
        self.reloading = Reloading(self.mappings, self.database)
        self.recoveries = RecoveryOperator(
            RecoveryOverview(
                self.database,
                self.tickets,
                self.mappings,
                self.runs.switches,
                self.runs.trail.mask,
                settings.clock_stops_in,
            ),
            Decisions(self.database, self.engine, self.runs),
            self.reloading,
        )
        self._tasks: list[asyncio.Task[None]] = []

    def asgi(self) -> ASGIApp:
        """The application that a server runs; its lifespan starts and closes the adapter."""
        return build(
            self._documents(),
            {
                WEBHOOK_KEYS: {"GET": published(self.hub.keys)},
                "/health/live": {"GET": _live},
                "/health/ready": {"GET": self._ready()},
            },
            strict=self.settings.strict,
            validate_responses=self.settings.validate_responses,
            lifespan=self._lifespan,
            spoken=self.spoken,
        )

    def _documents(self) -> list[Document]:
        url, rooms = self.settings.url, (self.hub.subscriptions, self.inbox)
        return [
            document(
                "tmf621-v5",
                TMF621_V5,
                lambda raw: Tmf621V5(raw, self.tickets, *rooms, self.specifications).operations(),
            ),
            document(
                "tmf656-v5",
                TMF656_V5,
                lambda raw: Tmf656V5(raw, self.problems, *rooms, self.problem_tasks, self.records).operations(),
            ),
            document(
                "tmf621-v4",
                TMF621_V4,
                lambda raw: Tmf621V4(raw, self.tickets, *rooms, f"{url}{TMF621_V4}").operations(),
                lenient=lenient,
            ),
            document(
                "tmf656-v4",
                TMF656_V4,
                lambda raw: Tmf656V4(
                    raw,
                    self.problems,
                    *rooms,
                    f"{url}{TMF656_V4}",
                    self.problem_tasks,
                    self.records,
                    v3_names=self.settings.tmf656_v3_names,
                ).operations(),
                lenient=lenient,
            ),
            document("inbound-v1", "", lambda raw: inbound(raw, self.inbox)),
            document(
                "operator-v1",
                OPERATOR_V1,
                lambda _raw: {
                    **Operator(Overview(self.database), self.hub).operations(),
                    **self.recoveries.operations(),
                },
                access=Access(self.settings.operator_token),
                strict=True,
            ),
        ]

    @asynccontextmanager
    async def _lifespan(self, _app: Any) -> AsyncIterator[None]:
        await self.start()
        try:
            yield
        finally:
            await self.close()

    async def start(self) -> None:
        """Take up what is owed and under way, and begin."""
        await counts.complete(self.database, self.mappings())
        await self.engine.launch(self.runs.tasks())
        await self.hub.start()
        callback = f"{self.settings.url}/listener"
        for downstream in self.downstreams:
            if downstream.entry.listens:
                self._tasks.append(asyncio.create_task(keep_registered(self.database, downstream, callback)))
        self._tasks.append(asyncio.create_task(forget_old_hourly(self.database)))
        self._tasks.append(asyncio.create_task(self.reloading.watch()))
        if self.settings.operator_token is None and self.settings.public_url:
            log.warning(
                "no TMF_ADAPTER_OPERATOR_TOKEN: whoever comes through a proxy on this machine may pass for local"
            )
        log.info("ready at %s with %d mappings", self.settings.url, len(self.mappings()))
        for mapping in self.mappings():
            if missing := mapping.apis - self.targets.keys():
                log.info("mapping %s waits for a downstream for %s", mapping.id, ", ".join(sorted(missing)))

    async def close(self) -> None:
        """Stop; what is under way is on record and goes on with the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.hub.close()
        await self.engine.close()
        for downstream in self.downstreams:
            downstream.close()
        self.tokens.close()
        self.database.close()

    def _ready(self) -> Handler:
        async def ready(_request: Request) -> Response:
            parts = {
                "database": await self._database_is_ready(),
                "engine": self.engine.is_running,
                "mappings": len(self.mappings()) > 0,
            }
            document: dict[str, Any] = {name: "up" if up else "down" for name, up in parts.items()}
            if refused := self.mappings.faults:  # the set from before still holds
                document["refusedMappings"] = sorted({Path(fault.file).name for fault in refused})
            return respond(200 if all(parts.values()) else 503, document)

        return ready

    async def _database_is_ready(self) -> bool:
        try:
            return await self.database.read(is_current)
        except AdapterError:
            return False


async def _live(_request: Request) -> Response:
    return respond(200, {"adapter": "up"})


def _known_partner(partner: str, reasons: Reasons) -> None:
    """Raises ``BadSetting``."""
    if partner and partner not in reasons.partners:
        known = ", ".join(sorted(reasons.partners)) or "nobody"
        raise BadSetting(f"TMF_ADAPTER_PARTNER={partner!r}: reasons.yaml has wordings for {known}")


def _dialects(mappings: Path | None) -> Path:
    """Those beside the mappings; the shipped ones where there are none."""
    own = mappings / "dialects" if mappings else None
    return own if own and own.is_dir() else shipped("mappings") / "dialects"
