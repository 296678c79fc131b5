"""After a work-around was reported: its end, or the permanent restoration, whichever comes first."""

from dataclasses import dataclass
from functools import partial

from tmf_adapter.mapping.expression import Truth
from tmf_adapter.mapping.parts import Expired, Expiry, Outcome, Step, Verdict
from tmf_adapter.recovery import mailbox
from tmf_adapter.recovery.finish import Ending
from tmf_adapter.recovery.mail import Mail, payload_of
from tmf_adapter.recovery.mailbox import Mailbox
from tmf_adapter.recovery.next import Finish, How, Taken
from tmf_adapter.recovery.recovery import Operation, Run
from tmf_adapter.recovery.report import expiry_of
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Doc


@dataclass(frozen=True, slots=True)
class Watching:
    """Reads what still comes in for the operation that gave the work-around."""

    database: Database
    mailbox: Mailbox
    mail: Mail
    ending: Ending

    async def read(self, run: Run) -> bool:
        """Look whether an event brings the permanent restoration; whether the recovery goes on with its undo."""
        expiry, watched = expiry_of(run), _watched(run)
        if expiry is None or watched is None:
            return False
        step = run.recovery.mapping.step(watched.step_id)
        for event_id, event in (await self.mailbox.unread(watched)).items():
            resource = await self.mail.resource(run, watched, step, event, {})
            if resource is None:
                return False  # its next event, or its expiry, looks again
            if _is_restored(run, expiry, step, event, resource):
                reason = f"the permanent restoration of {watched.resource} {watched.remote_id} has come"
                return await self.ending.finish(run, Finish(Outcome.RESTORED, reason, undo=_undo(expiry)))
            await self.database.write(partial(mailbox.read_event, event_id=event_id, operation_id=watched.id))
        return False

    async def expire(self, run: Run) -> bool:
        """Its time is over and no permanent restoration has come."""
        expiry = expiry_of(run)
        if expiry is None:
            return False
        reason = f"the work-around was for {expiry.after}, and no permanent restoration has come"
        if expiry.then is Expired.REMIND:
            return await self.ending.finish(run, Finish(Outcome.WORKAROUND, reason, How.REMIND, _undo(expiry)))
        return await self.ending.finish(run, Finish(Outcome.UNSUCCESSFUL, reason, How.EXPIRED, _undo(expiry)))


def _watched(run: Run) -> Operation | None:
    """The operation that gave the work-around, or the last one where that was the mapping's own word."""
    given = [one for one in run.operations if one.verdict is Verdict.WORKAROUND]
    done = [one for one in run.operations if one.remote_id is not None]
    found = given or done
    return found[-1] if found else None


def _is_restored(run: Run, expiry: Expiry, step: Step, event: Doc, resource: Doc) -> bool:
    name, _ = payload_of(event)
    scope = {**run.scope, "ev": {name: resource}}
    if expiry.restored is not None:
        return expiry.restored.holds(scope).truth is Truth.TRUE
    return step.await_ is not None and step.await_.judge(scope) is Verdict.RESTORED


def _undo(expiry: Expiry) -> Taken:
    return Taken.ALL if expiry.undo else Taken.NOTHING
