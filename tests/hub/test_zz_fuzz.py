import asyncio, random, pytest
from collections import defaultdict
from tests.hub.conftest import *
from tests.hub.room import *
from tests.hub.sinks import *
from tmf_adapter.hub import drain
from tests.conftest import *
@pytest.mark.parametrize("seed", range(int(__import__("os").environ.get("SEEDS","30"))))
async def test_fuzz(room, sink_of, monkeypatch, seed):
    r=random.Random(seed)
    monkeypatch.setattr(drain,"WINDOW",r.choice([2,3,5,8,30])); monkeypatch.setattr(drain,"POLL",0.01); monkeypatch.setattr(drain,"PACE",r.choice([0,0.005]))
    monkeypatch.setattr(drain,"LANES",r.choice([1,3,32])); monkeypatch.setattr("tmf_adapter.hub.hub.GRACE",0.02)
    done=defaultdict(list); tried=defaultdict(list)
    async def moody(received, writer):
        t=received.event["event"]["troubleTicket"]["id"]; tried[t].append(received.event_id)
        if r.random()<0.05: await asyncio.sleep(0.03)
        if r.random()<0.4: return await r.choice([fails,resets,answers(429)])(received,writer)
        done[t].append(received.event_id)
        return await accepts(received,writer)
    sink=await sink_of(moody)
    mk=lambda: room.hub(backoff=(0.005,0.02,0.06), started=False, allowed=() if r.random()<0.25 else ("127.0.0.0/8",))
    hub=await mk(); await subscribe(hub,sink)
    desk=room.desk(hub); ids=[]; n=0
    await hub.start()
    for i in range(120):
        if r.random()<0.06 or not ids: ids.append((await desk.open(a_ticket())).id); n+=1
        else: await desk.patch(r.choice(ids),{"name":f"n{i}"},MERGE); n+=1
        if r.random()<0.1: await asyncio.sleep(0.02)
        if r.random()<0.05:
            await hub.close(); hub=await mk(); desk=room.desk(hub)
            if r.random()<.8: await hub.start()
    await hub.close(); hub=await room.hub(backoff=(0.005,0.02,0.06))
    await room.settled(delivered=n)
    owed=defaultdict(list)
    for row in await room.deliveries(): owed[row.resource_id].append(row.event_id)
    for t in owed:
        assert list(dict.fromkeys(done[t]))==owed[t], (seed,t)
        # never goes back: each attempt is for an event >= last accepted-first
        pos=[owed[t].index(e) for e in tried[t]]
        firsts=list(dict.fromkeys(pos)); assert firsts==sorted(firsts),(seed,t,pos)
