"""From the end of a recovery to what is said of it on the ticket (eTOM 1.3.7.6, Report Product Restoration Results)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.parts import Expiry, Interim, Outcome, ReportMode, ReportRule
from tmf_adapter.mapping.render import Template, render
from tmf_adapter.recovery.next import Finish, How
from tmf_adapter.recovery.recovery import UNDO, Operation, Run
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Doc
from tmf_adapter.tmf.time import stamp

Word = Callable[[str], str]
"""Makes the code of a reason the partner's wording."""

_NOTHING = ReportRule()


def report_of(run: Run, finish: Finish, word: Word = str, until: datetime | None = None) -> Report | None:
    """The report as the mapping words it, None for an end without a word. ``until`` is the end of a work-around.

    A text that cannot be rendered does not hold the report back: it stands in it as it was written, with the cause.
    """
    rule = _rule(run, finish)
    if rule is None:
        return _of_undo(run, finish)
    scope = {**run.scope, "summary": finish.reason}
    reason = _text(rule.reason, scope)
    said = Report(
        status=rule.status,
        reason=word(reason) if reason else None,
        note=_text(rule.note, scope),
        characteristics={
            **_until(run, finish, until),
            **{name: _text(value, scope) or "" for name, value in rule.char.items()},
        },
        related=tuple(_related(run.operations)),
    )
    said = replace(said, note=_with_undone(said.note, run))
    if finish.how is How.EXPIRED and said.status is None:
        said = replace(said, status="inProgress", only_from=frozenset({"held"}))
    elif run.recovery.interim and said.status is None:
        said = replace(said, status="inProgress", only_from=frozenset({run.recovery.interim}))
    return as_proposed(said, run.recovery.mapping.report.mode)


def _rule(run: Run, finish: Finish) -> ReportRule | None:
    report, ask = run.recovery.mapping.report, run.recovery.mapping.ask
    match finish.how:
        case How.REPORT | How.EXPIRED if finish.outcome:
            return report[finish.outcome]
        case How.NOW:
            return report.now or _NOTHING
        case How.UNANSWERED if finish.step:
            awaited = run.recovery.mapping.step(finish.step).await_
            return awaited.asking.then if awaited and awaited.asking else _NOTHING
        case How.UNANSWERED:
            return ask.then if ask else _NOTHING
        case How.REMIND:
            expiry = report.workaround.expiry
            return ReportRule(
                note=expiry.note if expiry else None, char={"restorationType": Template("workaround-expired")}
            )
    return None


def _until(run: Run, finish: Finish, until: datetime | None) -> dict[str, str | None]:
    """``workaroundUntil``, which ends with the work-around."""
    if finish.outcome is Outcome.WORKAROUND:
        return {"workaroundUntil": stamp(until)} if until else {}
    watched = run.recovery.expires_at is not None
    return {"workaroundUntil": None} if watched and finish.how is not How.REMIND else {}


def _of_undo(run: Run, finish: Finish) -> Report | None:
    """A recovery that is stopped says nothing, unless something of it could not be taken back."""
    note = _with_undone(None, run)
    return Report(None, None, f"The recovery was stopped ({finish.reason})") if note else None


def _with_undone(note: str | None, run: Run) -> str | None:
    """The note with what could not be taken back; ``summary`` has it, but a mapping need not read that."""
    failed = [one for one in run.operations if one.step_id.endswith(UNDO) and one.reason and one.verdict == "fail"]
    missing = [f"{one.step_id.removesuffix(UNDO)} could not be undone: {one.reason}" for one in failed]
    missing = [text for text in missing if text not in (note or "")]
    return "\n".join(filter(None, (note, *missing))) or None


def interim_of(run: Run, interim: Interim, word: Word = str) -> Report:
    """What the ticket is told while the recovery waits."""
    scope = {**run.scope, "summary": run.recovery.mapping.title}
    reason = _text(interim.reason, scope)
    only = frozenset({"inProgress"})
    said = Report(interim.status, word(reason) if reason else None, _text(interim.note, scope), only_from=only)
    return as_proposed(said, run.recovery.mapping.report.mode)


def as_proposed(said: Report, mode: ReportMode) -> Report:
    """The report as the mapping may write it: as it is, or with a status that is only proposed."""
    if mode is ReportMode.SET or said.status is None:
        return said
    proposed: dict[str, str | None] = {"proposedStatus": said.status, "proposedReason": said.reason}
    return replace(said, status=None, reason=None, characteristics={**said.characteristics, **proposed})


def _text(template: Template | None, scope: dict[str, Any]) -> str | None:
    if template is None:
        return None
    try:
        return str(render(template, scope))
    except RenderError as error:
        return f"{template} ({error})"


def _related(operations: Sequence[Operation]) -> list[Doc]:
    """What was done; what took it back again, or handed an answer on, is no part of it."""
    made = [one for one in operations if one.remote_id is not None and "." not in one.step_id]
    return [_reference(one) for one in made]


def _reference(operation: Operation) -> Doc:
    response = operation.response or {}
    referred = operation.resource[:1].upper() + operation.resource[1:]
    return {
        "role": operation.resource,
        "id": operation.remote_id,
        "href": response.get("href"),
        "@referredType": referred,
    }


def expiry_of(run: Run) -> Expiry | None:
    """How the work-around of the recovery's mapping ends, if the adapter watches it."""
    return run.recovery.mapping.report.workaround.expiry


def report_of_defect(recovery_id: str) -> Report:
    """What the ticket is told when the adapter itself failed; the cause is recorded on the recovery, not shown."""
    note = f"The restoration attempt failed inside the adapter (recovery {recovery_id})."
    return Report(None, None, note, {"restorationType": "unsuccessful"})
