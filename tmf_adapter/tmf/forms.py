"""What a value has to be for a version to have a place for it: the types and formats of TMF621 and TMF656.

Each form is at least as strict as the format of JSON Schema that it stands for: what it lets through is valid.
"""

import re
from collections.abc import Callable, Mapping
from ipaddress import AddressValueError, IPv6Address
from typing import Any

from tmf_adapter.tmf.time import instant

Form = Callable[[Any], bool]
"""Whether a value is of that form."""

_CHARACTER = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_uri = re.compile(
    rf"[A-Za-z][A-Za-z0-9+.-]*:(?://(?:{_CHARACTER.replace(':@', ':')}*@)?"
    rf"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|{_CHARACTER.replace(':@', '')}*)(?::[0-9]{{0,5}})?(?:/{_CHARACTER}*)*"
    rf"|/?(?:{_CHARACTER}+(?:/{_CHARACTER}*)*)?)(?:\?(?:{_CHARACTER}|[/?])*)?(?:#(?:{_CHARACTER}|[/?])*)?"
).fullmatch
"""RFC 3986, section 3; of literals in brackets only IPv6."""
_time = re.compile(
    r"[Tt](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
).fullmatch


def text(value: Any) -> bool:
    """Any text."""
    return isinstance(value, str)


def uri(value: Any) -> bool:
    """An absolute address."""
    found = _uri(value) if isinstance(value, str) else None
    return found is not None and (found["ipv6"] is None or _is_ipv6(found["ipv6"]))


def moment(value: Any) -> bool:
    """A date and a time with its offset (RFC 3339)."""
    if not isinstance(value, str) or _time(value, 10) is None:
        return False
    date = value[:10] if value[:4] != "0000" else f"2000{value[4:10]}"  # a year like that one, which Python has not
    return instant(date) is not None


def number(value: Any) -> bool:
    """Any number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def integer(value: Any) -> bool:
    """A whole number; 1.0 is one, as in JSON Schema."""
    return number(value) and value == value // 1


def made_of(**members: Form) -> Form:
    """An object that has none of these members in another form."""

    def form(value: Any) -> bool:
        return isinstance(value, dict) and fits(members, value)

    return form


def never(_value: Any) -> bool:
    """No value at all."""
    return False


def fits(members: Mapping[str, Form], value: Mapping[str, Any]) -> bool:
    """Whether each of the members that ``value`` has is of its form."""
    return all(form(value[name]) for name, form in members.items() if name in value)


def _is_ipv6(address: str) -> bool:
    try:
        IPv6Address(address)
    except AddressValueError:
        return False
    return True
