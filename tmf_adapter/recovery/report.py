"""From the end of a recovery to what is said of it on the ticket (eTOM 1.3.7.6, Report Product Restoration Results)."""

from collections.abc import Sequence
from typing import Any

from tmf_adapter.mapping.expression import RenderError
from tmf_adapter.mapping.render import Template, render
from tmf_adapter.recovery.recovery import Finish, Operation, Recovery, step_scope
from tmf_adapter.tickets.ticket import Report
from tmf_adapter.tmf.events import Doc


def report_of(recovery: Recovery, operations: Sequence[Operation], finish: Finish) -> Report:
    """The report as the mapping words it.

    A text that cannot be rendered does not hold the report back: it stands in it as it was written, with the cause.
    """
    rule = recovery.mapping.report[finish.outcome]
    scope = {**step_scope(recovery, operations), "summary": finish.reason}
    return Report(
        status=rule.status,
        reason=_text(rule.reason, scope),
        note=_text(rule.note, scope),
        characteristics={name: _text(value, scope) or "" for name, value in rule.char.items()},
        related=tuple(_related(operation) for operation in operations if operation.remote_id is not None),
    )


def _text(template: Template | None, scope: dict[str, Any]) -> str | None:
    if template is None:
        return None
    try:
        return str(render(template, scope))
    except RenderError as error:
        return f"{template} ({error})"


def _related(operation: Operation) -> Doc:
    response = operation.response or {}
    referred = operation.resource[:1].upper() + operation.resource[1:]
    return {
        "role": operation.resource,
        "id": operation.remote_id,
        "href": response.get("href"),
        "@referredType": referred,
    }


def report_of_defect(recovery_id: str) -> Report:
    """What the ticket is told when the adapter itself failed; the cause is recorded on the recovery, not shown."""
    note = f"The restoration attempt failed inside the adapter (recovery {recovery_id})."
    return Report(None, None, note, {"restorationType": "unsuccessful"})
