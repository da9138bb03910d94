"""The schema module of the new tables, and what the application writes before and after."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from hotmig.bench.shapes import Field, Table, Tables
from hotmig.sqlite import quote

DATABASE = "bench"
OLD_FILE = f"{DATABASE}-0123456789abcdef.sqlite"
TYPES = {"INTEGER": "int", "REAL": "float", "TEXT": "str", "BLOB": "bytes"}
WRITTEN = 3  # tables that the application writes to: the last ones, which nothing else refers to
HEADER = '''"""The new schema of the benchmark."""

from __future__ import annotations

from typing import Annotated

from hotmig.schema import Check, Default, Index, Key, References, Unique, Was, auto, table, view

database = "{database}"
'''


def schema_module(tables: Tables, *, with_view: bool = False) -> str:
    """The text of a schema.py that asks for these tables."""
    parts = [HEADER.format(database=DATABASE), *map(_table, tables)]
    if with_view:
        last = tables[-1]
        sql = f"SELECT count(*) AS rows FROM {quote(last.name)}"
        parts.append(f'@view("how_many", sql={sql!r})\nclass HowMany:\n    rows: int\n')
    return "\n\n".join(parts)


def writes(old: Tables, new: Tables, counts: Mapping[str, int]) -> str:
    """The application's writes, as ``hotmig.application.statements`` reads them."""
    return json.dumps({"old": dict(_writes(old, old, counts)), "new": dict(_writes(new, old, counts))})


def _writes(tables: Tables, old: Tables, counts: Mapping[str, int]) -> Iterator[tuple[str, tuple[str, int]]]:
    last = list(zip(tables, old, strict=True))[-WRITTEN:]
    for table, before in last:
        if before.key.type == "INTEGER":
            loose, key = quote(table.loose), quote(table.key.name)
            sql = f"UPDATE {quote(table.name)} SET {loose} = {loose} + 1 WHERE {key} = ?"
            yield f"update {before.name}", (sql, counts[before.name])
    table, before = last[-1]
    name, key = quote(table.name), quote(table.key.name)
    columns = ", ".join(quote(each.name) for each in table.fields if not each.key)
    again = f"INSERT INTO {name}({columns}) SELECT {columns} FROM {name} WHERE {key} = ?"
    yield f"insert {before.name}", (again, counts[before.name])
    yield f"delete {before.name}", (f"DELETE FROM {name} WHERE {key} = ?", counts[before.name])


def _class(name: str) -> str:
    return name.capitalize()


def _table(table: Table) -> str:
    options = [repr(table.name)]
    if table.indexed:
        indexes = (f"Index({column!r}, name={table.index_name(column)!r})" for column in table.indexed)
        options.append(f"indexes=[{', '.join(indexes)}]")
    body = "\n".join(f"    {each.name}: {_annotation(each)}" for each in table.fields)
    return f"@table({', '.join(options)})\nclass {_class(table.name)}:\n{body}\n"


def _annotation(field: Field) -> str:
    python = TYPES[field.type] + (" | None" if field.null else "")
    marks: list[str] = []
    if field.key:
        marks.append("Key")
    if field.unique:
        marks.append("Unique")
    if field.check is not None:
        marks.append(f"Check({field.check!r})")
    if field.references is not None:
        marks.append(f"References({_class(field.references)!r})")
    if field.default is not None:
        marks.append(f"Default(sql={field.default!r})")
    if field.was is not None:
        marks.append(f"Was({field.was!r})")
    annotation = f"Annotated[{', '.join((python, *marks))}]" if marks else python
    return f"{annotation} = auto()" if (field.key and field.type == "INTEGER") or field.default else annotation
