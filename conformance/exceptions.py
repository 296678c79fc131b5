"""The faults that are none: for an operation and a check, why a server is not to blame.

They stand in ``exceptions.yaml``. A reason is not optional: an exception nobody can explain is a fault swept away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import yaml

FILE = Path(__file__).with_name("exceptions.yaml")


class BadException(ValueError):
    """An entry of the file that cannot be used; the message says which and why."""


@dataclass(frozen=True)
class Excuse:
    """One entry: ``check`` at operations like ``operation`` of APIs like ``api``, where the answer was ``status``.

    Empty ``status`` and ``says`` mean any; ``says`` is a part of the check's complaint or of the answer's body.
    ``deletes``: only where the body is a merge-patch and fits its schema but for the members that it deletes.
    """

    api: str
    operation: str
    check: str
    reason: str
    status: tuple[int, ...] = ()
    says: str = ""
    deletes: bool = False

    def covers(self, api: str, operation: str, check: str, status: int, text: str, *, deletes: bool = False) -> bool:
        """Whether this entry is about that failure."""
        return (
            check == self.check
            and fnmatch(api, self.api)
            and fnmatch(operation, self.operation)
            and (not self.status or status in self.status)
            and self.says in text
            and (deletes or not self.deletes)
        )


def load(path: Path = FILE) -> list[Excuse]:
    """Every exception, each of its operations an entry of its own; raises ``BadException`` for one without a reason."""
    excuses = []
    for number, entry in enumerate(yaml.safe_load(path.read_text()) or [], 1):
        reason = " ".join(str(entry.get("reason") or "").split())
        missing = [key for key in ("apis", "operations", "check") if not entry.get(key)]
        if missing or len(reason) < 20:
            raise BadException(f"{path.name}, entry {number}: {', '.join(missing) or 'a reason in words'} is missing")
        excuses += [
            Excuse(
                api,
                operation,
                entry["check"],
                reason,
                tuple(entry.get("status", ())),
                entry.get("says", ""),
                entry.get("deletes", False),
            )
            for api in entry["apis"]
            for operation in entry["operations"]
        ]
    return excuses


def excuse(
    excuses: Sequence[Excuse], api: str, operation: str, check: str, status: int, text: str, *, deletes: bool = False
) -> Excuse | None:
    """The entry that covers this failure, if there is one."""
    return next((one for one in excuses if one.covers(api, operation, check, status, text, deletes=deletes)), None)
