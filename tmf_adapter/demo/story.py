"""Three tickets, played through real HTTP: one restored, one worked around, one not; the adapter dies in the middle."""

import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import FrameType

import requests

from tmf_adapter.demo.adapter import Adapter
from tmf_adapter.demo.cases import CASES, ticket_body
from tmf_adapter.demo.client import Client, Unexpected
from tmf_adapter.demo.downstream import BASE
from tmf_adapter.demo.narrator import Narrator
from tmf_adapter.demo.owed import Balance, Notice, balance, outcome, owed_for
from tmf_adapter.demo.processes import NotStarted, start, tail
from tmf_adapter.demo.watch import Opened, Watch

TICKETS = "/tmf-api/troubleTicket/v5/troubleTicket"
HUB = "/tmf-api/troubleTicket/v5/hub"
DOWNSTREAM_DELAY = 1.5
"""Seconds between two statuses downstream: long enough to die in."""
STEP_SECONDS = 15.0
STORY_SECONDS = 50.0
SETTLE_SECONDS = 0.5
"""How long after the last owed notification one that nobody owes is waited for."""
LOOK_SECONDS = 0.1


class Failed(Exception):
    """The story did not end as it should; the sentence says why."""


def run() -> int:
    """Play the story; the exit code: 0 when everything held, 1 when something did not, 130 when it was interrupted."""
    narrator = Narrator()
    try:
        with _terminable(), ExitStack() as stack:
            return Story(narrator, stack).play()
    except KeyboardInterrupt:
        narrator.plain("demo interrupted")
        return 130
    except (Failed, NotStarted) as error:
        narrator.plain(f"demo failed: {error}")
        return 1


class Story:
    """The processes live as long as ``stack``."""

    def __init__(self, narrator: Narrator, stack: ExitStack) -> None:
        self._narrator = narrator
        delay = str(DOWNSTREAM_DELAY)
        self._client = stack.enter_context(Client())
        downstream = stack.enter_context(start("tmf_adapter.demo.downstream", "--delay", delay))
        subscriber = stack.enter_context(start("tmf_adapter.demo.subscriber"))
        self._adapter = stack.enter_context(Adapter(downstream.url + BASE))
        self._watch = Watch(self._client, narrator, downstream.url, subscriber.url)

    def play(self) -> int:
        """The whole story. Raises ``Failed``, having shown the end of the adapter's log."""
        try:
            self._prepare()
            self._open_two()
            self._die_and_come_back()
            self._hear_the_reports()
            return self._settle()
        except (Unexpected, requests.RequestException) as error:
            self._show_log()
            raise Failed(str(error)) from error
        except (Failed, NotStarted):
            self._show_log()
            raise

    # -- the parts -----------------------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        self._narrator.title("Three processes")
        self._narrator.say("downstream", f"serves TMF656 at {self._watch.downstream_url}")
        self._narrator.say("subscriber", f"waits at {self._watch.subscriber_url}")
        pid = self._adapter.start(self._look)
        self._narrator.say("adapter", f"serves TMF621 at {self._adapter.url} (process {pid})")
        callback = f"{self._watch.subscriber_url}/listener"
        self._client.post(self._adapter.url + HUB, {"@type": "Hub", "callback": callback})
        self._narrator.say("subscriber", "registered at the adapter's hub")
        self._until(lambda: bool(self._watch.downstream["listeners"]), "the adapter never registered downstream")
        self._narrator.say("adapter", "registered at the downstream's hub")

    def _open_two(self) -> None:
        self._narrator.title("Two customers call")
        for number in (0, 1):
            self._take_on(self._open(number))
        self._until(lambda: len(self._watch.downstream["problems"]) == 2, "the downstream was not asked to recover")

    def _die_and_come_back(self) -> None:
        self._narrator.title("A third one calls, and the adapter dies")
        self._client.post(f"{self._watch.subscriber_url}/control", {"mode": "hang", "times": 1})
        third = self._open(2)
        self._until(lambda: self._watch.subscriber["open"] > 0, "no notification is under way")
        waiting, open_ = self._watch.waiting(), self._watch.subscriber["open"]
        if not waiting:
            raise Failed("no recovery was waiting when the adapter was to be killed")
        self._take_on(third)
        self._adapter.kill()
        self._narrator.say(
            "demo", f"KILL -9: {waiting} recoveries wait, 1 is just owed, {open_} notification is under way"
        )
        self._until(lambda: self._watch.downstream["undelivered"] > 0, "no result event met a dead adapter")
        self._narrator.say(
            "downstream", f"cannot reach the adapter, {self._watch.downstream['undelivered']} events wait"
        )
        pid = self._adapter.start(self._look)
        self._narrator.say("adapter", f"is back on the same port and database (process {pid})")

    def _hear_the_reports(self) -> None:
        self._narrator.title("Everything goes on")

        def reported() -> bool:
            return all(outcome(ticket.seen) for ticket in self._watch.tickets)

        self._until(reported, "not every ticket has its report", STORY_SECONDS)
        self._until(lambda: not self._balance().lost, None, STORY_SECONDS)
        self._look_for(SETTLE_SECONDS)

    def _settle(self) -> int:
        self._narrator.title("The count")
        self._check_doubles()
        outcomes = Counter(outcome(ticket.seen) for ticket in self._watch.tickets)
        for ticket, case in zip(self._watch.tickets, CASES, strict=True):
            if outcome(ticket.seen) != case.outcome:
                raise Failed(f"{ticket.name} should be {case.outcome} and is {outcome(ticket.seen)}")
        found = self._balance()
        if found.unowed:
            raise Failed(f"notifications came that nothing on the tickets explains: {_listed(found.unowed)}")
        counts = ", ".join(f"{sum(self._owed(ticket).values())} for {ticket.name}" for ticket in self._watch.tickets)
        self._narrator.say("demo", f"notifications owed, by the tickets' own history: {counts}")
        self._narrator.plain(
            f"demo: restored={outcomes['restored']} workaround={outcomes['workaround']} "
            f"unsuccessful={outcomes['unsuccessful']} notifications={self._watch.subscriber['notifications']} "
            f"lost={found.lost.total()} duplicated={self._watch.subscriber['duplicates']}"
        )
        if found.lost:
            raise Failed(f"{found.lost.total()} notifications were lost: {_listed(found.lost)}")
        return 0

    def _check_doubles(self) -> None:
        told = self._watch.downstream
        if told["creates"] != len(CASES) or set(told["by_operation"].values()) != {1}:
            raise Failed(f"the downstream opened {told['creates']} problems for {len(CASES)} tickets")

    # -- what the parts are made of ------------------------------------------------------------------------------------

    def _open(self, number: int) -> Opened:
        case, name = CASES[number], f"ticket {number + 1}"
        body = ticket_body(case)
        self._narrator.say("customer", f'{name}, {case.customer}: "{case.description}"')
        ticket = self._client.post(self._adapter.url + TICKETS, body)
        self._narrator.say("adapter", f"{name}: opened as {ticket['id'][-12:]}, {ticket['status']}")
        opened = Opened(name, case.line, body, ticket)
        self._watch.tickets.append(opened)
        return opened

    def _take_on(self, ticket: Opened) -> None:
        patch = {"@type": "TroubleTicket", "status": "inProgress", "statusChangeReason": "taken on by the access team"}
        ticket.seen = self._client.patch(ticket.seen["href"], patch)
        self._narrator.say("adapter", f"{ticket.name}: is {ticket.seen['status']}, {patch['statusChangeReason']}")

    def _owed(self, ticket: Opened) -> Counter[Notice]:
        return owed_for(ticket.sent, ticket.seen)

    def _balance(self) -> Balance:
        owed = sum((self._owed(ticket) for ticket in self._watch.tickets), Counter[Notice]())
        return balance(owed, self._watch.subscriber["events"])

    def _until(self, holds: Callable[[], bool], otherwise: str | None, seconds: float = STEP_SECONDS) -> None:
        """Look until ``holds``. When the time is over: fail with ``otherwise``, or go on when that is None."""
        end = min(self._narrator.elapsed + seconds, STORY_SECONDS)
        self._watch.look()
        while not holds():
            if self._narrator.elapsed > end:
                if otherwise is None:
                    return
                raise Failed(f"{otherwise} within {seconds:g} s")
            self._look()

    def _look(self) -> None:
        time.sleep(LOOK_SECONDS)
        self._watch.look()

    def _look_for(self, seconds: float) -> None:
        end = self._narrator.elapsed + seconds
        self._until(lambda: self._narrator.elapsed > end, None, seconds + 1)

    def _show_log(self) -> None:
        if log := tail(self._adapter.log()):
            self._narrator.title("The end of the adapter's log")
            self._narrator.plain(log)


def _listed(notices: Counter[Notice]) -> str:
    return ", ".join(f"{count} x {type_} {status or ''} of {id_}" for (id_, type_, status), count in notices.items())


@contextmanager
def _terminable() -> Iterator[None]:
    """Inside, SIGTERM and SIGHUP clean up as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {}
    with suppress(ValueError):  # not the main thread
        before = {number: signal.signal(number, interrupt) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


if __name__ == "__main__":
    sys.exit(run())
