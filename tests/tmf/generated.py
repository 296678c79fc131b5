"""Values that a schema of our own documents allows, members of nobody's and of the other version's among them."""

from typing import Any

from hypothesis import strategies as st

from tests.tmf.documents import document, resolved, shape

Values = st.SearchStrategy[Any]

DEEPEST = 4
"""Objects within each other; what is deeper has only what it must have."""
_TEXT = st.sampled_from(["", "a", "é", "PartyRef", "https://a.test/x", "no uri", "2026-11-24T08:00:00Z", "1"])
_BY_FORMAT = {
    "date-time": st.sampled_from(["2026-11-24T08:00:00Z", "0000-01-01t23:59:59.9+23:59"]),
    "uri": st.sampled_from(["urn:x", "https://[::1]:80/a?b#c"]),
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.just(1.5) | _TEXT,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_TEXT, inner, max_size=2),
    max_leaves=3,
)
_PLAIN = {"integer": st.integers(-9, 9), "number": st.floats(-9, 9), "boolean": st.booleans(), "string": _TEXT}


class Generator:
    """Of one API, in one of its versions."""

    def __init__(self, api: str, version: str) -> None:
        self.document = document(api, version)
        self.strangers = st.sampled_from(
            ["x-vendor", *sorted({name for each in ("v4", "v5") for name in members(document(api, each))})]
        )
        """What a member beyond the schema may be called: as something is in either version, elsewhere."""
        self._made: dict[tuple[str, int], Values] = {}

    def values(self, name: str) -> Values:
        """What the schema with that name allows."""
        return self._of({"$ref": f"#/components/schemas/{name}"}, DEEPEST)

    def _of(self, schema: dict[str, Any], left: int) -> Values:
        """Made once for each schema with a name, when it is needed: some hold each other."""
        if "$ref" not in schema:
            return self._made_of(schema, left)
        key = schema["$ref"], left
        if key not in self._made:
            self._made[key] = st.deferred(lambda: self._made_of(resolved(self.document, schema), left))
        return self._made[key]

    def _made_of(self, whole: dict[str, Any], left: int) -> Values:
        if "oneOf" in whole:
            return st.one_of([self._of(one, left) for one in whole["oneOf"]])
        if "enum" in whole:
            return st.sampled_from(whole["enum"])
        if whole.get("type") == "array":
            size = 2 if left > 0 else whole.get("minItems", 0)
            return st.lists(self._of(whole["items"], left - 1), min_size=whole.get("minItems", 0), max_size=size)
        if "format" in whole and whole["format"] in _BY_FORMAT:
            return _BY_FORMAT[whole["format"]]
        if whole.get("type", "object") in _PLAIN:
            return _PLAIN[whole["type"]].filter(lambda value: value != "" or not whole.get("minLength"))
        members, required = shape(self.document, whole)
        return self._object(members, required, whole, left) if members or "allOf" in whole else ANYTHING

    def _object(self, members: dict[str, Any], required: set[str], schema: dict[str, Any], left: int) -> Values:
        of = {name: self._of(one, left - 1) for name, one in members.items()}
        if types := [key for key, ref in _mapping(schema).items() if resolved(self.document, {"$ref": ref}) is schema]:
            of["@type"] = st.sampled_from(types)
        must = {name: of[name] for name in sorted(required)}
        may = {name: of[name] for name in of if name not in required} if left > 0 else {}
        extra = st.dictionaries(self.strangers.filter(lambda name: name not in members), ANYTHING, max_size=2)
        return st.builds(lambda more, known: {**more, **known}, extra, st.fixed_dictionaries(must, optional=may))


def _mapping(schema: dict[str, Any]) -> dict[str, str]:
    mapping: dict[str, str] = schema.get("discriminator", {}).get("mapping", {})
    return mapping


def members(spec: dict[str, Any]) -> set[str]:
    return {name for schema in spec["components"]["schemas"].values() for name in schema.get("properties", ())}
