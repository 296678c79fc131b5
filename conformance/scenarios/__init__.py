"""Stories of several requests, each about one clause: what generated single requests cannot see.

A scenario is a function of a ``Subject`` that returns when the server did what the clause asks, raises ``Unmet`` when
it did not and ``NotJudged`` when that cannot be told. The modules here register theirs in ``SCENARIOS``.
"""

from conformance.scenarios import creating, filtering, hub, lifecycle, manners, patching, reading, tasks
from conformance.scenarios.subject import SCENARIOS, Scenario, Subject

__all__ = [
    "SCENARIOS",
    "Scenario",
    "Subject",
    "creating",
    "filtering",
    "hub",
    "lifecycle",
    "manners",
    "patching",
    "reading",
    "tasks",
]
