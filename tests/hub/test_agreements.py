"""Changing how a listener is called, also where another process drains it, and when the key that seals is replaced."""

import asyncio
import os

import orjson
import pytest
from sqlalchemy import text

from tests.hub.room import OpenSink, Room, a_ticket, subscribe
from tests.hub.sinks import until
from tmf_adapter.secret import keys
from tmf_adapter.storage.database import Database
from tmf_adapter.vault import Vault

WHO = "ada at 127.0.0.1"
BEARER = {"auth": {"type": "bearer", "token": "s3cr3t"}}
SIGNING = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def a_key() -> str:
    return os.urandom(32).hex()


async def terms_of(database: Database, id: str) -> str:
    statement = text("SELECT terms FROM subscription WHERE id = :id")
    return str(await database.read(lambda tx: tx.execute(statement, {"id": id}).scalar_one()))


async def test_what_an_older_key_sealed_is_sealed_anew_at_the_start_so_that_it_can_go(
    room: Room, database: Database, sink_of: OpenSink
) -> None:
    old, new, sink = a_key(), a_key(), await sink_of()
    first = await room.hub(vault=Vault(keys(old)))
    id = await subscribe(first, sink)
    await first.agreements.change(id, BEARER, WHO)
    await first.agreements.give_secret(id, SIGNING, WHO)
    await first.close()
    before = await terms_of(database, id)
    await (await room.hub(vault=Vault(keys(f"{new},{old}")))).close()
    after = await terms_of(database, id)
    assert before != after
    assert "s3cr3t" not in after
    statement = text("SELECT count(*) FROM audit")
    assert await database.read(lambda tx: tx.execute(statement).scalar_one()) == 2, "nobody decided anything"

    last = await room.hub(vault=Vault(keys(new)))
    await room.desk(last).open(a_ticket())
    await until(lambda: sink.received)
    assert sink.received[0].headers["authorization"] == "Bearer s3cr3t"
    assert sink.received[0].headers["webhook-signature"].count("v1,") == 1
    assert await terms_of(database, id) == after, "what is sealed with the present key stays as it is"


async def test_secrets_that_no_key_opens_are_kept_and_said_and_hinder_nobody_else(
    room: Room, database: Database, sink_of: OpenSink, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad, key = await sink_of(), await sink_of(), a_key()
    first = await room.hub(vault=Vault(keys(key)))
    await subscribe(first, good)
    id = await subscribe(first, bad)
    await first.agreements.change(id, BEARER, WHO)
    await first.close()
    await database.write(lambda tx: tx.execute(text("DELETE FROM signing_key")))
    before = await terms_of(database, id)

    hub = await room.hub(vault=Vault(keys(a_key())))
    await room.desk(hub).open(a_ticket())
    await until(lambda: good.received)
    assert bad.received == []
    assert await terms_of(database, id) == before
    assert "TMF_ADAPTER_SECRET_KEY" in caplog.text
    await room.settled(delivered=1, pending=1)
    [waiting] = [row for row in await room.deliveries() if row.state == "pending"]
    assert orjson.loads(before)["auth"]
    assert waiting.subscription_id == id


async def test_another_process_takes_up_new_terms_while_it_is_busy(room: Room, sink_of: OpenSink) -> None:
    """On SQLite there is one process; two hubs stand for two processes all the same."""
    sink, vault = await sink_of(), Vault(keys(a_key()))
    working, other = await room.hub(vault=vault, lease=0.6), await room.hub(vault=vault, started=False)
    id = await subscribe(working, sink)
    desk = room.desk(working)
    await desk.open(a_ticket())
    await until(lambda: len(sink.received) == 1)
    await other.agreements.change(id, BEARER, WHO)

    async with asyncio.timeout(20):
        while "authorization" not in sink.received[-1].headers:
            await desk.open(a_ticket())
    assert sink.received[-1].headers["authorization"] == "Bearer s3cr3t"
