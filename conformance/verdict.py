"""What the judge says of one clause, and the requests that led to it."""

from dataclasses import dataclass
from enum import StrEnum

BODY = 4_000
"""Characters of a body that a report shows."""


class Level(StrEnum):
    """How much a clause counts. Only where the standard's files or profiles demand something is it ``required``."""

    REQUIRED = "required"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"

    def covers(self, other: "Level") -> bool:
        """Whether somebody who asks for this level asks for the other as well."""
        order = list(Level)
        return order.index(other) <= order.index(self)


class Outcome(StrEnum):
    """How a clause was found."""

    PASSED = "passed"
    FAILED = "failed"
    EXCUSED = "excused"
    """Failed, but an exception with a reason says that the server is not to blame."""
    SKIPPED = "skipped"
    """Could not be judged; the detail says why."""
    NOT_OFFERED = "not offered"
    """The server does not serve this API at all."""


class Part(StrEnum):
    """Which part of the judge looked."""

    PROPERTIES = "properties"
    SAMPLES = "samples"
    SCENARIOS = "scenarios"
    STANDARD = "standard"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, as text; ``status`` is 0 when there was no answer."""

    method: str
    url: str
    sent: str
    sent_headers: tuple[tuple[str, str], ...]
    status: int
    headers: tuple[tuple[str, str], ...]
    body: str


@dataclass(frozen=True)
class Clause:
    """One thing that a server has to do, who says so, and how much it counts."""

    text: str
    source: str
    level: Level = Level.REQUIRED


@dataclass(frozen=True)
class Verdict:
    """What was found about one clause at one operation of one API."""

    api: str
    """TMF621 or TMF656."""
    version: str
    """v4 or v5."""
    part: Part
    operation: str
    clause: Clause
    outcome: Outcome
    detail: str = ""
    """What was expected and what was found instead, or why it was not judged."""
    exchanges: tuple[Exchange, ...] = ()
    """The requests that led there, in order; kept for what failed or is excused."""

    def counts_against(self, level: Level) -> bool:
        """Whether somebody who asks for ``level`` has to call the server wrong because of this."""
        return self.outcome is Outcome.FAILED and level.covers(self.clause.level)
