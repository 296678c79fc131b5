"""The kinds of durable work in this room, and what their keys are."""

ADVANCE = "advance"
"""Take a recovery as far as it goes; key: its id, and after a slash what makes the promise unique."""
JUDGE = "judge"
"""Let a recovery read its mail; key: the id of the inbound event."""
DEADLINE = "deadline"
"""End a wait; key: the operation id."""
