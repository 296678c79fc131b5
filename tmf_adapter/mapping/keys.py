"""What every group of keys in a mapping file has in common: unknown ones are refused, with the nearest known."""

from typing import Any, ClassVar

from marshmallow import EXCLUDE, Schema, ValidationError, post_load, validates_schema

from tmf_adapter.mapping.faults import listed, nearest

_TRAPS = {
    "on": "is no key, and YAML 1.1 reads it as true: write events",
    "True": "is no key; if it was meant as on: write events",
    "trigger": "is no key: write events",
    "if": "is a key of a step: write the conditions of a mapping as a list under when",
    "defaults": "belongs in 00-defaults.yaml",
    "reasons": "belongs in reasons.yaml",
    "<<": "is a merge, which mappings do not have: write the keys out",
}


class Keys(Schema):
    """A group of keys that becomes what ``makes`` makes of it."""

    makes: ClassVar[Any] = dict

    class Meta:
        unknown = EXCLUDE

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _refuse_unknown(self, _data: Any, original: Any, **_: Any) -> None:
        known = {field.data_key or name for name, field in self.load_fields.items()}
        unknown = [name for name in original if name not in known] if isinstance(original, dict) else []
        if unknown:
            raise ValidationError({name: [_unknown_key(name, known)] for name in unknown})

    @post_load
    def _make(self, data: dict[str, Any], **_: Any) -> Any:
        return self.makes(**data)


def _unknown_key(name: str, known: set[str]) -> str:
    return _TRAPS.get(name) or f"is no key here; there are {listed(known)}{nearest(name, known)}"


def member(original: Any, name: str) -> Any:
    """What the file has under a key; None where there is no such thing."""
    return original.get(name) if isinstance(original, dict) else None
