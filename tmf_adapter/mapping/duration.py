"""ISO 8601 durations of fixed length, as mappings write deadlines: PT10S, PT8H, P3D, P2W."""

import re
from datetime import timedelta

LONGEST = timedelta(days=366)

_FORM = re.compile(
    r"P(?:(?P<weeks>\d{1,4})W)?(?:(?P<days>\d{1,4})D)?"
    r"(?P<time>T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,7})M)?(?:(?P<seconds>\d{1,8}(?:\.\d{1,6})?)S)?)?"
)
_REMEDY = "write an ISO 8601 duration such as PT30S, PT8H or P3D"


def duration_of(text: str) -> timedelta:
    """The length of ``text``, above zero and at most a year. Raises ``ValueError`` with the remedy.

    Years and months are refused since their length depends on the calendar.
    """
    if re.fullmatch(r"P(?=\d)(?:\d+Y)?(?:\d+M)?(?:T.*|\d+D)?", text) and re.match(r"P\d+[YM]", text):
        raise ValueError(f"{text!r} has no fixed length; count in weeks or days: {_REMEDY}")
    form = _FORM.fullmatch(text)
    parts = {unit: float(count) for unit, count in form.groupdict().items() if count and unit != "time"} if form else {}
    if form is None or not parts or form["time"] == "T":
        raise ValueError(f"{text!r} is no duration; {_REMEDY}")
    length = timedelta(**parts)
    if not timedelta() < length <= LONGEST:
        raise ValueError(f"{text!r} is not between an instant and {LONGEST.days} days; {_REMEDY}")
    return length


def duration_text(length: timedelta) -> str:
    """``length`` in its shortest ISO 8601 form: days, hours, minutes and seconds; a minus sign leads a negative one."""
    if not length:
        return "PT0S"
    sign, length = ("-", -length) if length < timedelta() else ("", length)
    minutes, seconds = divmod(length.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f".{length.microseconds:06d}".rstrip("0") if length.microseconds else ""
    time = "".join(f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count)
    time += f"{seconds}{fraction}S" if seconds or fraction else ""
    days = f"{length.days}D" if length.days else ""
    return f"{sign}P{days}T{time}" if time else f"{sign}P{days}"
