"""v4 and v5 of TMF621 and TMF656: the only translator.

A resource is stored as its v5 document; v4 is a view of it. What one version cannot express is kept in the stored
document and comes back in the version that can. The differences are facts of the two pairs of official files
(TMF621 v4.0.0 and v5.0.1, TMF656 v4.0.0 and v5.0.0).
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from tmf_adapter.tmf.condition import And, Compare, Condition, Not, Or, Path
from tmf_adapter.tmf.errors import Fault, Invalid
from tmf_adapter.tmf.events import Doc, same
from tmf_adapter.tmf.lifecycle import PROBLEM, TICKET
from tmf_adapter.tmf.objects import EVENT_RECORD, SERVICE_PROBLEM, TROUBLE_TICKET, task
from tmf_adapter.tmf.shapes import ABSENT, KEPT, Shape, kept

TMF621 = "/tmf-api/troubleTicket/"
TMF656 = "/tmf-api/serviceProblemManagement/"
"""What the paths of each API's versions begin with."""


def _nothing(_seen: Doc) -> Doc:
    return {}


def _of_a_problem(seen: Doc) -> Doc:
    """Nobody else being named, the originator is responsible; the number of affected services is that of those named.

    Conformance kits of v4 ask for both in every answer.
    """
    party = {"responsibleParty": seen["originatorParty"]} if "originatorParty" in seen else {}
    return {"affectedNumberOfServices": len(seen.get("affectedService", ())), **party}


@dataclass(frozen=True, slots=True)
class Lens:
    """The v4 of one kind of resource. ``api`` is what the paths of its API begin with, None where only v5 can be asked
    for one of them: its address is then that of v5.

    ``v5_only``: members that v4 does not have and is not shown, unless it was v4 that sent them.
    ``statuses``: those that the standard knows; a create through v4 may come with another word (conformance kits do).
    ``integers``: members that v4 clients, the standard's own sample among them, send as text. ``supplied``: what v4
    clients count on in every whole resource, made of what is seen.
    """

    api: str | None
    shape: Shape
    v5_only: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    integers: frozenset[str] = frozenset()
    supplied: Callable[[Doc], Doc] = _nothing

    def view(self, stored: Doc) -> Doc:
        """What v4 sees of a stored v5 document, or of a part of one. ``@type`` is always shown."""
        said = kept(stored)
        seen: Doc = self.shape.view({name: value for name, value in stored.items() if self._is_shown(name, said)})
        if "@type" in stored:
            seen.setdefault("@type", stored["@type"])
        if "href" in stored:
            seen["href"] = self._moved(stored["href"], "v5", "v4")
        if "status" in said and stored.get("status") == self._meant(said["status"]):
            seen["status"] = said["status"]
        return seen

    def whole(self, stored: Doc) -> Doc:
        """What v4 is answered: all that it sees, and what its clients count on besides."""
        seen = self.view(stored)
        return self.supplied(seen) | seen

    def put(self, before: Doc, v4: Doc) -> Doc:
        """The document to store, so that v4 sees ``v4`` of it: ``before`` with what v4 changed of its view.

        ``before`` is empty for a new resource. Raises ``Invalid`` for a change to a status that nobody knows, or to
        something that v4 itself would not be shown.
        """
        seen = self.view(before)
        if before and same(seen, v4):
            return before
        if faults := [Fault(place, "has a form that version 4 does not know") for place in self.shape.misfits(v4)]:
            raise Invalid("The resource would not be one of version 4.", faults=faults)
        said: Doc = {name: True for name in self.v5_only & v4.keys()}
        body = self._in_v5_words(before, v4, seen, said)
        shown = {name: value for name, value in before.items() if self._is_shown(name, kept(before))}
        after: Doc = self.shape.put(shown, body)
        hidden = before.keys() - shown.keys() - after.keys()
        order = [name for name in before if name in hidden or name in after]
        document = {name: before[name] if name in hidden else after[name] for name in order} | after
        ours = self.v5_only | {"status"} | ({"@type"} if v4.get("@type") else set())
        said = {name: value for name, value in kept(after).items() if name not in ours} | said
        document.pop(KEPT, None)
        return {**document, KEPT: said} if said else document

    def _in_v5_words(self, before: Doc, v4: Doc, seen: Doc, said: Doc) -> Doc:
        """What v4 says in its own words, in v5's; a word that v5 cannot say is kept in ``said``."""
        body = dict(v4)
        if "href" in body and same(body["href"], seen.get("href", ABSENT)):
            body["href"] = before["href"]
        for name in self.integers & body.keys():
            if isinstance(body[name], str) and re.fullmatch(r"[0-9]{1,18}", body[name]):
                body[name] = int(body[name])
        if not self.statuses or "status" not in body:
            return body
        if same(body["status"], seen.get("status", ABSENT)):
            if "status" in kept(before):
                said["status"] = kept(before)["status"]
            body["status"] = before["status"]
        elif not isinstance(body["status"], str) or body["status"] not in self.statuses:
            said["status"] = body["status"]
            body["status"] = self._legal(body["status"], is_new=not before)
        return body

    def path(self, v4: tuple[str, ...]) -> tuple[str, ...]:
        """Where a v4 path, name by name, leads in the stored document: for filters, sort and conditions."""
        return tuple(self.shape.path(v4))

    def meant(self, condition: Condition, at: Path = ()) -> Condition:
        """The condition on what is stored that is meant by one with values as v4 shows them: its address, its words.

        The paths in it are those of the stored document already; ``at`` is where in it the resource stands.
        """
        match condition:
            case And(parts):
                return And(tuple(self.meant(part, at) for part in parts))
            case Or(parts):
                return Or(tuple(self.meant(part, at) for part in parts))
            case Not(part):
                return Not(self.meant(part, at))
            case Compare(path, operator, values) if path == (*at, "href"):
                return Compare(
                    path, operator, tuple(replace(one, text=self._moved(one.text, "v4", "v5")) for one in values)
                )
            case Compare(path, operator, values) if path == (*at, "status") and self.statuses:
                return Compare(path, operator, tuple(replace(one, text=self._said(one.text)) for one in values))
        return condition

    def pointer(self, v5: str) -> str:
        """The v4 pointer (RFC 6901) of a v5 one: to name the place of a fault as the client wrote it."""
        steps = tuple(v5.split("/")[1:])
        return "".join(f"/{step}" for step in self.shape.v4_steps(steps))

    def _is_shown(self, name: str, said: Doc) -> bool:
        return name not in self.v5_only or said.get(name) is True

    def _moved(self, href: Any, version: str, to: str) -> Any:
        """An address of ours, as the other version has it."""
        if self.api is None or not isinstance(href, str):
            return href
        return href.replace(f"{self.api}{version}/", f"{self.api}{to}/", 1)

    def _said(self, word: str | None) -> str | None:
        return word if word in self.statuses else nearest(word, self.statuses) or word

    def _legal(self, word: Any, *, is_new: bool) -> str:
        if not is_new and nearest(word, self.statuses) is None:
            raise Invalid.at("/status", f"must be one of {', '.join(sorted(self.statuses))}")
        return self._meant(word)

    def _meant(self, word: Any) -> str:
        """The status that stands for a client's own word."""
        return nearest(word, self.statuses) or "acknowledged"


def nearest(word: Any, statuses: frozenset[str]) -> str | None:
    """The status that a client's own word means, None for none; older releases and other makers have their own."""
    plain = re.sub(r"[^a-z.]", "", word.lower()) if isinstance(word, str) else ""
    by_word = {status.lower(): status for status in statuses}
    return by_word.get(plain) or by_word.get(_WORDS.get(plain, "").lower())


_WORDS = {
    **dict.fromkeys(("new", "open", "opened", "submitted", "created", "assigned", "queued"), "acknowledged"),
    **dict.fromkeys(("active", "working", "workinprogress", "reopened", "started"), "inProgress"),
    **dict.fromkeys(("inprogress.held", "onhold", "hold", "suspended"), "held"),
    **dict.fromkeys(("inprogress.pending", "waiting", "waitingforcustomer", "deferred"), "pending"),
    **dict.fromkeys(("solved", "cleared", "fixed", "restored", "done", "completed"), "resolved"),
    **dict.fromkeys(("canceled", "withdrawn", "aborted"), "cancelled"),
    **dict.fromkeys(("declined", "refused"), "rejected"),
}
"""In lower case, without spaces and the like."""


def _task(type_: str, *, says_who: bool = False) -> Lens:
    return Lens(None, task(type_, says_who=says_who), v5_only=frozenset({"state"}))


V4: Mapping[str, Lens] = {
    "troubleTicket": Lens(
        TMF621,
        TROUBLE_TICKET,
        v5_only=frozenset({"troubleTicketCharacteristic", "troubleTicketSpecification"}),
        statuses=frozenset(TICKET.edges),
    ),
    "serviceProblem": Lens(
        TMF656,
        SERVICE_PROBLEM,
        v5_only=frozenset({"errorMessage"}),
        statuses=frozenset(PROBLEM.edges),
        integers=frozenset({"affectedNumberOfServices", "priority"}),
        supplied=_of_a_problem,
    ),
    "problemAcknowledgement": _task("ProblemAcknowledgement", says_who=True),
    "problemUnacknowledgement": _task("ProblemUnacknowledgement", says_who=True),
    "problemGroup": _task("ProblemGroup"),
    "problemUngroup": _task("ProblemUngroup"),
    "serviceProblemEventRecord": Lens(TMF656, EVENT_RECORD),
}
"""By the name of the resource, as it stands in paths and events."""
