"""Versions of a resource on the wire: ETag, If-Match and If-None-Match (RFC 9110 section 13)."""

import re

from tmf_adapter.api.compression import TAGGED
from tmf_adapter.api.dispatch import Request

_TAG = re.compile(rf'(?:W/)?"?([0-9]{{1,18}})(?:{TAGGED})?"?')


def etag(version: int) -> str:
    """The strong validator of that version."""
    return f'"{version}"'


def expected(request: Request) -> frozenset[int] | None:
    """The versions that ``If-Match`` names; None where any will do.

    Weak tags count (caches weaken what they compress), as do tags without quotes; a tag that we never gave names no
    version, so that nothing is changed.
    """
    return _versions(request.header("if-match"))


def is_known(request: Request, version: int) -> bool:
    """Whether ``If-None-Match`` says that the client has this version already."""
    given = request.header("if-none-match")
    return given is not None and ((known := _versions(given)) is None or version in known)


def _versions(header: str | None) -> frozenset[int] | None:
    if header is None or header.strip() == "*":
        return None
    tags = (_TAG.fullmatch(part.strip()) for part in header.split(","))
    return frozenset(int(tag[1]) for tag in tags if tag)
