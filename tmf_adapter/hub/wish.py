"""What a listener wishes to hear of: the ``query`` it registers with (TMF630 part 1, notifications)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import unquote

from tmf_adapter.hub.apis import Api
from tmf_adapter.tmf.attributes import Attribute
from tmf_adapter.tmf.condition import (
    ANYTHING,
    And,
    Compare,
    Condition,
    Element,
    Exists,
    Not,
    Operator,
    Or,
    Path,
    Value,
    fits,
    matches,
)
from tmf_adapter.tmf.errors import BadQuery, Invalid
from tmf_adapter.tmf.events import ALWAYS, Doc, Event, Resource
from tmf_adapter.tmf.fields import Fields, fields_of, select
from tmf_adapter.tmf.query import Collection
from tmf_adapter.tmf.query import parse as parse_query
from tmf_adapter.tmf.versions import V4

TYPE = ("eventType",)
_ENVELOPE = ("eventId", "eventType", "eventTime", "correlationId", "domain", "title")
_V5_ENVELOPE = ("@type", "@baseType", "timeOccurred")
_V4_ENVELOPE = ("timeOcurred",)
_RENAMED = {"timeOcurred": "timeOccurred"}
_OF_A_LIST = frozenset({"sort", "offset", "limit", "before", "after"})
_NOTHING = frozenset({"", "data"})
"""What asks for nothing in particular; the standard's own example registers with ``query: data``."""
_SIGNS = frozenset("=<>")
LONGEST = 8_000


@dataclass(frozen=True, slots=True)
class Wish:
    """``types`` are the event types wished for, None for all; ``condition`` must hold for the v5 notification with the
    whole resource in it; ``fields`` are the members of the resource that are to come along, None for all there are."""

    types: frozenset[str] | None = None
    condition: Condition = ANYTHING
    fields: Fields | None = None

    def passes(self, event: Event, resource: Doc) -> bool:
        """Whether the event is one of those wished for. ``resource`` is what it speaks of, as the change leaves it.

        A status change says nothing of the severity, and yet a listener may wish for those of severe tickets only. So
        the condition is held against the whole resource; what the event itself says of it counts more.
        """
        if self.types is not None and event.type not in self.types:
            return False
        if self.condition is ANYTHING:
            return True
        return matches(self.condition, replace(event, payload={**resource, **event.payload}).envelope())

    def selected(self, notification: Doc) -> Doc:
        """The notification with no more of its resource than is wished; what identifies that always stays."""
        if self.fields is None:
            return notification
        kept = frozenset(ALWAYS)
        payloads = {
            name: select(value, self.fields, kept) if name != "informationRequired" else value
            for name, value in notification["event"].items()
        }
        return {**notification, "event": payloads}


def parse(query: str | None, api: Api) -> Wish:
    """Read a Hub's ``query``, which is written like the query string of a list.

    ``eventType=A,B`` names event types, in any case. Conditions speak of ``event.<resource>.<path>``, which may be
    shortened to ``<resource>.<path>`` or ``<path>``, and of members of the envelope, all by the names that they have in
    this version, with every operator there is. ``fields`` says which members of the resource come along. Raises
    ``Invalid`` at ``/query``, naming the part that is wrong; nothing but ``_NOTHING`` is a wish for everything.
    """
    if query is None or query.strip() in _NOTHING:
        return Wish()
    if len(query) > LONGEST:
        raise _refused(f"has {len(query)} characters; at most {LONGEST} are possible")
    try:
        pairs = list(_pairs(query.strip().removeprefix("?")))
        condition = parse_query([pair for pair in pairs if pair[0] != "fields"], _collection(api)).condition
        types, condition = _split(_typed(_meant(condition, api), api))
        return Wish(types, condition, _fields([value for name, value in pairs if name == "fields"], api))
    except BadQuery as error:
        raise _refused(f"{error.reason} {error.message or ''}".strip()) from None


def _pairs(query: str) -> Iterator[tuple[str, str]]:
    for part in query.split("&"):
        name, _, value = part.partition("=")
        name, value = _decoded(name), _decoded(value)
        if not (_SIGNS & set(part) or _SIGNS & set(name)):
            raise _refused(f"{part.strip()[:80]!r} is no condition; write name=value, as in eventType=*StatusChange*")
        first, dot, rest = name.partition(".")
        if first in _OF_A_LIST:
            raise _refused(f"{part.strip()[:80]!r} is for lists; notifications come one by one")
        yield (f"eventType{dot}{rest}" if first.lower() == "eventtype" else name), value


def _decoded(text: str) -> str:
    try:
        decoded = unquote(text, errors="strict").strip()
    except UnicodeDecodeError:
        raise _refused(f"{text[:80]!r} is not percent-encoded UTF-8; write é as %C3%A9, and % as %25") from None
    if "\0" in decoded:
        raise _refused(f"{text[:80]!r} holds the character U+0000, which is in no notification")
    return decoded


def _collection(api: Api) -> Collection:
    """A notification as something to ask about. The envelope comes before a resource with a member of the same name."""
    resources = {name: api.attribute(resource) for name, resource in api.payloads.items()}
    envelope = dict.fromkeys((*_ENVELOPE, *(_V4_ENVELOPE if api.is_v4 else _V5_ENVELOPE)), Attribute())
    within = {**resources} if api.is_v4 else {**resources, "informationRequired": Attribute(is_open=True)}
    main = api.attribute(api.resources[0])
    members = {**main.members, **resources, "event": Attribute(within), **envelope}
    return Collection("notification", Attribute(members), stored=partial(_stored, api, frozenset(envelope)))


def _stored(api: Api, envelope: frozenset[str], path: Path) -> Path:
    """Where a path leads in the stored notification."""
    payloads = api.payloads
    match path:
        case () | ("event",):
            return path
        case ("event", first, *rest) | (first, *rest) if first in payloads:
            return ("event", first, *_in_v5(api, payloads[first], tuple(rest)))
        case ("event", *rest):
            return path
        case (first, *rest) if first in envelope:
            return (_RENAMED.get(first, first), *rest)
    return ("event", api.resources[0], *_in_v5(api, api.resources[0], path))


def _in_v5(api: Api, resource: Resource, path: Path) -> Path:
    return V4[resource].path(path) if api.is_v4 else path


def _meant(condition: Condition, api: Api) -> Condition:
    main = api.resources[0]
    return V4[main].meant(condition, ("event", main)) if api.is_v4 else condition


def _is_whole(path: Path) -> bool:
    """Whether it leads to a whole resource, which equals no text."""
    return path[:1] == ("event",) and len(path) < 3


def _typed(condition: Condition, api: Api) -> Condition:
    """The condition with every event type by its own name. Raises ``Invalid`` for one that the API does not tell of."""
    match condition:
        case And(parts):
            return And(tuple(_typed(part, api) for part in parts))
        case Or(parts):
            return Or(tuple(_typed(part, api) for part in parts))
        case Not(part):
            return Not(_typed(part, api))
        case Compare(path, Operator.EQ, values) if path == TYPE:
            # A text with commas is tried as a whole too, which no type is.
            texts = [value for value in values if not set(value.text or "") & set(",;")] or list(values)
            return Compare(TYPE, Operator.EQ, tuple(Value(name) for value in texts for name in _named(value, api)))
        case Compare(path) if _is_whole(path):
            raise _refused(f"{'.'.join(path)!r} is an object and equals nothing; name a member of it")
        case Element() | Exists() | Compare():
            return condition


def _named(value: Value, api: Api) -> list[str]:
    """The event types that are meant: of ``TroubleTicket*`` all that begin so."""
    known, wanted = sorted(api.event_types), (value.text or "").lower()
    found = [name for name in known if (fits(wanted, name.lower()) if value.is_pattern else name.lower() == wanted)]
    if not found:
        raise _refused(f"{(value.text or '')[:80]!r} is no event type of this API; there are: {', '.join(known)}")
    return found


def _split(condition: Condition) -> tuple[frozenset[str] | None, Condition]:
    """The event types that must be had, and what else must hold: an event is mostly judged by its type alone."""
    parts = condition.parts if isinstance(condition, And) else (condition,)
    chosen = [part for part in parts if isinstance(part, Compare) and part.path == TYPE]
    named = [part for part in chosen if part.operator is Operator.EQ]
    if len(named) != 1:
        return None, ANYTHING if condition == ANYTHING else condition
    rest = tuple(part for part in parts if part is not named[0])
    types = frozenset(value.text for value in named[0].values if value.text)
    return types, (And(rest) if rest else ANYTHING)


def _fields(texts: list[str], api: Api) -> Fields | None:
    """The members wished for, of whichever resource; the envelope comes along in any case."""
    trees = [api.attribute(resource) for resource in api.resources]
    members = {name: member for tree in reversed(trees) for name, member in tree.members.items()}
    whole = replace(trees[0], members=members, is_open=any(tree.is_open for tree in trees))
    names = [_without_prefix(name.strip(), api) for text in texts for name in text.split(",")]
    return fields_of([",".join(name for name in names if name)], whole) if texts else None


def _without_prefix(name: str, api: Api) -> str:
    """The name as it is below the resource; of a member of the envelope nothing."""
    if name in (*_ENVELOPE, *_V5_ENVELOPE, *_V4_ENVELOPE, "event", *api.payloads) and not name.startswith("@"):
        return ""
    name = name.removeprefix("event.")
    first, _, rest = name.partition(".")
    return rest if first in api.payloads else name


def _refused(why: str) -> Invalid:
    return Invalid.at("/query", why)
