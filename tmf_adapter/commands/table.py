"""Answers as a person reads them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

WIDEST = 60
"""Characters of a cell; what is longer is cut, and whole with --json."""


def table(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """``columns``: the member that each shows, by its heading. A line a row, the columns aligned."""
    lines = [list(columns)] + [[cell(row.get(member)) for member in columns.values()] for row in rows]
    if len(lines) == 1:
        return "nothing"
    widths = [max(len(line[column]) for line in lines) for column in range(len(columns))]
    return "\n".join(_aligned(line, widths) for line in lines)


def _aligned(line: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()


def cell(value: Any) -> str:
    """On one line, without control characters: what a subscriber answered must not steer the terminal."""
    text = "" if value is None else _worded(value)
    text = "".join(character if character.isprintable() else " " for character in text)
    return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"


def card(document: Mapping[str, Any], indent: str = "") -> str:
    """A member a line, those inside indented below it."""
    width = max((len(name) for name in document), default=0)
    lines = []
    for name, value in document.items():
        if isinstance(value, Mapping) and value:
            lines += [f"{indent}{name}:", card(value, indent + "  ")]
        elif isinstance(value, list) and value and isinstance(value[0], Mapping):
            lines.append(f"{indent}{name}:")
            lines += ["\n".join([f"{indent}  -", card(each, indent + "    ")]) for each in value]
        else:
            shown = "".join(each if each.isprintable() else " " for each in _worded(value))
            lines.append(f"{indent}{name.ljust(width)}  {shown}".rstrip())
    return "\n".join(lines)


def _worded(value: Any) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case float() if value.is_integer():
            return str(int(value))
        case Mapping() | list():
            return "" if not value else str(value)
    return str(value)
