"""Conditions and orders in PostgreSQL's words."""

import json

from tmf_adapter.storage.filters import STAMPED, Dialect, Node
from tmf_adapter.tmf.condition import Key, Path, Sort, absent_rank
from tmf_adapter.tmf.regex import compiled
from tmf_adapter.tmf.time import INSTANT


class Postgresql(Dialect):
    """jsonb and its path language, whose lax mode looks through arrays as we do."""

    PARAMETER = "%({})s"

    def root(self) -> Node:
        return Node("CAST(body AS jsonb)", "'object'", "NULL")

    def reached(self, node: Node, path: Path) -> tuple[str, Node]:
        self._nodes += 1
        alias = f"e{self._nodes}"
        members = "".join(f".{json.dumps(name, ensure_ascii=False)}[*]" for name in path)
        source = (
            f"jsonb_path_query({node.json}, CAST({self._parameters.add('lax $' + members)} AS jsonpath)) AS {alias}(v)"
        )
        json_ = f"(CASE WHEN jsonb_typeof({alias}.v) = 'object' THEN {alias}.v END)"
        return source, Node(json_, f"jsonb_typeof({alias}.v)", f"{alias}.v")

    def among(self, ids: str) -> str:
        # As an array, whose size the planner takes to be small; it would rather join, on what it guesses of the table.
        return f"id = ANY(ARRAY({ids}))"

    def within(self, page: str, size: int) -> str:
        """The driver would read the whole of it before the first row is seen."""
        ahead = "sum(octet_length(body)) OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)"
        return (
            f"SELECT CASE WHEN coalesce(ahead, 0) < {size} THEN body END, total"
            f" FROM (SELECT body, total, {ahead} AS ahead FROM ({page}) AS page) AS measured"
        )

    def string(self, node: Node) -> str:
        return f"({node.value} #>> '{{}}') COLLATE \"C\""

    def number(self, node: Node) -> str:
        return f"CASE WHEN {node.type} = 'number' THEN CAST({node.value} AS double precision) END"

    def double(self, number: float) -> str:
        return f"CAST({self._parameters.add(number)} AS double precision)"

    def instant(self, text: str) -> str:
        form = self._parameters.add(f"^(?:{INSTANT})$")
        whole = f"regexp_replace({text}, '([.][0-9]{{6}})[0-9]+', '\\1')"
        return (
            f"CASE WHEN {text} ~ {form} THEN"
            f" CAST(extract(epoch FROM CAST({whole} AS timestamptz)) * 1000000 AS bigint) END"
        )

    def found(self, text: str, pattern: str) -> str:
        return f"{text} ~ {self._parameters.add(compiled(pattern).written())}"

    def fits(self, text: str, pattern: str) -> str:
        for character in "\\%_":
            pattern = pattern.replace(character, f"\\{character}")
        return f"{text} LIKE {self._parameters.add(pattern.replace('*', '%'))}"

    def holds(self, text: str) -> str:
        return f"strpos(body, {self._parameters.add(text)}) > 0"

    def is_type(self, node: Node, type_: str) -> str:
        if type_ in ("true", "false"):
            return f"{node.value} = '{type_}'"
        return f"{node.type} = '{type_}'"

    def collated(self, column: str) -> str:
        # Stamps sort alike in every collation, and in the database's own there is an index.
        return column if column == STAMPED else f'{column} COLLATE "C"'

    def sort_key(self, key: Sort) -> tuple[str, ...]:
        source, node = self.reached(self.root(), key.path)
        moment, text = self.instant(self.string(node)), self.string(node)
        is_string = self.is_type(node, "string")
        rank = (
            f"CASE {node.type} WHEN 'number' THEN 0 WHEN 'boolean' THEN 2"
            f" WHEN 'string' THEN CASE WHEN {moment} IS NULL THEN 2 ELSE 1 END ELSE {absent_rank(key)} END"
        )
        number = f"coalesce(CASE WHEN {is_string} THEN {moment} ELSE {self.number(node)} END, 0.0)"
        words = (
            f"CASE WHEN {node.type} = 'boolean' THEN {text}"
            f" WHEN {is_string} AND ({moment}) IS NULL THEN {text} ELSE '' END"
        )
        # One row, so that the body is read as JSON once; rows compare like lists.
        return (f"coalesce((SELECT {self._composed(rank, number, words)} FROM {source} LIMIT 1), {self._none(key)})",)

    def placed(self, key: Key) -> str:
        rank, number, text = key
        return self._composed(self._parameters.add(rank), self.double(number), self._parameters.add(text))

    def _none(self, key: Sort) -> str:
        return self._composed(str(absent_rank(key)), "0", "''")

    def _composed(self, rank: str, number: str, text: str) -> str:
        types = f'CAST({rank} AS integer), CAST({number} AS double precision), CAST({text} AS text) COLLATE "C"'
        return f"ROW({types})"
