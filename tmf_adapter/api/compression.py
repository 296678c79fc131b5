"""Answers compressed with gzip for whoever accepts that (RFC 9110 section 12.5.3)."""

import re
import zlib

from starlette.responses import Response

FROM = 1_024
"""Bytes from which an answer is worth it."""
LEVEL = 1
"""Of 1 to 9: most of what the slowest saves, for a fraction of its time."""
TAGGED = "-gzip"
"""What the ETag of a compressed answer ends in: another encoding is another representation."""

_GZIP = zlib.MAX_WBITS | 16
_ACCEPTED = re.compile(r"(?:^|,)\s*(?:x-)?(gzip|\*)\s*(?:;\s*q\s*=\s*([0-9.]+)\s*)?(?=,|$)", re.IGNORECASE)


def compress(accepted: str | None, response: Response) -> None:
    """Compress the body of ``response`` if ``accepted``, an ``Accept-Encoding``, says so; in any case say it counts."""
    response.raw_headers.append((b"vary", b"accept-encoding"))
    if accepted is None or not _accepts(accepted):
        return
    packing = zlib.compressobj(LEVEL, wbits=_GZIP)
    response.body = packing.compress(response.body) + packing.flush()
    headers = response.headers
    headers["content-encoding"] = "gzip"
    headers["content-length"] = str(len(response.body))
    if tag := headers.get("etag"):
        headers["etag"] = f'{tag[:-1]}{TAGGED}"'


def _accepts(header: str) -> bool:
    found = {name.lower(): quality for name, quality in _ACCEPTED.findall(header)}
    quality = found.get("gzip", found.get("*", "0"))
    try:
        return not quality or float(quality) > 0
    except ValueError:
        return False
