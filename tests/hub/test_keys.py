"""The keys that sign: made once, shared by processes, rotated with overlap, sealed where something can seal them."""

import asyncio
import base64
import os

import pytest
from sqlalchemy import text

from tmf_adapter.hub import keys as module
from tmf_adapter.hub.keys import Keys
from tmf_adapter.secret import keys
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.vault import Vault

WHO = "ada at 127.0.0.1"


def a_vault(*given: str) -> Vault:
    return Vault(keys(",".join(given or (os.urandom(32).hex(),))))


async def kept(database: Database) -> list[str]:
    statement = text("SELECT private FROM signing_key ORDER BY generation")
    return await database.read(lambda tx: list(tx.execute(statement).scalars()))


async def test_the_first_start_makes_a_key_and_every_other_finds_it(database: Database) -> None:
    first = Keys(database, Vault())
    again = Keys(database, Vault())
    assert [key.kid for key in first.signing] == [key.kid for key in again.signing]
    assert len(first.signing) == 1
    assert len(await kept(database)) == 1


async def test_processes_that_start_at_once_share_one_key(database: Database) -> None:
    made = await asyncio.gather(*(asyncio.to_thread(Keys, database, Vault()) for _ in range(8)))
    assert len({key.kid for each in made for key in each.signing}) == 1


async def test_a_rotation_adds_a_key_and_the_one_before_signs_for_a_day_more(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, other = Keys(database, Vault()), Keys(database, Vault())
    [old] = ours.signing
    new = await ours.rotate(WHO)
    assert [key.kid for key in ours.signing] == [new.kid, old.kid]
    assert [key["kid"] for key in ours.published()["keys"]] == [new.kid, old.kid]
    await other.refresh()
    assert [key.kid for key in other.signing] == [new.kid, old.kid]

    real = module.time.time
    monkeypatch.setattr(module.time, "time", lambda: real() + 86_400 - 60)
    assert len(ours.signing) == 2
    monkeypatch.setattr(module.time, "time", lambda: real() + 86_400 + 1)
    assert [key.kid for key in ours.signing] == [new.kid], "without being told, and without a restart"
    assert [key["kid"] for key in ours.published()["keys"]] == [new.kid]
    await ours.rotate(WHO)
    assert (await kept(database))[0] == "", "the private half of a key that is over is forgotten"
    assert old.kid not in [key.kid for key in Keys(database, Vault()).signing]


async def test_a_key_that_may_be_in_other_hands_ends_at_once(database: Database) -> None:
    ours = Keys(database, Vault())
    await ours.rotate(WHO)
    new = await ours.rotate(WHO, revoke=True)
    assert [key.kid for key in ours.signing] == [new.kid]
    assert [key["kid"] for key in ours.published()["keys"]] == [new.kid]
    assert (await kept(database))[:2] == ["", ""]


async def test_several_who_rotate_at_once_take_turns(database: Database) -> None:
    ours = Keys(database, Vault())
    made = await asyncio.gather(*(ours.rotate(WHO) for _ in range(4)))
    assert len({key.kid for key in made}) == 4
    await ours.refresh()
    assert {key.kid for key in made} < {key.kid for key in ours.signing}
    assert sum(key.signs_until is None for key in ours.signing) == 1


async def test_a_rotation_is_on_record(database: Database) -> None:
    ours = Keys(database, Vault())
    [old] = ours.signing
    new = await ours.rotate(WHO)
    statement = text("SELECT who, action, before, after FROM audit")
    [row] = await database.read(lambda tx: tx.execute(statement).all())
    assert tuple(row) == (WHO, "rotate", f'{{"kid":"{old.kid}"}}', f'{{"kid":"{new.kid}"}}')


async def test_without_a_key_to_seal_with_it_is_kept_as_it_is_and_that_is_said(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    Keys(database, Vault())
    [private] = await kept(database)
    assert private.startswith("plain:")
    assert "TMF_ADAPTER_SECRET_KEY is not set" in caplog.text
    assert private.removeprefix("plain:") not in caplog.text


async def test_with_one_it_is_sealed_and_what_was_not_becomes_so(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    [plain] = Keys(database, Vault()).signing
    caplog.clear()
    key = os.urandom(32).hex()
    [sealed] = Keys(database, a_vault(key)).signing
    [private] = await kept(database)
    assert sealed.kid == plain.kid
    assert private.startswith("aes256gcm:")
    raw = plain.private.private_bytes_raw()
    assert base64.b64encode(raw).decode() not in private
    assert caplog.text == ""

    newer = os.urandom(32).hex()
    assert Keys(database, a_vault(newer, key)).signing[0].kid == plain.kid
    assert Keys(database, a_vault(newer)).signing[0].kid == plain.kid, "sealed anew when both were there"


async def test_another_key_than_it_was_sealed_with_stops_the_start_and_nothing_is_lost(database: Database) -> None:
    key = os.urandom(32).hex()
    [before] = Keys(database, a_vault(key)).signing
    for vault in (Vault(), a_vault()):
        with pytest.raises(AdapterError, match="cannot be opened") as caught:
            Keys(database, vault)
        assert "TMF_ADAPTER_SECRET_KEY" in str(caught.value.message)
    assert Keys(database, a_vault(key)).signing[0].kid == before.kid
