"""``downstreams.yaml``: which server works for each API, how it is reached, and what it is shown."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import yaml
from marshmallow import Schema, ValidationError, fields, validate

from tmf_adapter import files
from tmf_adapter.credentials import SECRET_MEMBERS, Auth, BadCredentials, Tls, auth_of
from tmf_adapter.mapping.duration import duration_of
from tmf_adapter.tmf.operations import DEFAULT_VERSIONS, Operations, known_apis, operations_of, rows, versions_of

BYTES_LIMIT = 1 << 18


class BadDownstreams(ValueError):
    """A registry that cannot be used; the text has a line for each fault, with its place and the remedy."""


@dataclass(frozen=True)
class Entry:
    """One downstream. ``calls`` is how many calls to it run at once; the breaker's numbers are explained there.

    ``listens``: whether our listener is put on its hub. ``poll``: how often what was asked for is looked at, for a
    downstream that sends no events or loses some. ``timeout`` limits a call for which the mapping allows more.
    """

    api: str
    url: str
    version: str
    auth: Auth | None = None
    tls: Tls | None = None
    timeout: timedelta = timedelta(seconds=30)
    calls: int = 16
    failures: int = 5
    pause: timedelta = timedelta(seconds=5)
    listens: bool = True
    poll: timedelta | None = None

    @property
    def operations(self) -> Operations:
        """What it can be asked for."""
        return rows(self.api, self.version)


@dataclass(frozen=True)
class Registry:
    """Every downstream by its API."""

    entries: Mapping[str, Entry] = field(default_factory=lambda: MappingProxyType({}))

    @classmethod
    def of(cls, path: Path | None, tmf656_url: str | None) -> "Registry":
        """From the file, if there is one, and the short form for service problems. Raises ``BadDownstreams``."""
        registry = read_registry(path) if path else cls()
        return registry.with_entry("tmf656", tmf656_url) if tmf656_url else registry

    @property
    def operations(self) -> Operations:
        """What mappings may call, each API in the version that its downstream speaks."""
        return operations_of({api: entry.version for api, entry in self.entries.items()})

    @property
    def reachable(self) -> frozenset[str]:
        """The APIs that somebody works for; for service problems that may be the adapter itself."""
        return frozenset({"tmf656", *self.entries})

    def with_entry(self, api: str, url: str) -> "Registry":
        """With a downstream of which only its address is known, unless there is one for that API already."""
        new = Entry(api, url, DEFAULT_VERSIONS.get(api, "v4"))
        return Registry(MappingProxyType({api: new, **self.entries}))


def read_registry(path: Path, environment: Mapping[str, str] = os.environ) -> Registry:
    """Read the file. ``{env: NAME}`` stands for a variable of the environment. Raises ``BadDownstreams``."""
    document = _loaded(path)
    faults: list[str] = []
    entries = {}
    for api, said in document.items():
        entry = _entry(str(api), said, environment, faults)
        if entry:
            entries[entry.api] = entry
    if faults:
        raise BadDownstreams("\n".join(f"{path}: {fault}" for fault in faults))
    return Registry(MappingProxyType(entries))


def _loaded(path: Path) -> dict[str, Any]:
    try:
        data = files.read(path, BYTES_LIMIT)
        document = yaml.load(data, Loader=_Loader)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadDownstreams(f"{path}: cannot be read: {' '.join(str(error).split())}") from error
    listed = document.get("downstreams") if isinstance(document, dict) else None
    if not isinstance(listed, dict) or len(document) > 1:
        raise BadDownstreams(f"{path}: must have one key, downstreams, with an entry for each API, such as tmf622")
    return listed


class _Loader(yaml.SafeLoader):
    """No aliases (there is nothing to repeat), and no key twice."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("an alias is not needed here: write it out")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {str(name) for name in names if names.count(name) > 1}:
            raise yaml.YAMLError(f"line {node.start_mark.line + 1}: {', '.join(sorted(twice))} is given twice")
        return super().construct_mapping(node, deep)


class _Duration(fields.Field[timedelta]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> timedelta:
        try:
            return duration_of(value)
        except (TypeError, ValueError, AttributeError):
            raise ValidationError(f"must be a duration such as PT30S or P1D, not {value!r}") from None


class _File(fields.Field[Path]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Path:
        if not isinstance(value, str) or not Path(value).is_file():
            raise ValidationError("must be a file that exists")
        return Path(value)


class _Url(fields.Field[str]):
    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            parts = urlsplit(value)
            if parts.scheme in ("http", "https") and parts.hostname and not parts.query and not parts.fragment:
                return str(value).rstrip("/")
        except (ValueError, TypeError, AttributeError):
            pass
        raise ValidationError("must be the base URL of the API, absolute http or https")


class _Tls(Schema):
    certificate = _File(allow_none=True, load_default=None)
    key = _File(allow_none=True, load_default=None)
    ca = _File(allow_none=True, load_default=None)


class _Breaker(Schema):
    failures = fields.Integer(strict=True, validate=validate.Range(1, 1_000), load_default=Entry.failures)
    pause = _Duration(load_default=Entry.pause)


class _Entry(Schema):
    url = _Url(required=True)
    version = fields.String(load_default=None)
    auth = fields.Dict(load_default=None)
    tls = fields.Nested(_Tls, load_default=None)
    timeout = _Duration(load_default=Entry.timeout)
    calls = fields.Integer(strict=True, validate=validate.Range(1, 1_000), load_default=Entry.calls)
    breaker = fields.Nested(_Breaker, load_default=None)
    hub = fields.Boolean(load_default=True)
    poll = _Duration(load_default=None)


def _entry(api: str, said: Any, environment: Mapping[str, str], faults: list[str]) -> Entry | None:
    place = f"downstreams.{api}"
    if api not in known_apis():
        faults.append(f"{place}: is no API that mappings may call; there are: {', '.join(known_apis())}")
        return None
    try:
        loaded: dict[str, Any] = _Entry().load(said)
        version = loaded["version"] or DEFAULT_VERSIONS.get(api, "v4")
        if version not in versions_of(api):
            raise ValidationError({"version": [f"must be one of: {', '.join(versions_of(api))}"]})
        breaker = loaded["breaker"] or {}
        return Entry(
            api,
            loaded["url"],
            version,
            auth=_auth(loaded["auth"], environment),
            tls=_tls(loaded["tls"]),
            timeout=loaded["timeout"],
            calls=loaded["calls"],
            failures=breaker.get("failures", Entry.failures),
            pause=breaker.get("pause", Entry.pause),
            listens=loaded["hub"],
            poll=loaded["poll"],
        )
    except ValidationError as error:
        faults += [f"{place}{where}: {message}" for where, message in _said(error.messages)]
    except BadCredentials as error:
        faults.append(f"{place}.auth{error.pointer.replace('/', '.')}: {error}")
    return None


def _auth(said: Mapping[str, Any] | None, environment: Mapping[str, str]) -> Auth | None:
    """The secret of an ``auth`` stands in the environment, never in the file."""
    if said is None:
        return None
    found = dict(said)
    secret = SECRET_MEMBERS.get(str(said.get("type")))
    if secret and secret in said:
        value = said[secret]
        name = value.get("env") if isinstance(value, dict) and len(value) == 1 else None
        if not isinstance(name, str):
            raise BadCredentials(f"/{secret}", "must not stand in a file: write {env: NAME}, a variable that holds it")
        if not environment.get(name):
            raise BadCredentials(f"/{secret}", f"the variable {name} is not set")
        found[secret] = environment[name]
    return auth_of(found)


def _tls(said: Mapping[str, Any] | None) -> Tls | None:
    return Tls(said["certificate"], said["key"], said["ca"]) if said else None


def _said(messages: Any, place: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _said(inner, place if name == "_schema" else f"{place}.{name}")
    else:
        for message in messages:
            yield place, str(message)
