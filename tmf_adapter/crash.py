"""The labelled places where a crash test kills the process; a no-op unless ``TMF_ADAPTER_CRASH_AT`` names one.

Each point stands between two things that a dying process may separate. The crash tests go through all of them.
"""

import os
import signal
from enum import StrEnum


class CrashPoint(StrEnum):
    """Every label, in the order of the way from a ticket to the last notification."""

    BEFORE_COMMIT = "before-commit"  # a change is decided, nothing is written
    AFTER_COMMIT = "after-commit"  # the change and all it owes are written, the client has no answer
    RECOVERY_STARTED = "recovery-started"  # the durable run began, no operation is minted
    OPERATION_MINTED = "operation-minted"  # the operation id is written, the downstream was not called
    DOWNSTREAM_ANSWERED = "downstream-answered"  # the downstream did it, we did not write that down
    OPERATION_WAITING = "operation-waiting"  # the answer is written, the result event is awaited
    EVENT_STORED = "event-stored"  # the result event is written, nobody judged it
    EVENT_JUDGED = "event-judged"  # the verdict is written, the report is not
    QUESTION_PUT = "question-put"  # the ticket asks the customer, the run has not gone on
    QUESTION_REPLIED = "question-replied"  # somebody has decided, the run has not gone on
    QUESTION_EXPIRED = "question-expired"  # nobody answered, the ticket was not told
    INTERIM_WRITTEN = "interim-written"  # the ticket says what is waited for, the run has not gone on
    UNDO_BEGUN = "undo-begun"  # how it ends is known, nothing was taken back yet
    REPORT_WRITTEN = "report-written"  # the report is committed, its run has not ended
    FANOUT_ADVANCED = "fanout-advanced"  # some of the deliveries that a change owes to very many are written
    DELIVERY_CLAIMED = "delivery-claimed"  # the lease is taken, nothing was posted
    DELIVERY_POSTED = "delivery-posted"  # the subscriber has the notification, we did not write that down
    DELIVERY_ACKNOWLEDGED = "delivery-acknowledged"  # and now we did
    DELIVERY_PARKED = "delivery-parked"  # the breaker opened, or the listener asked for peace: that is written
    DELIVERY_REPLAYED = "delivery-replayed"  # what had ended is owed again, nothing was posted


_CRASH_AT = os.environ.get("TMF_ADAPTER_CRASH_AT")


def crash_point(point: CrashPoint) -> None:
    """Die here, as ``kill -9`` would, when the environment asks for it."""
    if point == _CRASH_AT:
        os.kill(os.getpid(), signal.SIGKILL)
