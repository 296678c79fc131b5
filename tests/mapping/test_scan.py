"""What an expression refers to."""

import pytest

from tmf_adapter.mapping.scan import read


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("t.status == 'held'", ["t.status"]),
        ("t.char['line speed'] > 3", ["t.char['line speed']"]),  # a key that is no name
        ("t.rel.line[0].id", ["t.rel.line[0].id"]),
        ("t.rel.line[i].id", ["t.rel.line", "i"]),  # what is known at run time only ends the path
        ("t.note.exists(n, n.text == t.id)", ["t.note", "t.id"]),  # n is the macro's own
        ("n == 1 || t.note.exists(n, n.text == 'x')", ["n", "t.note"]),  # but not outside of it
        ("t.a.map(x, x.b.map(y, y + x + z))", ["t.a", "z"]),  # macros within macros
        ("t.a.map(x, x.ok, x.id)", ["t.a"]),  # the form with a condition
        ("size(t.note) > 0 && 't.char' in t.raw", ["t.note", "t.raw"]),  # texts are no paths
        ("t.id.startsWith('a.b')", ["t.id"]),  # a method is no member
        ("{'a': t.x, 'b': [was.y]}", ["t.x", "was.y"]),
        ("true && null == false", []),
        ("r'\\d' == t.x // t.y", ["t.x"]),  # a comment
        ("(t).x == 1", ["t"]),  # says less rather than something wrong
        ("has(t.x) ? t.x : u", ["t.x", "t.x", "u"]),
        ("t . x\n . y", ["t.x.y"]),
    ],
)
def test_paths_are_what_is_read_from_the_scope(source: str, paths: list[str]) -> None:
    assert [str(path) for path in read(source).paths] == paths


@pytest.mark.parametrize(
    ("source", "literals"),
    [
        ("t.x == 'a'", ("a",)),
        ('t.x != "a"', ("a",)),
        ("t.x in ['a', \"b\"]", ("a", "b")),
        ("t.x in ['a', t.y]", ()),  # not of texts alone
        ("t.x in ['a' + 'b']", ()),  # a sum is no literal
        ("t.x in []", ()),
        ("t.x == 1", ()),
        ("t.x == 'a' + 'b'", ()),
        ("t.x in t.y", ()),
    ],
)
def test_literals_are_the_texts_a_path_is_compared_with(source: str, literals: tuple[str, ...]) -> None:
    assert read(source).paths[0].literals == literals


@pytest.mark.parametrize(
    ("source", "calls", "depth"),
    [
        ("t.x == 1", (), 0),
        ("size(t.x) + int(t.y)", ("size", "int"), 0),
        ("t.x.exists(a, a > 1)", ("exists",), 1),
        ("t.x.exists(a, a > 1) && t.y.all(b, b)", ("exists", "all"), 1),  # side by side
        ("t.x.exists(a, t.y.all(b, b == a))", ("exists", "all"), 2),
        ("(1 in [1]) && (true)", (), 0),  # parentheses call nothing
        ("t.in_x(2)", ("in_x",), 0),
    ],
)
def test_calls_and_the_depth_of_macros_are_counted(source: str, calls: tuple[str, ...], depth: int) -> None:
    reading = read(source)
    assert (reading.calls, reading.depth) == (calls, depth)
