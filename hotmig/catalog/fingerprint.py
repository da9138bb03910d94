"""When two databases have the same schema: a canonical text of a Catalog, and what differs between two."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hotmig.catalog.ddl_terms import unwrapped
from hotmig.catalog.lexer import has_comments, identifiers, normalise, tokens
from hotmig.catalog.misquoted import corrected, row_names
from hotmig.catalog.model import (
    Catalog,
    Check,
    Column,
    ForeignKey,
    Index,
    IndexedColumn,
    PrimaryKey,
    Table,
    Trigger,
    UniqueConstraint,
    View,
    VirtualTable,
)
from hotmig.errors import HotmigError
from hotmig.sqlite import fold

HASH_DIGITS = 16

_Described = dict[str, Any]


def canonical(catalog: Catalog) -> str:
    """One text for all spellings of one schema, as JSON.

    The order of columns counts; the order of everything else, the case of keywords, layout and comments don't.
    Raises HotmigError when an expression can't be read.
    """
    objects = {kind: describe(catalog) for kind, describe in _KINDS.items()}
    return _json({kind: _by_name(described) for kind, described in objects.items()})


def digest(*parts: str) -> str:
    """The first 16 hex digits of the SHA-256 of all parts; other parts give another text, however they are cut."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:HASH_DIGITS]


def equal(a: Catalog, b: Catalog) -> bool:
    """Whether both are the same schema."""
    return canonical(a) == canonical(b)


def differences(a: Catalog, b: Catalog) -> tuple[str, ...]:
    """What is different in ``b``, one line each, for people. Empty if and only if they are equal."""
    lines: list[str] = []
    for kind, describe in _KINDS.items():
        before, after = describe(a), describe(b)
        lines.extend(_gone_and_new(kind, before, after))
        for name in _in_both(before, after):
            if kind == "table":
                lines.extend(f"table {name}: {change}" for change in _table_changes(before[name], after[name]))
            elif before[name] != after[name]:
                lines.append(f"{kind} {name} changed")
    return tuple(lines)


def _gone_and_new(kind: str, before: _Described, after: _Described) -> Iterator[str]:
    yield from (f"{kind} {name} dropped" for name in before if name not in after)
    yield from (f"{kind} {name} appeared" for name in after if name not in before)


def _in_both(before: _Described, after: _Described) -> list[str]:
    return [name for name in before if name in after]


def _table_changes(before: _Described, after: _Described) -> Iterator[str]:
    yield from _column_changes(_named(before["columns"]), _named(after["columns"]))
    if before["primary_key"] != after["primary_key"]:
        yield "primary key changed"
    for part, title in (("uniques", "unique constraint"), ("checks", "check"), ("foreign_keys", "foreign key")):
        yield from _list_changes(title, before[part], after[part])
    old_indexes, new_indexes = _named(before["indexes"]), _named(after["indexes"])
    yield from _gone_and_new("index", old_indexes, new_indexes)
    for name in _in_both(old_indexes, new_indexes):
        if old_indexes[name] != new_indexes[name]:
            yield f"index {name} changed"
    for option in ("strict", "without_rowid"):
        if before[option] != after[option]:
            title = option.replace("_", " ").upper()
            yield f"{title} appeared" if after[option] else f"{title} dropped"


def _column_changes(before: _Described, after: _Described) -> Iterator[str]:
    yield from _gone_and_new("column", before, after)
    kept = _in_both(before, after)
    if kept != _in_both(after, before):
        yield "the order of columns changed"
    elif [*before] == kept and [*after][: len(kept)] != kept:
        yield "columns appeared between others"
    for name in kept:
        for part, old in before[name].items():
            if after[name][part] != old:
                if isinstance(old, bool) and part == "not_null":
                    yield f"column {name} {'may be NULL now' if old else 'is NOT NULL now'}"
                    continue
                title = part.replace("_", " ")
                yield f"{title} of column {name} was {_shown(old)}, is {_shown(after[name][part])}"


def _list_changes(title: str, before: list[_Described], after: list[_Described]) -> Iterator[str]:
    """Constraints have no names of their own: one that changed is one that is gone and one that is new."""
    old, new = Counter(map(_json, before)), Counter(map(_json, after))
    yield from (f"{title} {_summary(json.loads(text))} dropped" for text in sorted((old - new).elements()))
    yield from (f"{title} {_summary(json.loads(text))} appeared" for text in sorted((new - old).elements()))


def _summary(described: _Described) -> str:
    if "parent" in described:
        return f"({', '.join(described['columns'])}) to {described['parent']}"
    if "columns" in described:
        return f"({', '.join(term['name'] for term in described['columns'])})"
    name = f"{described['name']} " if described["name"] else ""
    return f"{name}({described['expression']})"


def _shown(value: object) -> str:
    words = {None: "none", "": "none", True: "true", False: "false"}
    return words[value] if value is None or value == "" or isinstance(value, bool) else str(value)


def _named(described: list[_Described]) -> dict[str, _Described]:
    return {each["name"]: each for each in described}


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _by_name(described: dict[str, _Described]) -> list[_Described]:
    return [{"name": name, **described[name]} for name in sorted(described)]


def _sorted(described: Iterable[object]) -> list[object]:
    return sorted(described, key=_json)


def _table(table: Table) -> _Described:
    names, with_rowid = row_names(table, rowid=False), row_names(table, rowid=True)
    return {
        "columns": [{"name": column.name, **_column(column, names)} for column in table.columns],
        "primary_key": _primary_key(table),
        "uniques": _sorted(_unique(unique) for unique in table.uniques),
        "checks": _sorted(_check(check, with_rowid) for check in table.checks),
        "foreign_keys": _sorted(_foreign_key(key) for key in table.foreign_keys),
        "indexes": _by_name({index.name: _index(index, names, with_rowid) for index in table.indexes}),
        "strict": table.strict,
        "without_rowid": table.without_rowid,
    }


def _column(column: Column, names: Iterable[str]) -> _Described:
    return {
        "type": _type(column.type),
        "not_null": column.not_null,
        "not_null_conflict": column.not_null_conflict,
        "default": _optional(column.default, ()),
        "collation": fold(column.collation),
        "generated": _optional(column.generated, names),
        "stored": column.stored,
    }


def _primary_key(table: Table) -> _Described | None:
    key: PrimaryKey | None = table.primary_key
    if key is None:
        return None
    return {
        "columns": [_term(column, ()) for column in key.columns],
        "conflict": key.conflict,
        "autoincrement": key.autoincrement,
    }


def _unique(unique: UniqueConstraint) -> _Described:
    return {"columns": [_term(column, ()) for column in unique.columns], "conflict": unique.conflict}


def _term(column: IndexedColumn, names: Iterable[str]) -> _Described:
    return {
        "name": column.name,
        "expression": _optional(column.expression, names),
        "collation": fold(column.collation),
        "descending": column.descending,
    }


def _check(check: Check, names: Iterable[str]) -> _Described:
    return {"expression": _expression(check.expression, names), "name": check.name}


def _foreign_key(key: ForeignKey) -> _Described:
    return {
        "columns": key.columns,
        "parent": key.parent,
        "parent_columns": key.parent_columns,
        "on_delete": key.on_delete,
        "on_update": key.on_update,
        "deferred": key.deferred,
    }


def _index(index: Index, names: Iterable[str], with_rowid: Iterable[str]) -> _Described:
    return {
        "columns": [_term(column, names) for column in index.columns],
        "unique": index.unique,
        "where": _optional(index.where, with_rowid),
    }


def _view(view: View) -> _Described:
    return {"sql": _statement(view.sql, "AS", 0)}


def _trigger(trigger: Trigger) -> _Described:
    return {"table": trigger.table, "sql": _statement(trigger.sql, "ON", 2)}


def _virtual_table(table: VirtualTable) -> _Described:
    """The arguments of a module are its own language: only layout between its tokens is left out."""
    stream = tokens(table.sql)
    using = next(at for at, token in enumerate(stream) if token.keyword == "USING")
    return {"module": fold(table.module), "arguments": [token.text for token in stream[using + 2 :]]}


def _statement(sql: str, keyword: str, more: int) -> str:
    """A CREATE statement. Up to the first ``keyword`` and ``more`` tokens from there on, all quoted words are names."""
    stream = tokens(sql)
    count = next((at for at, token in enumerate(stream) if token.keyword == keyword), 0) + more
    rest = sql[stream[count].start :] if count < len(stream) else ""
    return f"{identifiers(sql, count)} {normalise(rest)}"


def _type(declared: str) -> str:
    """Declared types are words without regard to case; a quoted one can be any text, and then stays as it is."""
    try:
        return declared if has_comments(declared) else fold(normalise(declared)).upper()
    except HotmigError:
        return declared


def _expression(sql: str, names: Iterable[str]) -> str:
    """``names`` are all that can be named in it, () where that is not known."""
    return normalise(corrected(unwrapped(sql), names) if names else unwrapped(sql), names)


def _optional(sql: str | None, names: Iterable[str]) -> str | None:
    return None if sql is None else _expression(sql, names)


_KINDS: dict[str, Callable[[Catalog], dict[str, _Described]]] = {
    "table": lambda catalog: {table.name: _table(table) for table in catalog.tables},
    "view": lambda catalog: {view.name: _view(view) for view in catalog.views},
    "trigger": lambda catalog: {trigger.name: _trigger(trigger) for trigger in catalog.triggers},
    "virtual table": lambda catalog: {table.name: _virtual_table(table) for table in catalog.virtual_tables},
}
