"""Judges one server: finds which of the four APIs it offers and has every part look at them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from conformance import exceptions, play, properties, samples, standard
from conformance.apis import Api, read
from conformance.client import Client
from conformance.keys import KEYS
from conformance.listener import Listener
from conformance.properties import Amount
from conformance.verdict import Clause, Level, Outcome, Part, Verdict

BASE_PATHS = {"TMF621": "/tmf-api/troubleTicket", "TMF656": "/tmf-api/serviceProblemManagement"}
"""Where an API is by TM Forum's habit, without its version."""

OFFERED = Clause("The API is offered", "asked for", Level.REQUIRED)


class Unreachable(Exception):
    """There is no server at the address."""


@dataclass(frozen=True)
class Order:
    """What is to be judged, and how."""

    base_url: str
    documents: Path
    """The directory with our documents, by which servers are judged."""
    apis: Mapping[str, str] = field(default_factory=dict)
    """The APIs to judge, each with an address of its own or ""; none means all four, where they are offered."""
    headers: Mapping[str, str] = field(default_factory=dict)
    seed: int = 1
    amount: Amount = field(default_factory=Amount)
    """How many generated requests are sent; seconds are those of all APIs together."""
    samples: Path | None = None
    standard: Path | None = None
    parts: frozenset[Part] = frozenset(Part)
    listener: Listener | None = None
    patience: float = 10.0
    """Seconds that a notification may take."""


def judge(order: Order) -> Iterator[Verdict]:
    """The verdicts on a server, one after the other; raises ``Unreachable`` when nothing answers at all."""
    asked = [_api(order, key) for key in (order.apis or KEYS)]
    offered = [api for api in asked if _is_offered(api, order.headers)]
    for api in asked:
        if api not in offered:
            outcome = Outcome.FAILED if order.apis else Outcome.NOT_OFFERED
            detail = f"GET {api.url}/{api.resource} answers 404"
            yield Verdict(api.number, api.version, Part.SCENARIOS, "all", OFFERED, outcome, detail)
    for api in offered:
        yield from _parts(order, api, tuple(other for other in offered if other != api), len(offered))
    if order.standard and Part.STANDARD in order.parts:
        for api in asked:
            yield from standard.compare(api, order.standard)


def _parts(order: Order, api: Api, others: tuple[Api, ...], share: int) -> Iterator[Verdict]:
    if Part.SCENARIOS in order.parts:
        yield from play.play(api, others, order.headers, order.listener, order.patience)
    if Part.SAMPLES in order.parts:
        yield from samples.judge(api, order.headers, samples.ours(api))
        if order.samples:
            yield from samples.judge(api, order.headers, samples.official(api, order.samples))
    if Part.PROPERTIES in order.parts:
        seconds = max(1, order.amount.seconds // share) if order.amount.seconds else 0
        amount = replace(order.amount, seconds=seconds)
        yield from properties.judge(api, order.headers, order.seed, amount, exceptions.load())


def _api(order: Order, key: str) -> Api:
    number, _, version = key.upper().partition("-")
    url = order.apis.get(key) or f"{order.base_url.rstrip('/')}{BASE_PATHS[number]}/{version.lower()}"
    return Api(key, url.rstrip("/"), read(order.documents / f"{key}.yaml"))


def _is_offered(api: Api, headers: Mapping[str, str]) -> bool:
    """Whether the server serves this API: its list is not 404. Asks for a while, since a server may be starting."""
    client = Client(headers)
    for _ in range(3):
        answer = client.send("GET", f"{api.url}/{api.resource}?limit=1")
        if answer.status:
            return answer.status != 404
        time.sleep(0.5)
    raise Unreachable(f"{api.url}: {answer.exchange.body}")
