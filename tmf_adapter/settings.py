"""Every setting: typed, read once from the environment or the command line, documented here and nowhere else."""

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tmf_adapter.secret import Secret, keys
from tmf_adapter.tmf.errors import AdapterError
from tmf_adapter.tmf.lifecycle import TICKET
from tmf_adapter.tmf.mask import PERSONAL

PREFIX = "TMF_ADAPTER_"
NO_SETTINGS = frozenset({"TMF_ADAPTER_URL", "TMF_ADAPTER_CRASH_AT"})
"""Variables of commands and of crash tests."""
_YEAR = 366 * 86_400.0
_MOST_DAYS = 3_650

_PASSWORD = re.compile(r"(?<=:)(?<!://)[^:/@\s]+(?=@)")
"""In a URL."""


class BadSetting(ValueError):
    """A setting that cannot be used; the message names it and the remedy."""


def unusable(database: str, error: AdapterError) -> BadSetting:
    """What to say of a database that cannot be used, on one line and without its password."""
    cause = getattr(error.__cause__, "orig", error.__cause__)
    said = " ".join(f"{error.reason} {error.message or cause or ''}".split())
    return BadSetting(f"{_PASSWORD.sub('***', database)}: {said}")


def shipped(name: str) -> Path:
    """A directory that ships with the adapter: beside the package in a checkout, inside it in a wheel."""
    inside = Path(__file__).parent / name
    return inside if inside.is_dir() else Path(__file__).parents[1] / name


def _text(value: str) -> str:
    return value


def _truth(value: str) -> bool:
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if value.lower() not in words:
        raise ValueError("must be true or false")
    return words[value.lower()]


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= _YEAR:
        raise ValueError("must be a number of seconds above 0, a year's at most")
    return seconds


def _all_seconds(value: str) -> tuple[float, ...]:
    return tuple(_seconds(part) for part in value.split(","))


def _count(value: str) -> int:
    if (count := _whole(value)) < 1:
        raise ValueError("must be a whole number above 0")
    return count


def _days(value: str) -> int:
    days = int(value)
    if not 0 < days <= _MOST_DAYS:
        raise ValueError(f"must be a whole number of days above 0, {_MOST_DAYS} at most")
    return days


def _port(value: str) -> int:
    if not 0 < (port := _whole(value)) < 65_536:
        raise ValueError("must be a port between 1 and 65535")
    return port


def _whole(value: str) -> int:
    """0 for what is no whole number: nowhere is that one that may be used."""
    try:
        return int(value)
    except ValueError:
        return 0


def _database(value: str) -> str:
    from tmf_adapter.storage.database import database_url  # SQLAlchemy: a second that only who names one has to wait

    database_url(value)
    return value


def _url(value: str) -> str:
    parts = urlsplit(value)
    if (
        parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
    ):  # port: a ValueError beyond 65535
        raise ValueError("must be an absolute http or https URL")
    if parts.query or parts.fragment:
        raise ValueError("must be a URL without ? and #: paths are put behind it")
    return value.rstrip("/")


def _networks(value: str) -> tuple[str, ...]:
    texts = tuple(part.strip() for part in value.split(",") if part.strip())
    for text in texts:
        ipaddress.ip_network(text)
    return texts


def _token(value: str) -> Secret:
    if len(value) < 16 or not value.isascii() or not value.isprintable() or " " in value:
        raise ValueError("must be 16 printable ASCII characters or more, as from: openssl rand -hex 32")
    return Secret(value)


def _names(value: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _statuses(value: str) -> tuple[str, ...]:
    found = _names(value)
    if unknown := [name for name in found if name not in TICKET.edges]:
        raise ValueError(f"{', '.join(unknown)} is no status of a ticket; there are {', '.join(TICKET.edges)}")
    return found


def _directory(value: str) -> Path:
    path = Path(value)
    if not path.is_dir():
        raise ValueError("must be a directory that exists")
    return path


def _file(value: str) -> Path:
    path = Path(value)
    if not path.is_file():
        raise ValueError("must be a file that exists")
    return path


def _synchronous(value: str) -> str:
    if value.upper() not in ("NORMAL", "FULL"):
        raise ValueError("must be NORMAL or FULL")
    return value.upper()


def _setting(
    default: Any, parse: Callable[[str], Any], help_: str, name: str | None = None, *, secret: bool = False
) -> Any:
    """A field: ``name`` is the variable's name after the prefix, where it is not the field's own in capitals.

    A ``secret`` is in no repr and in no message.
    """
    return field(
        default=default, repr=not secret, metadata={"parse": parse, "help": help_, "name": name, "secret": secret}
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an operator may set; each field is ``TMF_ADAPTER_<FIELD>`` in the environment."""

    host: str = _setting("127.0.0.1", _text, "the address to listen on")
    port: int = _setting(8621, _port, "the port to listen on")
    database: str = _setting(
        "sqlite:///tmf_adapter.db", _database, "sqlite:///file.db or postgresql://user@host/name", "DATABASE_URL"
    )
    mappings: Path | None = _setting(None, _directory, "the directory of mapping files; default: the shipped ones")
    partner: str = _setting(
        "", str, "whose wording of reasons is written (a partner of reasons.yaml); default: the codes"
    )
    public_url: str | None = _setting(
        None, _url, "how others reach us: what href and our own callback are built from; default: http://HOST:PORT"
    )
    callback_allow: tuple[str, ...] = _setting(
        (), _networks, "networks (CIDR, comma-separated) whose subscribers may be called besides public addresses"
    )
    callback_https: bool = _setting(
        False, _truth, "whether subscribers and their token endpoints are called by https only"
    )
    tmf656_url: str | None = _setting(
        None, _url, "base URL of the TMF656 v5 server that works on service problems; default: the adapter's own"
    )
    downstreams: Path | None = _setting(
        None, _file, "the file that says which server works for each API; default: service problems are kept here"
    )
    unique_external_identifier: bool = _setting(
        False,
        _truth,
        "whether a create with an external identifier that is there already answers with the resource that has it",
    )
    tmf656_v3_names: bool = _setting(
        False,
        _truth,
        "whether problems read through TMF656 v4 also have version 3's timeRaised and timeChanged, as old kits want",
    )
    strict: bool = _setting(
        False, _truth, "whether an absent @type is an error, rather than supplied where its place leaves no doubt"
    )
    synchronous: str = _setting(
        "NORMAL", _synchronous, "SQLite: NORMAL survives a killed process, FULL a power loss as well"
    )
    delivery_backoff: tuple[float, ...] = _setting(
        (5, 30, 120, 300, 900, 1800, 3600, 7200, 14400, 28800, 43200, 43200, 86400),
        _all_seconds,
        "seconds to wait after the first, second, ... failed attempt to notify",
    )
    delivery_timeout: float = _setting(15.0, _seconds, "seconds a subscriber has for the whole answer")
    secret_key: tuple[Secret, ...] = _setting(
        (),
        keys,
        "32 bytes in base64 or hex that seal secrets in the database; of several, comma-separated, the first one seals",
        secret=True,
    )
    operator_token: Secret | None = _setting(
        None,
        _token,
        "what an operator has to show as a bearer token; without it only clients on this machine are answered",
        secret=True,
    )
    subscriptions: int = _setting(1_000, _count, "subscriptions that may be registered, in all")
    registrations: int = _setting(600, _count, "registrations a minute that one process takes")
    undelivered: int = _setting(
        1_000_000, _count, "notifications that may be owed to one subscriber; above, the oldest are given up"
    )
    event_days: int = _setting(
        30, _days, "days for which events are kept; longer while a notification of one is on record"
    )
    lease: float = _setting(
        10.0, _seconds, "PostgreSQL: seconds after which another process takes over a dead one's deliveries"
    )
    heartbeat: float = _setting(3.0, _seconds, "PostgreSQL: seconds between a process's signs of life")
    dead_after: float = _setting(
        15.0, _seconds, "PostgreSQL: seconds of silence after which a process's recoveries are taken over"
    )
    mask: tuple[str, ...] = _setting(
        PERSONAL, _names, "members whose values the audit trail masks, comma-separated; secrets are masked always"
    )
    clock_stops_in: tuple[str, ...] = _setting(
        ("pending",), _statuses, "ticket statuses in which the service-level clock stands still, comma-separated"
    )
    validate_responses: bool = _setting(False, _truth, "check every answer against our documents (tests)")

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ, **given: str | None) -> "Settings":
        """From the command line (``given``, by field name), else the environment, else the default.

        Raises ``BadSetting``, also for a variable that looks like a setting and is none.
        """
        _no_others(environment, {variable(each) for each in fields(cls)} | NO_SETTINGS)
        values: dict[str, Any] = {}
        for each in fields(cls):
            text = given.get(each.name)
            source = f"--{each.name}" if text is not None else variable(each)
            if text is None:
                text = environment.get(variable(each)) or None
            if text is not None:
                values[each.name] = _parsed(source, text, each.metadata)
        found = cls(**values)
        if found.dead_after <= found.heartbeat:
            raise BadSetting(
                f"{PREFIX}DEAD_AFTER={found.dead_after:g} must be more than {PREFIX}HEARTBEAT={found.heartbeat:g}: "
                "a process that lives would be taken for dead"
            )
        return found

    @property
    def url(self) -> str:
        """How others reach us, without a trailing slash."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"


def variable(setting: Any) -> str:
    """The environment variable of a field of ``Settings``."""
    return f"{PREFIX}{setting.metadata['name'] or setting.name.upper()}"


def _no_others(environment: Mapping[str, str], known: set[str]) -> None:
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=1)
            raise BadSetting(f"{name} is no setting" + (f"; did you mean {close[0]}?" if close else ""))


def _parsed(source: str, text: str, metadata: Mapping[str, Any]) -> Any:
    try:
        return metadata["parse"](text)
    except Exception as error:
        shown = "***" if metadata["secret"] else repr(_PASSWORD.sub("***", text))
        raise BadSetting(f"{source}={shown}: {error}") from (None if metadata["secret"] else error)
