"""Patch documents: the RFCs' own examples, TMF's reading of ``add``, and whatever else a client may send."""

import copy
import json
import time
from typing import Any

import jsonpointer
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tmf_adapter.tmf.errors import Conflict, Invalid, UnsupportedMediaType
from tmf_adapter.tmf.patch import COPIED, JSON_PATCH, JSON_PATCH_QUERY, MERGE, OPERATIONS, apply, touches

MERGE_PATCH = "application/merge-patch+json"


def depth(value: Any) -> int:
    """How many levels of arrays and objects there are."""
    levels, level = 0, [value]
    while level := [part for part in level if isinstance(part, dict | list)]:
        levels += 1
        level = [inner for part in level for inner in (part.values() if isinstance(part, dict) else part)]
    return levels


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        # its example [1,2] + {"a":"b","c":null}, one level down: what is no object is replaced by one
        ({"x": [1, 2]}, {"x": {"a": "b", "c": None}}, {"x": {"a": "b"}}),
        # section 3, the example in full
        (
            {
                "title": "Goodbye!",
                "author": {"givenName": "John", "familyName": "Doe"},
                "tags": ["example", "sample"],
                "content": "This will be unchanged",
            },
            {"title": "Hello!", "phoneNumber": "+01-123-456-7890", "author": {"familyName": None}, "tags": ["example"]},
            {
                "title": "Hello!",
                "author": {"givenName": "John"},
                "tags": ["example"],
                "content": "This will be unchanged",
                "phoneNumber": "+01-123-456-7890",
            },
        ),
        # nulls inside an array are values
        ({}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}),
        # an array is replaced, never appended to
        ({"note": [{"text": "1"}]}, {"note": [{"text": "2"}]}, {"note": [{"text": "2"}]}),
        # nothing is said, nothing changes
        ({"a": {"b": 1}}, {}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
    ],
)
@pytest.mark.parametrize("media_type", sorted(MERGE))
def test_a_merge_patch_does_what_rfc_7396_says(
    media_type: str, target: dict[str, Any], patch: Any, result: dict[str, Any]
) -> None:
    before = copy.deepcopy((target, patch))
    assert apply(target, patch, media_type) == result
    assert (target, patch) == before


@pytest.mark.parametrize("patch", [["c"], None, "bar", 1, True, []])
def test_a_merge_patch_that_is_no_object_is_refused(patch: Any) -> None:
    """RFC 7396 would replace the whole ticket by it; what is left must be a ticket."""
    with pytest.raises(Invalid):
        apply({"a": "foo"}, patch, MERGE_PATCH)


@pytest.mark.parametrize(
    ("target", "operations", "result"),
    [
        # RFC 6902, appendix A, by its own numbers
        # A.1 adding an object member
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
        # A.2 adding an array element
        (
            {"foo": ["bar", "baz"]},
            [{"op": "add", "path": "/foo/1", "value": "qux"}],
            {"foo": ["bar", "qux", "baz"]},
        ),
        # A.3 removing an object member
        ({"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
        # A.4 removing an array element
        ({"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
        # A.5 replacing a value
        (
            {"baz": "qux", "foo": "bar"},
            [{"op": "replace", "path": "/baz", "value": "boo"}],
            {"baz": "boo", "foo": "bar"},
        ),
        # A.6 moving a value
        (
            {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
            [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
            {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
        ),
        # A.7 moving an array element
        (
            {"foo": ["all", "grass", "cows", "eat"]},
            [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
            {"foo": ["all", "cows", "eat", "grass"]},
        ),
        # A.8 testing a value: success
        (
            {"baz": "qux", "foo": ["a", 2, "c"]},
            [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
            {"baz": "qux", "foo": ["a", 2, "c"]},
        ),
        # A.10 adding a nested member object
        (
            {"foo": "bar"},
            [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
            {"foo": "bar", "child": {"grandchild": {}}},
        ),
        # A.11 ignoring unrecognized elements
        ({"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
        # A.14 escape ordering
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
        # A.16 adding an array value
        (
            {"foo": ["bar"]},
            [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}],
            {"foo": ["bar", ["abc", "def"]]},
        ),
        # section 4.1: an existing member is replaced
        ({"foo": "bar"}, [{"op": "add", "path": "/foo", "value": 1}], {"foo": 1}),
        ({"foo": [1]}, [{"op": "add", "path": "/foo", "value": [2]}], {"foo": [2]}),
        ({"foo": {"a": 1}}, [{"op": "add", "path": "/foo", "value": {"b": 2}}], {"foo": {"b": 2}}),
        # section 4.1: the whole document
        ({"foo": 1}, [{"op": "add", "path": "", "value": {"bar": 2}}], {"bar": 2}),
        ({"foo": 1}, [{"op": "replace", "path": "", "value": {"bar": 2}}], {"bar": 2}),
        # section 4.5: a copy is not the same thing twice
        (
            {"a": {"x": [1]}},
            [{"op": "copy", "from": "/a", "path": "/b"}, {"op": "add", "path": "/b/x/-", "value": 2}],
            {"a": {"x": [1]}, "b": {"x": [1, 2]}},
        ),
        # section 4.6: numbers are equal when their values are
        ({"a": 1}, [{"op": "test", "path": "/a", "value": 1.0}], {"a": 1}),
        # null is a value like any other
        ({"a": 1}, [{"op": "replace", "path": "/a", "value": None}], {"a": None}),
        ({"a": None}, [{"op": "test", "path": "/a", "value": None}], {"a": None}),
        # a member may be called "" or look like an index
        ({"": 1, "0": 2}, [{"op": "remove", "path": "/"}, {"op": "replace", "path": "/0", "value": 3}], {"0": 3}),
        # a move onto itself
        ({"a": [1]}, [{"op": "move", "from": "/a", "path": "/a"}], {"a": [1]}),
        # nothing to do
        ({"a": 1}, [], {"a": 1}),
    ],
)
def test_a_json_patch_does_what_rfc_6902_says(
    target: dict[str, Any], operations: list[dict[str, Any]], result: dict[str, Any]
) -> None:
    before = copy.deepcopy((target, operations))
    assert apply(target, operations, JSON_PATCH) == result
    assert (target, operations) == before


@pytest.mark.parametrize(
    ("target", "operation", "result"),
    [
        # an element of an array of arrays is inserted where the index says (section 4.1)
        ({"a": [[1], [2]]}, {"op": "add", "path": "/a/0", "value": 5}, {"a": [5, [1], [2]]}),
        ({"a": [[1], [2]]}, {"op": "add", "path": "/a/1", "value": {"b": 5}}, {"a": [[1], {"b": 5}, [2]]}),
        # only an object is appended by TMF's example; what is none replaces the member (section 4.1)
        ({"a": [1, 2]}, {"op": "add", "path": "/a", "value": "x"}, {"a": "x"}),
        ({"a": [1, 2]}, {"op": "add", "path": "/a", "value": None}, {"a": None}),
    ],
)
def test_tmfs_append_takes_nothing_else_from_rfc_6902(
    target: dict[str, Any], operation: dict[str, Any], result: dict[str, Any]
) -> None:
    assert apply(target, [operation], JSON_PATCH) == result


NOTE = {"@type": "Note", "text": "Line tested."}


@pytest.mark.parametrize(
    ("target", "operation", "result"),
    [
        # the official v5 example: an object added to a list is appended to it
        ({"note": [{"text": "1"}]}, {"op": "add", "path": "/note", "value": NOTE}, {"note": [{"text": "1"}, NOTE]}),
        # a list that is empty is one
        ({"note": []}, {"op": "add", "path": "/note", "value": NOTE}, {"note": [NOTE]}),
        # what RFC 6902 says is understood as well
        ({"note": [{"text": "1"}]}, {"op": "add", "path": "/note/-", "value": NOTE}, {"note": [{"text": "1"}, NOTE]}),
        ({"note": [{"text": "1"}]}, {"op": "add", "path": "/note/0", "value": NOTE}, {"note": [NOTE, {"text": "1"}]}),
        ({"note": [{"text": "1"}]}, {"op": "add", "path": "/note", "value": [NOTE]}, {"note": [NOTE]}),
        # replace is no add
        ({"note": [{"text": "1"}]}, {"op": "replace", "path": "/note", "value": [NOTE]}, {"note": [NOTE]}),
        # a member that is called "-" is no end of a list
        ({"x": {"-": 1}}, {"op": "add", "path": "/x/-", "value": 2}, {"x": {"-": 2}}),
    ],
)
def test_add_appends_one_object_to_a_list_as_tmf_writes_it(
    target: dict[str, Any], operation: dict[str, Any], result: dict[str, Any]
) -> None:
    assert apply(target, [operation], JSON_PATCH) == result


@pytest.mark.parametrize("path", ["/note", "/note/-"])
@pytest.mark.parametrize("target", [{}, {"note": None}])
def test_who_appends_to_a_list_need_not_know_whether_there_is_one_yet(target: dict[str, Any], path: str) -> None:
    add = {"op": "add", "path": path, "value": NOTE}
    assert apply(target, [add, add], JSON_PATCH, frozenset({"note"})) == {"note": [NOTE, NOTE]}
    with pytest.raises(Invalid):
        apply(target, [{**add, "path": "/unknown/-"}], JSON_PATCH, frozenset({"note"}))


def test_one_operation_without_an_array_around_it_is_understood() -> None:
    """The official TMF656 examples send it so."""
    assert apply({"a": 1}, {"op": "replace", "path": "/a", "value": 2}, JSON_PATCH) == {"a": 2}


@pytest.mark.parametrize(
    ("target", "operations", "number"),
    [
        # A.9 testing a value: error
        ({"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], 0),
        # A.15 comparing strings and numbers
        ({"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], 0),
        # section 4.6: true is not 1, in whatever it stands
        ({"a": 1}, [{"op": "test", "path": "/a", "value": True}], 0),
        ({"a": [{"b": False}]}, [{"op": "test", "path": "/a", "value": [{"b": 0}]}], 0),
        ({"a": None}, [{"op": "test", "path": "/a", "value": False}], 0),
        # what is not there equals nothing
        ({"a": 1}, [{"op": "test", "path": "/b", "value": None}], 0),
        ({"a": [1]}, [{"op": "test", "path": "/a/1", "value": 1}], 0),
        # the operation that failed is named
        ({"a": 1}, [{"op": "add", "path": "/b", "value": 2}, {"op": "test", "path": "/b", "value": 3}], 1),
    ],
)
def test_a_test_that_fails_is_a_conflict_and_changes_nothing(
    target: dict[str, Any], operations: list[dict[str, Any]], number: int
) -> None:
    before = copy.deepcopy(target)
    with pytest.raises(Conflict) as refused:
        apply(target, operations, JSON_PATCH)
    assert refused.value.status == 409
    assert f"Operation {number} " in (refused.value.message or "")
    assert target == before


TARGET = {"foo": "bar", "list": [1, 2], "object": {"x": 1}, "number": 5}


@pytest.mark.parametrize(
    "operation",
    [
        # A.12 adding to a nonexistent target
        {"op": "add", "path": "/baz/bat", "value": "qux"},
        # no pointer at all
        {"op": "add", "path": "foo", "value": 1},
        {"op": "add", "path": "foo/bar", "value": 1},
        {"op": "replace", "path": "#/foo", "value": 1},
        # an escape that is none
        {"op": "add", "path": "/a~2b", "value": 1},
        {"op": "add", "path": "/a~", "value": 1},
        # what is not there can be neither removed nor replaced nor moved nor copied
        {"op": "remove", "path": "/nothing"},
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "move", "from": "/nothing", "path": "/a"},
        {"op": "copy", "from": "/nothing", "path": "/a"},
        {"op": "copy", "from": "/list/-", "path": "/a"},
        {"op": "remove", "path": "/list/-"},
        {"op": "replace", "path": "/list/-", "value": 1},
        # an index beyond the end, with a leading zero, negative, too long, or no number
        {"op": "add", "path": "/list/3", "value": 1},
        {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1},
        {"op": "add", "path": "/list/1e0", "value": 1},
        {"op": "add", "path": "/list/" + "9" * 5_000, "value": 1},
        {"op": "add", "path": "/list/x", "value": 1},
        {"op": "remove", "path": "/list/2"},
        # text and numbers have no members
        {"op": "add", "path": "/foo/0", "value": 1},
        {"op": "add", "path": "/number/x", "value": 1},
        {"op": "remove", "path": "/foo/0"},
        # the value or the source is missing
        {"op": "add", "path": "/a"},
        {"op": "add", "path": "/list"},
        {"op": "replace", "path": "/foo"},
        {"op": "move", "path": "/a"},
        {"op": "copy", "path": "/a"},
        {"op": "test", "path": "/foo"},
        # a value cannot be moved into itself
        {"op": "move", "from": "/object", "path": "/object/y"},
        {"op": "move", "from": "", "path": "/a"},
        # the ticket cannot be removed by a patch
        {"op": "remove", "path": ""},
        # a source that is no pointer
        {"op": "copy", "from": "foo", "path": "/a"},
    ],
    ids=lambda operation: json.dumps(operation)[:60],
)
def test_an_operation_that_cannot_be_done_is_refused_at_its_place(operation: dict[str, Any]) -> None:
    before = copy.deepcopy(TARGET)
    with pytest.raises(Invalid) as refused:
        apply(TARGET, [{"op": "test", "path": "/foo", "value": "bar"}, operation], JSON_PATCH)
    assert [fault.pointer for fault in refused.value.faults] == ["/1"]
    assert len(refused.value.faults[0].message) < 300
    assert before == TARGET


@pytest.mark.parametrize("value", [[], "text", 5, None, True])
@pytest.mark.parametrize("op", ["add", "replace"])
def test_a_json_patch_must_leave_an_object(op: str, value: Any) -> None:
    with pytest.raises(Invalid):
        apply({"a": 1}, [{"op": op, "path": "", "value": value}], JSON_PATCH)


def test_later_operations_of_a_patch_do_not_change_the_patch() -> None:
    """The ledger decides again when another writer was faster: the same patch must then mean the same."""
    operations = [{"op": "add", "path": "/x", "value": {"a": []}}, {"op": "add", "path": "/x/a/-", "value": 1}]
    first = apply({}, operations, JSON_PATCH)
    assert apply({}, operations, JSON_PATCH) == first == {"x": {"a": [1]}}


def test_as_many_operations_as_are_allowed_are_done() -> None:
    operations = [{"op": "add", "path": "/list/-", "value": number} for number in range(OPERATIONS)]
    assert apply({"list": []}, operations, JSON_PATCH) == {"list": list(range(OPERATIONS))}


def test_more_operations_than_are_allowed_are_refused() -> None:
    operations = [{"op": "test", "path": "/a", "value": 1}] * (OPERATIONS + 1)
    with pytest.raises(Invalid, match=f"{OPERATIONS}"):
        apply({"a": 1}, operations, JSON_PATCH)


@pytest.mark.parametrize(
    ("target", "operations"),
    [
        # each copy doubles the text
        (
            {"a": ["x" * 1_000]},
            [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40,
        ),
        # the same by way of a second member
        (
            {"a": {"x": "x" * 1_000}},
            [{"op": "copy", "from": "", "path": f"/b{number}"} for number in range(40)],
        ),
        # one large text, often
        (
            {"a": "x" * 200_000, "b": []},
            [{"op": "copy", "from": "/a", "path": "/b/-"}] * 900,
        ),
    ],
)
def test_a_copy_bomb_is_refused_before_it_goes_off(target: dict[str, Any], operations: list[dict[str, Any]]) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid) as refused:
        apply(target, operations, JSON_PATCH)
    assert time.monotonic() - began < 2
    [fault] = refused.value.faults
    assert int(fault.pointer.removeprefix("/")) < 40


def test_modest_copies_are_done() -> None:
    target = {"a": "x" * 1_000}
    operations = [{"op": "copy", "from": "/a", "path": f"/b{number}"} for number in range(500)]
    assert len(json.dumps(apply(target, operations, JSON_PATCH))) < COPIED + 100_000


LEVELS = 240
"""As many as orjson writes: what is deeper can be neither stored nor answered."""


@pytest.mark.parametrize(
    "operations",
    [
        # every copy puts what there is one level deeper; it stays small
        [{"op": "replace", "path": "", "value": {"a": 1}}, *[{"op": "copy", "from": "", "path": "/a"}] * 600],
        # without any copy: wrap, and wrap again
        [
            {"op": "add", "path": "/a", "value": 1},
            *[
                {"op": "add", "path": "/b", "value": {}},
                {"op": "move", "from": "/a", "path": "/b/a"},
                {"op": "move", "from": "/b", "path": "/a"},
            ]
            * 300,
        ],
    ],
    ids=["copy", "move"],
)
def test_a_patch_that_nests_beyond_what_can_be_written_is_refused(operations: list[dict[str, Any]]) -> None:
    with pytest.raises(Invalid):
        apply({"name": "x"}, operations, JSON_PATCH)


def nested(levels: int) -> dict[str, Any]:
    document: dict[str, Any] = {}
    for _ in range(levels - 1):
        document = {"a": document}
    return document


@pytest.mark.parametrize("media_type", [MERGE_PATCH, JSON_PATCH])
def test_a_patch_as_deep_as_a_body_may_be_is_applied(media_type: str) -> None:
    target, deep = {"b": 1}, nested(LEVELS - 1)
    body: Any = deep if media_type == MERGE_PATCH else [{"op": "add", "path": "/a", "value": deep}]
    result = apply(target, body, media_type)
    assert result["b"] == 1
    assert depth(result) <= LEVELS


NOTES = {
    "name": "line",
    "note": [
        {"@type": "Note", "id": "1", "author": "Ann", "date": "2026-01-01T00:00:00Z", "text": "dead"},
        {"@type": "Note", "id": "2", "author": "Bob", "text": "still dead"},
        {"@type": "Note", "id": "3", "author": "Bob", "text": "alive"},
    ],
    "characteristic": [{"name": "isIsolated", "value": True}, {"name": "hops", "value": 3}],
    "order": [
        {"offer": {"id": "5"}, "item": [{"id": "a", "n": 1}, {"id": "b", "n": 2}]},
        {"offer": {"id": "6"}, "item": [{"id": "a", "n": 3}]},
    ],
}


@pytest.mark.parametrize(
    ("operation", "pointer", "expected"),
    [
        # TMF's own example: an object put where a picked element stands is merged with it
        (
            {"op": "replace", "path": "/note?id=1", "value": {"author": "Joe", "text": "works"}},
            "/note/0",
            {"@type": "Note", "id": "1", "author": "Joe", "date": "2026-01-01T00:00:00Z", "text": "works"},
        ),
        # TMF656's own example: the condition names the way to the list, the path goes on below the element
        (
            {"op": "replace", "path": "/characteristic/value?characteristic.name=isIsolated", "value": False},
            "/characteristic/0/value",
            False,
        ),
        # a condition on a number and one on a boolean, as they are written
        (
            {"op": "replace", "path": "/characteristic/name?value=3", "value": "steps"},
            "/characteristic/1/name",
            "steps",
        ),
        (
            {"op": "replace", "path": "/characteristic/name?characteristic.value=true", "value": "x"},
            "/characteristic/0/name",
            "x",
        ),
        # both conditions, quotes and percent-encoding
        ({"op": "replace", "path": "/note/text?author=Bob&note.text='alive'", "value": "!"}, "/note/2/text", "!"),
        ({"op": "replace", "path": "/note/text?text=still%20dead", "value": "!"}, "/note/1/text", "!"),
        # every element that is picked is changed
        (
            {"op": "remove", "path": "/note?author=Bob"},
            "/note",
            [{"@type": "Note", "id": "1", "author": "Ann", "date": "2026-01-01T00:00:00Z", "text": "dead"}],
        ),
        # lists in lists: each condition speaks of the list that it names
        (
            {"op": "replace", "path": "/order/item/n?order.offer.id=6&order.item.id=a", "value": 9},
            "/order/1/item/0/n",
            9,
        ),
        ({"op": "remove", "path": "/order?order.item.id=b"}, "/order/0/offer/id", "6"),
        # a member that is not there yet
        ({"op": "add", "path": "/note/date?id=2", "value": "2026-02-02"}, "/note/1/date", "2026-02-02"),
        # the source of a copy
        ({"op": "copy", "from": "/note/text?id=3", "path": "/name"}, "/name", "alive"),
        # and what has no condition is a plain json-patch, RFC 6902's replace included
        ({"op": "replace", "path": "/note/0", "value": {"text": "x"}}, "/note/0", {"text": "x"}),
        ({"op": "replace", "path": "/name", "value": "x"}, "/name", "x"),
    ],
)
def test_a_json_patch_query_picks_elements_by_what_they_hold(
    operation: dict[str, Any], pointer: str, expected: Any
) -> None:
    before = copy.deepcopy(NOTES)
    result = apply(NOTES, [operation], JSON_PATCH_QUERY)
    assert jsonpointer.resolve_pointer(result, pointer) == expected
    assert before == NOTES


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "replace", "path": "/note?id=9", "value": {}}, "picks nothing"),
        ({"op": "replace", "path": "/nothing?id=1", "value": {}}, "cannot be applied"),
        ({"op": "replace", "path": "/note/text?id", "value": "x"}, "no condition"),
        ({"op": "replace", "path": "/note/text?=1", "value": "x"}, "no condition"),
        ({"op": "replace", "path": "note?id=1", "value": "x"}, "must begin with /"),
        ({"op": "copy", "from": "/note/text?author=Bob", "path": "/name"}, "only one can be taken"),
        ({"op": "remove", "path": "/note?" + "&".join(["id=1"] * 11)}, "11 conditions"),
    ],
)
def test_a_json_patch_query_that_cannot_be_followed_is_refused(operation: dict[str, Any], message: str) -> None:
    with pytest.raises(Invalid) as caught:
        apply(NOTES, [operation], JSON_PATCH_QUERY)
    assert message in str(caught.value.document())


def test_a_json_patch_query_that_would_look_through_too_much_is_refused() -> None:
    operations = [{"op": "replace", "path": "/note/text?id=1", "value": "x"}] * 600
    with pytest.raises(Invalid, match="too often"):
        apply(
            {"note": [{"id": str(number), "text": "a" * 40} for number in range(1_000)]}, operations, JSON_PATCH_QUERY
        )


def test_every_condition_of_a_json_patch_query_counts_for_how_much_it_looks_through() -> None:
    note = {"note": [{"id": str(number), "text": "a" * 40} for number in range(10_000)]}
    path = "/note/text?id=1" + "&text=x" * 9
    with pytest.raises(Invalid, match="too often"):
        apply(note, [{"op": "replace", "path": path, "value": "x"}] * 10, JSON_PATCH_QUERY)


def test_a_json_patch_query_changes_no_more_places_than_a_json_patch_may() -> None:
    target = {"note": [{"author": "b", "text": "a"}] * 600}
    operations = [{"op": "replace", "path": "/note/text?author=b", "value": str(number)} for number in range(2)]
    assert apply(target, operations[:1], JSON_PATCH_QUERY)["note"][599]["text"] == "0"
    with pytest.raises(Invalid, match="not acceptable") as caught:
        apply(target, operations, JSON_PATCH_QUERY)
    assert [(fault.pointer, fault.message) for fault in caught.value.faults] == [
        ("/1", "the patch changes more than 1000 places")
    ]


@pytest.mark.parametrize("media_type", ["text/plain", "merge-patch+json", "", "application/xml"])
def test_what_is_no_patch_format_is_refused(media_type: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        apply({"a": 1}, {"a": 2}, media_type)


@pytest.mark.parametrize(
    ("body", "media_type", "member", "expected"),
    [
        # a merge-patch speaks of what it names, null included
        ({"status": "held"}, MERGE_PATCH, "status", True),
        ({"status": None}, "application/json", "status", True),
        ({"name": "status"}, MERGE_PATCH, "status", False),
        # a json-patch speaks of what its paths lead into
        ([{"op": "replace", "path": "/status", "value": "held"}], JSON_PATCH, "status", True),
        ([{"op": "remove", "path": "/status"}], JSON_PATCH, "status", True),
        ([{"op": "add", "path": "/note/0/text", "value": "x"}], JSON_PATCH, "note", True),
        ([{"op": "add", "path": "/statusChangeReason", "value": "x"}], JSON_PATCH, "status", False),
        ([{"op": "add", "path": "/name", "value": "/status"}], JSON_PATCH, "status", False),
        ([{"op": "copy", "from": "/status", "path": "/name"}], JSON_PATCH, "status", False),
        ([{"op": "move", "from": "/name", "path": "/status"}], JSON_PATCH, "status", True),
        # a move takes away from where it was
        ([{"op": "move", "from": "/status", "path": "/name"}], JSON_PATCH, "status", True),
        # one operation alone
        ({"op": "remove", "path": "/status"}, JSON_PATCH, "status", True),
        # whoever replaces the whole says something of every member of it
        ([{"op": "replace", "path": "", "value": {"status": "held"}}], JSON_PATCH, "status", True),
        ([{"op": "replace", "path": "", "value": {"name": "x"}}], JSON_PATCH, "status", True),
        # who only asks says nothing
        ([{"op": "test", "path": "/status", "value": "held"}], JSON_PATCH, "status", False),
        ([], JSON_PATCH, "status", False),
        ([{"op": "replace", "path": "/a?b=1", "value": 1}], JSON_PATCH_QUERY, "a", True),
    ],
)
def test_a_patch_touches_what_it_says_something_of(body: Any, media_type: str, member: str, expected: bool) -> None:
    assert touches(body, media_type, member) is expected


_SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text()
_NAMES = st.sampled_from(["a", "b", "0", "-", "", "~", "/", "é"])
_JSON = st.recursive(
    _SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_NAMES, inner, max_size=4), max_leaves=12
)
_OBJECTS = st.dictionaries(_NAMES | st.text(max_size=5), _JSON, max_size=5)
_STEPS = st.sampled_from(["a", "b", "0", "1", "-", "", "~0", "~1", "~", "é", "00", "-1", "٣", "²"]) | st.text(
    max_size=3
)
_POINTERS = st.lists(_STEPS, max_size=4).map(lambda steps: "".join(f"/{step}" for step in steps)) | st.text(max_size=4)
_CONDITIONS = st.sampled_from(["a=1", "a.b=x", "b=", "=", "a", "0=é&b=null", "%=%zz"]) | st.text(max_size=5)
_PATHS = _POINTERS | st.tuples(_POINTERS, _CONDITIONS).map("?".join)
_OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": _PATHS},
    optional={"value": _JSON, "from": _PATHS},
)


@given(_OBJECTS, _OBJECTS)
def test_a_merge_patch_leaves_what_it_was_given_alone_and_is_idempotent(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    before = copy.deepcopy((target, patch))
    once = apply(target, patch, MERGE_PATCH)
    assert (target, patch) == before
    assert apply(once, patch, MERGE_PATCH) == once
    assert {name for name, value in patch.items() if value is None}.isdisjoint(once)


@given(_OBJECTS, _OBJECTS)
def test_a_changed_merge_result_never_shows_in_the_document_it_came_from(
    target: dict[str, Any], patch: dict[str, Any]
) -> None:
    before = copy.deepcopy(target)
    apply(target, patch, MERGE_PATCH).update({"a": "other", "new": 1})
    assert target == before


@settings(max_examples=250, deadline=None)
@given(_OBJECTS, st.lists(_OPERATIONS, max_size=6) | _OPERATIONS, st.sampled_from([JSON_PATCH, JSON_PATCH_QUERY]))
def test_any_json_patch_is_applied_or_refused(target: dict[str, Any], operations: Any, media_type: str) -> None:
    before = copy.deepcopy((target, operations))
    try:
        answer = apply(target, operations, media_type)
    except (Invalid, Conflict) as error:
        answer = error.document()
    assert isinstance(answer, dict)
    json.dumps(answer)
    assert (target, operations) == before
