"""A process of its own that drains one database: ``python -m tests.hub.drainer URL [replay]``.

With ``replay`` it first sends again whatever was delivered. It may be told where to die.
"""

import asyncio
import sys
from typing import Any

from tmf_adapter.hub import Hub, owe
from tmf_adapter.hub.breaker import Pauses
from tmf_adapter.hub.overview import Wanted
from tmf_adapter.storage.database import Database


async def main(url: str, *what: str) -> None:
    owe.CHUNK = 4  # so that a fan-out takes several
    quick: Any = {"backoff": (0.05,), "pauses": Pauses(0.05, 0.2), "lease": 1.0}
    hub = Hub(Database(url), public_url="http://adapter.test", allowed=["127.0.0.0/8"], **quick)
    if "replay" in what:
        await hub.operate.replay(Wanted(), "the test")
    await hub.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
