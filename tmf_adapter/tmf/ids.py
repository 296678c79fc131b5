"""Identifiers that sort by the time they were made."""

import os
import time
import uuid
from datetime import UTC, datetime


def new_id() -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of Unix milliseconds, then randomness; no dots, safe in any header."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | random
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    return str(uuid.UUID(int=value))


def moment_of(id_: str) -> datetime:
    """When an identifier of ``new_id`` was made. Raises ``ValueError`` for a text that is no UUID."""
    return datetime.fromtimestamp((uuid.UUID(id_).int >> 80) / 1_000, UTC)
