"""A process of its own that drains one database: ``python -m tests.hub.drainer URL``. It may be told where to die."""

import asyncio
import sys

from tmf_adapter.hub import Hub
from tmf_adapter.storage.database import Database


async def main(url: str) -> None:
    hub = Hub(Database(url), public_url="http://adapter.test", allowed=["127.0.0.0/8"], backoff=(0.05,), lease=1.0)
    await hub.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
