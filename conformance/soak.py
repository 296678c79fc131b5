"""A long run against this adapter: no request, however hostile, ends in a 5xx, and the adapter lives.

``python -m conformance.soak --seconds 600``: half of the time goes to requests that schemathesis invents from the four
documents, half to those of ``hostile``. What failed is printed with its request; the exit code is 1 then.
"""

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from conformance import own
from conformance.apis import Api, read
from conformance.client import Client
from conformance.hostile import Shot, shots
from conformance.judge import BASE_PATHS, Order, judge
from conformance.keys import KEYS
from conformance.properties import Amount
from conformance.scenarios import Subject
from conformance.verdict import Exchange, Outcome, Part

DOCUMENTS = Path(__file__).parents[1] / "openapi"
FAILED = 500
ALLOWED = frozenset({501})
"""What a server may answer to say that it does not offer something."""
ROUND = 40
"""Hostile requests to one API before it is the next one's turn."""


def main(arguments: list[str] | None = None) -> int:
    """Run it; 0 when nothing failed."""
    parser = argparse.ArgumentParser(description=__doc__.split(":")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0, help="0: another one each time")
    parser.add_argument("--hostile-only", action="store_true")
    options = parser.parse_args(arguments)
    seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    print(f"soak: seed {seed}, {options.seconds} s", flush=True)
    # Checking its own answers would turn a wrong answer into a 500: that is what the judge looks for, not this.
    with own.running({"TMF_ADAPTER_VALIDATE_RESPONSES": "false", "TMF_ADAPTER_STRICT": "false"}) as (url, log):
        half = options.seconds if options.hostile_only else options.seconds // 2
        faults = list(hostile(url, seed, half))
        if not options.hostile_only:
            faults += generated(url, seed, options.seconds - half)
        if not alive(url):
            faults.append("the adapter is no longer ready")
        incidents = log.read_text(errors="replace")
    for fault in faults[:50]:
        print(f"FAILED {fault}")
    if faults:
        print(f"--- the end of the adapter's log ---\n{incidents[-6000:]}")
    print(f"soak: {len(faults)} failures with seed {seed}")
    return 1 if faults else 0


def hostile(url: str, seed: int, seconds: int) -> Iterator[str]:
    """What failed of the hostile requests, each kind of failure once."""
    chance, client = random.Random(seed), Client()
    apis = [api_at(url, key) for key in KEYS]
    known = {api.key: Subject(api, client, None, 0).create()["id"] for api in apis}
    streams = {
        api.key: shots(api, Subject(api, client, None, 0).new(), partial(known.__getitem__, api.key), chance)
        for api in apis
    }
    seen: set[tuple[str, ...]] = set()
    counts: Counter[int] = Counter()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for api in apis:
            for shot in islice(streams[api.key], ROUND):
                exchange = fired(client, api, shot)
                counts[exchange.status] += 1
                where = (api.key, shot.about[:20], shot.method, shot.path.split("?")[0].split("/")[1])
                if has_failed(exchange) and where not in seen:
                    seen.add(where)
                    yield told(api, shot, exchange)
            if client.send("GET", f"{api.url}/{api.resource}/{known[api.key]}").status == 404:  # it was deleted
                known[api.key] = Subject(api, client, None, 0).create()["id"]
            client.log.clear()
    print(f"soak: {sum(counts.values())} hostile requests answered {dict(sorted(counts.items()))}", flush=True)


def generated(url: str, seed: int, seconds: int) -> list[str]:
    """What failed of the requests that schemathesis invents: server errors only."""
    order = Order(url, DOCUMENTS, seed=seed, amount=Amount(seconds=seconds), parts=frozenset({Part.PROPERTIES}))
    failed = [one for one in judge(order) if one.outcome is Outcome.FAILED and "5xx" in one.clause.text]
    return [
        f"{one.api} {one.version} {one.operation}: {one.detail}\n"
        f"{exchange.method} {exchange.url}\n{exchange.sent[:2000]}"
        for one in failed
        for exchange in one.exchanges
        if has_failed(exchange)
    ]


def api_at(url: str, key: str) -> Api:
    """An API of the adapter at ``url``."""
    number, _, version = key.upper().partition("-")
    return Api(key, f"{url}{BASE_PATHS[number]}/{version.lower()}", read(DOCUMENTS / f"{key}.yaml"))


def fired(client: Client, api: Api, shot: Shot) -> Exchange:
    """What came of a hostile request."""
    headers = {name: value.encode().decode("latin-1") for name, value in shot.headers}
    return client.send(shot.method, api.url + shot.path, raw=shot.raw, headers=headers).exchange


def has_failed(exchange: Exchange) -> bool:
    """Whether the server failed: a 5xx, or no answer at all."""
    return (exchange.status >= FAILED and exchange.status not in ALLOWED) or exchange.status == 0


def told(api: Api, shot: Shot, exchange: Exchange) -> str:
    """A failure, with its request cut short."""
    raw = (shot.raw or b"")[:300]
    answer = f"{exchange.status} {exchange.body[:300]}"
    return (
        f"{api.title} {shot.about}: {shot.method} {shot.path[:300]}\n  {dict(shot.headers)}\n  {raw!r}\n  -> {answer}"
    )


def alive(url: str) -> bool:
    """Whether the adapter still says that it is ready."""
    return Client().send("GET", f"{url}/health/ready").status == 200


if __name__ == "__main__":
    sys.exit(main())
