"""``tmf-adapter recovery ...``: what mappings have started, why, what it waits for, and what can be done about it."""

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tmf_adapter.commands.table import card, cell, table
from tmf_adapter.commands.verb import Run, Show, verb

if TYPE_CHECKING:
    from tmf_adapter.commands.client import Client

RECOVERIES = {
    **{"id": "id", "state": "state", "outcome": "outcome", "mapping": "mappingId", "ticket": "ticketId"},
    **{"episode": "episode", "began": "createdAt", "waits for": "waitingFor", "reason": "reason"},
}
OPERATIONS = {
    **{
        "step": "step",
        "undo": "undo",
        "tell": "tell",
        "call": "call",
        "stage": "stage",
        "verdict": "verdict",
        "tries": "attempts",
    },
    **{"due": "dueAt", "remote id": "remoteId", "key": "id", "reason": "reason"},
}
QUESTIONS = {
    **{"id": "id", "kind": "kind", "reply": "reply", "by": "by", "ticket": "ticketId", "until": "until"},
    **{"question": "question", "answered by": "answeredBy", "answer": "answer", "said": "said"},
}
SWITCHES = {"name": "name", "since": "since", "by": "by", "reason": "reason"}
MAPPINGS = {"order": "order", "id": "id", "mode": "mode", "stop": "stop", "hash": "hash", "title": "title"}


def add(commands: Any) -> None:
    """The command with all that it can do; ``commands`` are argparse's subparsers."""
    recovery = commands.add_parser("recovery", help="see and steer the recoveries of a running adapter")
    verbs = recovery.add_subparsers(required=True, metavar="COMMAND")
    _add_looks(verbs)
    _add_deeds(verbs)


def _add_looks(verbs: Any) -> None:
    each = verb(verbs, "list", "list recoveries", _recoveries, lambda found: table(map(_brief, found), RECOVERIES))
    each.add_argument("--open", action="store_true", help="only those that have not ended")
    each.add_argument("--state", help="such as running, undoing, watching, reported, stopped")
    each.add_argument("--ticket", help="only of this ticket")
    each.add_argument("--mapping", help="only of this mapping")
    each.add_argument("--outcome", choices=["restored", "workaround", "unsuccessful"])
    each.add_argument("--since", help="only those that began since, such as 2026-11-24T06:00:00Z")
    each.add_argument("--until", help="only those that began before")
    each.add_argument("--limit", type=int, default=100)
    each.add_argument("--offset", type=int, default=0)
    show = verb(verbs, "show", "show one recovery and all that happened in it", _recovery, _story)
    show.add_argument("id", help="of the recovery")
    clock = verb(verbs, "clock", "show the service-level clock of a ticket", _clock, card)
    clock.add_argument("id", help="of the ticket")
    verb(verbs, "approvals", "list what waits for a person", _get("approval"), lambda found: table(found, QUESTIONS))
    verb(verbs, "switches", "list what is switched off", _get("switch"), lambda found: table(found, SWITCHES))
    verb(verbs, "mappings", "list the mappings that hold", _get("mapping"), _mappings)


def _add_deeds(verbs: Any) -> None:
    deeds: dict[str, tuple[str, str, Show]] = {
        "approve": ("let a recovery begin", "approval", card),
        "deny": ("keep a recovery from beginning", "approval", card),
        "stop": ("end a recovery; what it did is taken back", "recovery", _story),
        "replay": ("have what failed done again, under the same keys", "recovery", _story),
    }
    for name, (help_, part, show) in deeds.items():
        each = verb(verbs, name, help_, _deed(part, name), show)
        each.add_argument("id", help=f"of the {part}")
        each.add_argument("--reason", required=True, help="why, for whoever looks later")
    off = verb(verbs, "off", "let a mapping call nothing", _deed("switch", "off"), lambda found: table(found, SWITCHES))
    off.add_argument("id", metavar="mapping", help="* for all")
    off.add_argument("--reason", required=True, help="why, for whoever looks later")
    on = verb(verbs, "on", "let it call again", _deed("switch", "on"), card)
    on.add_argument("id", metavar="mapping", help="* for all")
    reload = verb(verbs, "reload", "read the mapping files again, all or none", _reload, _mappings)
    reload.set_defaults(reason=None)


# -- what is asked -----------------------------------------------------------------------------------------------------


def _recoveries(client: "Client", options: argparse.Namespace) -> Any:
    return client.get(
        "recovery",
        open="true" if options.open else None,
        state=options.state,
        ticketId=options.ticket,
        mappingId=options.mapping,
        outcome=options.outcome,
        since=options.since,
        until=options.until,
        limit=options.limit,
        offset=options.offset,
    )


def _recovery(client: "Client", options: argparse.Namespace) -> Any:
    return client.get("recovery", options.id)


def _clock(client: "Client", options: argparse.Namespace) -> Any:
    return client.get("ticket", options.id, "clock")


def _get(part: str) -> Run:
    return lambda client, _options: client.get(part)


def _deed(part: str, name: str) -> Run:
    def run(client: "Client", options: argparse.Namespace) -> Any:
        reason = getattr(options, "reason", None)
        return client.send("POST", part, options.id, name, body={"reason": reason} if reason else {})

    return run


def _reload(client: "Client", _options: argparse.Namespace) -> Any:
    return client.send("POST", "mapping", "reload")


# -- how it is shown ---------------------------------------------------------------------------------------------------


def _brief(recovery: Mapping[str, Any]) -> dict[str, Any]:
    """With what it waits for in one cell."""
    waiting = recovery.get("waitingFor") or {}
    said = " ".join(str(waiting[name]) for name in ("what", "step", "until") if name in waiting)
    return {**recovery, "waitingFor": recovery.get("parked") or said or None}


def _story(recovery: Mapping[str, Any]) -> str:
    """A recovery as a person reads it: what it is, its operations and questions, and its trail line by line."""
    lists = ("operationList", "questionList", "trail")
    parts = [card({name: value for name, value in recovery.items() if name not in lists})]
    parts += ["", table(recovery["operationList"], OPERATIONS)] if recovery["operationList"] else []
    parts += ["", table(recovery["questionList"], QUESTIONS)] if recovery["questionList"] else []
    return "\n".join([*parts, "", *map(_line, recovery["trail"])])


def _line(entry: Mapping[str, Any]) -> str:
    said = {name: value for name, value in entry.items() if name not in ("at", "entry")}
    return f"{entry['at']}  {entry['entry']:<10}" + "".join(f"  {name}={cell(value)}" for name, value in said.items())


def _mappings(found: Mapping[str, Any]) -> str:
    faults = "".join(f"\nfault: {cell(fault)}" for fault in found["fault"])
    return f"{found['hash']} since {found['since']}\n" + table(found["mapping"], MAPPINGS) + faults
