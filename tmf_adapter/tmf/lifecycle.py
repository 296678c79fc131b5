"""The status machines of TMF621 and TMF656 (state diagrams of the v4 specifications; v5 has the same values)."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

from tmf_adapter.tmf.errors import IllegalTransition


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """A status machine: ``edges`` maps each status to those that may follow it directly.

    ``is_open``: there may be other statuses, which can be come from and gone to freely.
    """

    edges: Mapping[str, frozenset[str]]
    is_open: bool = False

    def check(self, before: str, wanted: str, member: str = "status") -> None:
        """Raise ``IllegalTransition`` unless ``wanted`` follows ``before`` directly; staying is always allowed.

        ``member`` is where the status stands.
        """
        if self.is_open and not {before, wanted} <= self.edges.keys():
            return
        allowed = self.edges.get(before, frozenset())
        if wanted != before and wanted not in allowed:
            raise IllegalTransition(before, wanted, allowed, member)

    def path(self, before: str, wanted: str) -> tuple[str, ...] | None:
        """The shortest legal way, without its start; empty when already there, None when there is no way."""
        ways: deque[tuple[str, ...]] = deque([()])
        seen = {before}
        while ways:
            way = ways.popleft()
            here = way[-1] if way else before
            if here == wanted:
                return way
            for following in sorted(self.edges.get(here, frozenset()) - seen):
                seen.add(following)
                ways.append((*way, following))
        return None

    def is_final(self, status: str) -> bool:
        """Whether no status may follow."""
        return not self.edges.get(status)


TICKET = Lifecycle(
    {
        "acknowledged": frozenset({"inProgress", "rejected", "cancelled"}),
        "inProgress": frozenset({"held", "pending", "resolved", "cancelled"}),
        "held": frozenset({"inProgress"}),
        "pending": frozenset({"inProgress", "cancelled"}),
        "resolved": frozenset({"closed", "inProgress"}),
        "rejected": frozenset(),
        "cancelled": frozenset(),
        "closed": frozenset(),
    }
)
"""TMF621: ``held`` and ``pending`` reach ``resolved`` only through ``inProgress``."""

PROBLEM = Lifecycle(
    {
        "acknowledged": frozenset({"inProgress", "rejected", "cancelled"}),
        "inProgress": frozenset({"held", "pending", "resolved", "cancelled"}),
        "held": frozenset({"inProgress", "resolved", "cancelled"}),
        "pending": frozenset({"inProgress", "resolved", "cancelled"}),
        "resolved": frozenset({"closed", "inProgress"}),
        "closed": frozenset({"inProgress"}),
        "rejected": frozenset(),
        "cancelled": frozenset(),
    }
)
"""TMF656: wider than TMF621; ``held`` and ``pending`` may be resolved directly, a closed problem may be reopened."""

SPECIFICATION = Lifecycle(
    {
        "inDesign": frozenset({"active", "rejected"}),
        "active": frozenset({"retired"}),
        "rejected": frozenset({"inDesign"}),
        "retired": frozenset({"active"}),
    },
    is_open=True,
)
"""TroubleTicketSpecification: the standard names these four as examples and no transitions; these are ours."""

REOPENING = ("resolved", "inProgress")
"""The transition that begins a new episode: the customer did not accept the resolution."""
