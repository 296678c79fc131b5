"""Conditions and orders in SQLite's words, and the functions that it does not have of its own."""

import json
import sqlite3

from tmf_adapter.storage.filters import Dialect, Node
from tmf_adapter.tmf.condition import Key, Path, Sort, absent_rank
from tmf_adapter.tmf.regex import compiled
from tmf_adapter.tmf.time import instant


def register(connection: sqlite3.Connection) -> None:
    """Give SQLite the functions that it does not have and PostgreSQL has."""
    connection.create_function("tmf_instant", 1, _instant, deterministic=True)
    connection.create_function("tmf_found", 2, _found, deterministic=True)


def _instant(value: object) -> int | None:
    return instant(value) if isinstance(value, str) else None


def _found(pattern: str, value: object) -> bool:
    return isinstance(value, str) and compiled(pattern).search(value)


class Sqlite(Dialect):
    """json_each and json_extract; each condition on a member makes the members' path once."""

    PARAMETER = ":{}"

    def root(self) -> Node:
        return Node("body", "'object'", "NULL")

    def reached(self, node: Node, path: Path) -> tuple[str, Node]:
        sources = []
        for name in path:
            self._nodes += 1
            alias = f"e{self._nodes}"
            member = self._parameters.add(f'$."{name}"')
            one = f"{node.json} -> {member}"
            array = f"CASE json_type({node.json}, {member}) WHEN 'array' THEN {one} ELSE '[' || ({one}) || ']' END"
            sources.append(f"json_each({array}) AS {alias}")
            json_ = f"CASE {alias}.type WHEN 'object' THEN {alias}.value END"
            node = Node(f"({json_})", f"{alias}.type", f"{alias}.value")
        return ", ".join(sources), node

    def string(self, node: Node) -> str:
        return node.value

    def number(self, node: Node) -> str:
        return f"CASE WHEN {node.type} IN ('integer', 'real') THEN CAST({node.value} AS REAL) END"

    def double(self, number: float) -> str:
        # Bound as text: read by the same code as the body's numbers, it is the same double to the last bit.
        return f"CAST({self._parameters.add(json.dumps(number))} AS REAL)"

    def instant(self, text: str) -> str:
        return f"tmf_instant({text})"

    def found(self, text: str, pattern: str) -> str:
        return f"tmf_found({self._parameters.add(pattern)}, {text})"

    def fits(self, text: str, pattern: str) -> str:
        globbed = pattern.replace("[", "[[]").replace("?", "[?]")
        return f"{text} GLOB {self._parameters.add(globbed)}"

    def holds(self, text: str) -> str:
        return f"instr(body, {self._parameters.add(text)}) > 0"

    def is_type(self, node: Node, type_: str) -> str:
        return f"{node.type} = '{'text' if type_ == 'string' else type_}'"

    def sort_key(self, key: Sort) -> tuple[str, ...]:
        source, node = self.reached(self.root(), key.path)
        moment = self.instant(node.value)
        rank = (
            f"CASE {node.type} WHEN 'integer' THEN 0 WHEN 'real' THEN 0 WHEN 'true' THEN 2 WHEN 'false' THEN 2"
            f" WHEN 'text' THEN CASE WHEN {moment} IS NULL THEN 2 ELSE 1 END ELSE {absent_rank(key)} END"
        )
        number = (
            f"CASE {node.type} WHEN 'text' THEN coalesce({moment}, 0.0) ELSE coalesce({self.number(node)}, 0.0) END"
        )
        text = (
            f"CASE {node.type} WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'"
            f" WHEN 'text' THEN CASE WHEN {moment} IS NULL THEN {node.value} ELSE '' END ELSE '' END"
        )
        parts = ((rank, str(absent_rank(key))), (number, "0.0"), (text, "''"))
        return tuple(f"coalesce((SELECT {part} FROM {source} LIMIT 1), {absent})" for part, absent in parts)

    def placed(self, key: Key) -> str:
        rank, number, text = key
        return f"({self._parameters.add(rank)}, {self.double(number)}, {self._parameters.add(text)})"
