"""From the values of CEL to those of JSON."""

from datetime import datetime, timedelta
from math import isfinite
from typing import Any

from tmf_adapter.mapping.duration import duration_text
from tmf_adapter.tmf.time import stamp


def json_of(value: Any) -> Any:
    """``value`` as JSON: points in time as RFC 3339, durations as ISO 8601. Raises ``ValueError`` for the rest."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return _finite(value)
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, list | tuple):
        return [json_of(one) for one in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: json_of(one) for key, one in value.items()}
    raise ValueError(f"a {type(value).__name__} has no form in JSON")


def _finite(value: float) -> float:
    if not isfinite(value):
        raise ValueError("the number is not finite")
    return value
