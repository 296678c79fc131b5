"""What recoveries are started with, as it is kept, and kept in memory: few mappings have many recoveries."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import orjson

from tmf_adapter.mapping.document import parse
from tmf_adapter.mapping.parts import Mapping
from tmf_adapter.recovery.rows import json_text

T = TypeVar("T")
KNOWN = 1_024
"""How many mappings are kept in memory; those of recoveries in flight, and of the versions before."""
PLANS = 128
PLAN_LENGTH = 32_768
"""How many plans of recoveries are kept in memory, and how long one of them may be."""

_parsed: dict[str, Mapping] = {}
_texts: dict[str, str] = {}
"""Mappings that recoveries run, and their JSON, by hash: few mappings have many recoveries, each read at every step."""


def plan_of(mapping: Mapping, scope: dict[str, Any]) -> str:
    """What a recovery is started with, as it is kept: the mapping, its hash, and the view."""
    text = _texts.get(mapping.hash)
    if text is None:
        text = _kept(_texts, mapping.hash, json_text(mapping.to_document()))
    return f'{{"hash":"{mapping.hash}","mapping":{text},"scope":{json_text(scope)}}}'


@dataclass(frozen=True, slots=True)
class Plan:
    """What a recovery was started with, which never changes and is read at each of its steps."""

    text: str
    mapping: Mapping
    scope: dict[str, Any]
    memo: dict[str, Any] = field(default_factory=dict)


_plans: dict[str, Plan] = {}


def planned(id_: str, text: str) -> Plan:
    """The plan that ``plan_of`` made a text of, for the recovery ``id_``."""
    found = _plans.get(id_)
    if found is not None and found.text == text:
        return found
    plan = orjson.loads(text)
    found = Plan(text, _mapping_of(plan), plan["scope"])
    return _kept(_plans, id_, found, PLANS) if len(text) <= PLAN_LENGTH else found


def _mapping_of(plan: dict[str, Any]) -> Mapping:
    hash_ = plan.get("hash")
    found = _parsed.get(hash_) if hash_ else None
    if found is not None:
        return found
    mapping = parse(plan["mapping"])
    return _kept(_parsed, hash_, mapping) if hash_ else mapping


def _kept(known: dict[str, T], key: str, value: T, at_most: int = KNOWN) -> T:
    if len(known) >= at_most:
        known.clear()
    known[key] = value
    return value
