"""The operator's side of recoveries: what runs, why, what it waits for; and what a person decides about it."""

from starlette.responses import Response

from tmf_adapter.api.dispatch import Handler, Request
from tmf_adapter.api.errors import respond
from tmf_adapter.api.listing import Listing, instant, one_of
from tmf_adapter.mapping.faults import BadMapping
from tmf_adapter.mapping.parts import Outcome
from tmf_adapter.recovery.decisions import Decisions, shown_question
from tmf_adapter.recovery.facts import ALL
from tmf_adapter.recovery.overview import Overview, Wanted
from tmf_adapter.recovery.recovery import State
from tmf_adapter.recovery.reload import Reloading
from tmf_adapter.tmf.errors import Conflict, NotFound


class RecoveryOperator:
    """The functions of the document's tag Recovery."""

    def __init__(self, overview: Overview, decisions: Decisions, reloading: Reloading) -> None:
        self._overview = overview
        self._decisions = decisions
        self._reloading = reloading

    def operations(self) -> dict[str, Handler]:
        """Every operation, by its operationId."""
        return {
            "listRecovery": self.list_recovery,
            "retrieveRecovery": self.retrieve_recovery,
            "stopRecovery": self.stop_recovery,
            "replayRecovery": self.replay_recovery,
            "listApproval": self.list_approval,
            "approve": self.approve,
            "deny": self.deny,
            "listSwitch": self.list_switch,
            "switchOff": self.switch_off,
            "switchOn": self.switch_on,
            "retrieveMappingSet": self.retrieve_mapping_set,
            "reloadMappings": self.reload_mappings,
            "retrieveClock": self.retrieve_clock,
        }

    async def list_recovery(self, request: Request) -> Response:
        """200 with a page of them."""
        asked = Listing.of(request, "state", "ticketId", "mappingId", "outcome", "open", "since", "until")
        wanted = Wanted(
            state=asked.parsed("state", State),
            ticket_id=asked["ticketId"],
            mapping_id=asked["mappingId"],
            outcome=asked.parsed("outcome", Outcome),
            open_only=asked.parsed("open", one_of("true", "false")) == "true",
            since=asked.parsed("since", instant),
            until=asked.parsed("until", instant),
        )
        return asked.page(*await self._overview.recoveries(wanted, asked.offset, asked.limit))

    async def retrieve_recovery(self, request: Request) -> Response:
        """200 with all that happened in it."""
        return respond(200, await self._overview.recovery(request.path["id"]))

    async def stop_recovery(self, request: Request) -> Response:
        """200 with the recovery, which takes back what it did."""
        await self._decisions.stop(request.path["id"], *_who_and_why(request))
        return await self.retrieve_recovery(request)

    async def replay_recovery(self, request: Request) -> Response:
        """200 with the recovery, which does again what failed."""
        await self._decisions.replay(request.path["id"], *_who_and_why(request))
        return await self.retrieve_recovery(request)

    async def list_approval(self, request: Request) -> Response:
        """200 with what waits for a decision."""
        asked = Listing.of(request)
        found = await self._overview.approvals()
        return asked.page(found[asked.offset :][: asked.limit], len(found))

    async def approve(self, request: Request) -> Response:
        """200 with the decision."""
        return await self._decide(request, approved=True)

    async def deny(self, request: Request) -> Response:
        """200 with the decision."""
        return await self._decide(request, approved=False)

    async def _decide(self, request: Request, *, approved: bool) -> Response:
        by, reason = _who_and_why(request)
        decided = await self._decisions.decide(request.path["id"], approved=approved, by=by, reason=reason)
        return respond(200, shown_question(decided))

    async def list_switch(self, request: Request) -> Response:
        """200 with what is switched off."""
        asked = Listing.of(request)
        found = await self._overview.switched_off()
        return asked.page(found[asked.offset :][: asked.limit], len(found))

    async def switch_off(self, request: Request) -> Response:
        """200 with what is switched off."""
        self._require_mapping(name := request.path["name"])
        await self._decisions.switch_off(name, *_who_and_why(request))
        return respond(200, await self._overview.switched_off())

    async def switch_on(self, request: Request) -> Response:
        """200 with how many recoveries go on."""
        by, _ = _who_and_why(request)
        return respond(200, {"resumed": await self._decisions.switch_on(request.path["name"], by)})

    def _require_mapping(self, name: str) -> None:
        """Whoever mistypes a name shall not believe that something is switched off."""
        known = [one["id"] for one in self._overview.mapping_set()["mapping"]]
        if name != ALL and name not in known:
            raise NotFound("There is no mapping with this id.", f"There are: {', '.join(known)}; * is all of them.")

    async def retrieve_mapping_set(self, _request: Request) -> Response:
        """200 with the mappings that hold."""
        return respond(200, self._overview.mapping_set())

    async def reload_mappings(self, _request: Request) -> Response:
        """200 with the mappings that hold now; 409 when the files have faults, and those from before go on."""
        try:
            await self._reloading.reload()
        except BadMapping as error:
            raise Conflict("The mapping files have faults; those from before still hold.", str(error)) from None
        return respond(200, self._overview.mapping_set())

    async def retrieve_clock(self, request: Request) -> Response:
        """200 with the ticket's service-level clock."""
        return respond(200, await self._overview.clock(request.path["id"]))


def _who_and_why(request: Request) -> tuple[str, str]:
    reason = request.body.get("reason", "") if isinstance(request.body, dict) else ""
    return request.caller or "operator", str(reason)
