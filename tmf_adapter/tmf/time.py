"""Points in time as the wire wants them: RFC 3339, UTC, always ``Z`` (an echoed ``+`` would decode to a space)."""

from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """An aware datetime as ``2026-11-24T03:01:06.123Z`` (milliseconds, which sort as text)."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.removesuffix("+00:00") + "Z"


def utc_now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)
