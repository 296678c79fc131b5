"""Points in time as the wire wants them: RFC 3339, UTC, always ``Z`` (an echoed ``+`` would decode to a space)."""

import re
from datetime import UTC, datetime, timedelta

INSTANT = (
    r"(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
    r"(?:[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:[.][0-9]+)?(?:[Zz]|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])?)?"
)
"""A date, or a date and time, that exists, as a regular expression that Python and PostgreSQL read alike.

Strict enough that whatever fits can be converted: one text that cannot would fail a whole statement."""

_instant = re.compile(INSTANT).fullmatch
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def stamp(moment: datetime) -> str:
    """An aware datetime as ``2026-11-24T03:01:06.123Z`` (milliseconds, which sort as text)."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


def instant(text: str) -> int | None:
    """Microseconds since 1970 of a date or a date and time, None for any other text.

    UTC where no offset is given; a date alone is its midnight; what is finer than a microsecond is cut off.
    """
    if not _instant(text):
        return None
    moment = datetime.fromisoformat(text.upper())
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND


def at(microseconds: int) -> datetime:
    """The inverse of ``instant``. Raises ``OverflowError`` outside the years 1 to 9999."""
    return _EPOCH + microseconds * _MICROSECOND
