"""The words a mapping chooses from, and what each means at run time."""

from enum import StrEnum


class Activity(StrEnum):
    """The four kinds of work that eTOM 1.3.7.6 hands on: the value of a mapping's key ``outcome``."""

    EDUCATION = "education"
    REASSESS = "reassess"
    CRM = "crm"
    SERVICE = "service"


class Outcome(StrEnum):
    """How a recovery ends: the three results that eTOM 1.3.7.6 reports."""

    RESTORED = "restored"
    WORKAROUND = "workaround"
    UNSUCCESSFUL = "unsuccessful"


class Verdict(StrEnum):
    """What an awaited event says of a step: go on, end the recovery, or ask the customer and wait on."""

    OK = "ok"
    RESTORED = "restored"
    WORKAROUND = "workaround"
    FAIL = "fail"
    ASK = "ask"

    @property
    def outcome(self) -> Outcome | None:
        """The outcome that it ends the recovery with; None for ``ok``, which goes on, and for ``ask``."""
        return _ENDS.get(self)

    @property
    def ends_wait(self) -> bool:
        """Whether the operation has its result; after ``ask`` it waits on, see ``steps.Ask``."""
        return self is not Verdict.ASK


_ENDS = {
    Verdict.RESTORED: Outcome.RESTORED,
    Verdict.WORKAROUND: Outcome.WORKAROUND,
    Verdict.FAIL: Outcome.UNSUCCESSFUL,
}

VERDICT_OF = {outcome: verdict for verdict, outcome in _ENDS.items()}
"""The verdict that ends a recovery with an outcome."""

VERDICT_ORDER = (Verdict.WORKAROUND, Verdict.RESTORED, Verdict.OK, Verdict.ASK, Verdict.FAIL)
"""The order in which an awaited event is tested; the first that holds is the verdict.

A work-around comes before ``restored`` since it is the narrower case of the same status, and ``fail`` comes last so
that it may be written as broadly as one likes.
"""


class Mode(StrEnum):
    """Whether a mapping does what it says.

    ``live``: it does. ``shadow``: it is planned and recorded, with its calls as they would be rendered, but nothing is
    called, asked or written on the ticket, and its ``stop`` stops nobody. ``off``: it is not asked at all.
    """

    LIVE = "live"
    SHADOW = "shadow"
    OFF = "off"


class ReportMode(StrEnum):
    """Whether the adapter sets the ticket's status.

    ``set``: it does, along the legal path. ``propose``: it never does, not for ``while`` and ``ask`` either: where a
    status and reason would be written, the characteristics ``proposedStatus`` and ``proposedReason`` are, and who
    tracks the ticket decides. Notes, other characteristics and related entities are written in both.
    """

    SET = "set"
    PROPOSE = "propose"


class Otherwise(StrEnum):
    """What happens when an approval is denied, or nobody decided in time.

    ``skip``: the recovery ends without a word on the ticket. ``reject``: it is reported unsuccessful, who denied it and
    why being its ``summary``. ``approve``: silence is consent, the steps are done; a denial is then like ``reject``.
    """

    SKIP = "skip"
    REJECT = "reject"
    APPROVE = "approve"


class Expired(StrEnum):
    """What happens when a work-around is over and no permanent restoration has come.

    ``remind``: the note of the expiry and the characteristic ``restorationType=workaround-expired`` are written, no
    status. ``unsuccessful``: it is reported like a recovery that ends unsuccessful; a ticket in ``held`` goes back to
    ``inProgress`` unless ``report.unsuccessful`` names another status.
    """

    REMIND = "remind"
    UNSUCCESSFUL = "unsuccessful"
