"""Shadow mode: what a recovery would call, recorded and not called."""

from dataclasses import replace

from sqlalchemy import Connection

from tmf_adapter.mapping.expression import RenderError, Scope
from tmf_adapter.mapping.parts import Step
from tmf_adapter.mapping.render import render
from tmf_adapter.recovery.recovery import Run
from tmf_adapter.recovery.trail import Entry, Trail
from tmf_adapter.storage.database import Database
from tmf_adapter.tmf.events import Doc


async def record(database: Database, trail: Trail, run: Run) -> None:
    """Each call as it would be rendered; one that needs an answer nobody has given says what is missing."""
    said = [_would(run, step) for step in run.recovery.mapping.every_step]

    def work(tx: Connection) -> None:
        for entry in said:
            trail.write(tx, run.recovery.id, Entry.WOULD_CALL, **entry)

    await database.write(work)


def _would(run: Run, step: Step) -> Doc:
    entry: Doc = {"step": step.id, "call": step.call}
    try:
        bound = replace(run, recovery=run.recovery.bound)
        if step.if_ is not None and not step.if_.is_true(Scope.of(bound.scope)):
            return {**entry, "leftOut": step.if_.holds(bound.scope).reason}
        target = {"target": str(render(step.target, bound.scope))} if step.target else {}
        return {**entry, **target, "request": render(step.body, bound.scope)}
    except RenderError as error:
        return {**entry, "missing": str(error)}
