"""What a migration must produce, in plain Python: no SQL, and no code of hotmig.

Of SQLite this model knows storage classes, NOCASE, how numbers compare, and the conversions of column affinity for
the values that computed columns can have (integers, texts that are no numbers, and values as they were stored).
test_model.py holds each of these against SQLite itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from tests.model.schemas import (
    DEFAULTS,
    Carried,
    Change,
    Computed,
    Constant,
    Expression,
    FreshKey,
    Narrowed,
    NewTable,
    Reference,
    Seed,
)
from tests.scenarios.exact import Assigned, Cell, Contents, Real, Row, Text, cell, differences

OldRow = Mapping[str, Cell]
OldRows = Mapping[str, Sequence[OldRow]]


def affinity(declared: str) -> str:
    """The affinity of a declared type, by the five rules of SQLite's documentation, in their order."""
    name = declared.upper()
    for affinity_name, parts in (
        ("INTEGER", ["INT"]),
        ("TEXT", ["CHAR", "CLOB", "TEXT"]),
        ("BLOB", ["BLOB"]),
        ("REAL", ["REAL", "FLOA", "DOUB"]),
    ):
        if any(part in name for part in parts):
            return affinity_name
    return "NUMERIC" if name else "BLOB"


def stored(value: Cell, declared: str) -> Cell:
    """What a column of that type stores, for integers and for texts that are no numbers; the rest stays as it is."""
    kind = affinity(declared)
    if isinstance(value, int) and kind == "TEXT":
        return Text(str(value).encode())
    if isinstance(value, int) and kind == "REAL":
        return cell(float(value))
    return value


def comparable(value: Cell, collation: str) -> tuple[str, Any]:
    """Equal for what SQLite's ``=`` takes for equal, in columns of one affinity."""
    if isinstance(value, Text):
        return "text", _fold(value.raw) if collation == "NOCASE" else value.raw
    if isinstance(value, Real):
        number = float.fromhex(value.hex)
        return "number", Fraction(number) if abs(number) != float("inf") else number
    return ("number", Fraction(value)) if isinstance(value, int) else ("other", value)


def _fold(raw: bytes) -> tuple[bytes, int]:
    """As NOCASE: the 26 letters of ASCII only; behind a NUL only the length counts."""
    return raw.partition(b"\0")[0].lower(), len(raw)


def evaluate(expression: Expression, row: OldRow) -> Cell:
    """The value of a From for one old row."""
    values = [row[column] for column in expression.columns]
    if expression.kind == "joined":
        first, second = values
        if isinstance(first, Text) and isinstance(second, Text):
            return Text(first.raw + b" " + second.raw)
        return None
    if expression.kind == "arithmetic":
        small = isinstance(values[0], int) and -1000 <= values[0] <= 1000
        return values[0] * 3 - 1 if small and isinstance(values[0], int) else 0
    if expression.kind == "typeof":
        return Text(_type_name(values[0]).encode())
    if expression.kind == "or none":
        return Text(b"none") if values[0] is None else values[0]
    return Text(b"constant")


def _type_name(value: Cell) -> str:
    if value is None:
        return "null"
    names = {int: "integer", Real: "real", Text: "text", bytes: "blob"}
    return names[type(value)]


def expected(change: Change, old_rows: OldRows) -> Contents:
    """The new contents; keys that hotmig chooses are ``Assigned(new table, old key)``."""
    return {new.table.name: _table(change, new, old_rows) for new in change.new}


def _table(change: Change, new: NewTable, old_rows: OldRows) -> Counter[Row]:
    rows: list[Row] = []
    met: set[Seed] = set()
    for row in old_rows[new.old] if new.old is not None else ():
        values = {
            column.name: _value(change, new, number, row, old_rows) for number, column in enumerate(new.table.columns)
        }
        for seed in _seeds_at(new, values):
            met.add(seed)
            values |= {} if seed.if_absent else _given(new, seed)
        rows.append((*values.values(), row["rowid"]) if new.table.kind == "rowid" else tuple(values.values()))
    defaults = {column.name: stored(DEFAULTS[column.default], column.type) for column in new.table.columns}
    rows += [tuple((defaults | _given(new, seed)).values()) for seed in new.seeds if seed not in met]
    return Counter(rows)


def _seeds_at(new: NewTable, values: OldRow) -> list[Seed]:
    """The seeds with the key of that row; they are given for integer keys only, which have no collation."""
    return [seed for seed in new.seeds if all(dict(seed.values)[name] == values[name] for name in new.table.key)]


def _given(new: NewTable, seed: Seed) -> dict[str, Cell]:
    return {name: stored(value, new.table.column(name).type) for name, value in seed.values}


def _value(change: Change, new: NewTable, number: int, row: OldRow, old_rows: OldRows) -> Cell:
    """The value of one new column for one old row."""
    column, source = new.table.columns[number], new.sources[number]
    assert new.old is not None
    old = change.old_table(new.old)
    if isinstance(source, Carried):
        return stored(row[source.old], column.type)
    if isinstance(source, Computed):
        return stored(evaluate(source.expression, row), column.type)
    if isinstance(source, Constant):
        return source.stored
    if isinstance(source, FreshKey):
        return Assigned(new.table.name, tuple(row[name] for name in old.key))
    first = source.old[0] if isinstance(source, Narrowed) else source.old
    reference, new_reference = old.reference(first), new.table.reference(column.name)
    assert reference is not None
    assert new_reference is not None
    return _parents_value(change, reference, new_reference.parent_column(column.name), row, old_rows)


def _parents_value(change: Change, reference: Reference, wanted: str, row: OldRow, old_rows: OldRows) -> Cell:
    """What the row that the old reference finds has in the column ``wanted`` of its new table.

    Orphans become NULL, as the module declares. Foreign keys do not prevent them: a REPLACE may evict the very row
    that its new one refers to.
    """
    parent, successor = change.old_table(reference.parent), change.successor(reference.parent)
    assert successor is not None
    number = [column.name for column in successor.table.columns].index(wanted)
    for candidate in old_rows[parent.name]:
        pairs = zip(reference.columns, reference.parent_columns, strict=True)
        if all(_refers(row[ours], candidate[theirs], parent.column(theirs).collation) for ours, theirs in pairs):
            return _value(change, successor, number, candidate, old_rows)
    return None


def _refers(child: Cell, parent: Cell, collation: str) -> bool:
    return child is not None and comparable(child, collation) == comparable(parent, collation)


def compare(change: Change, wanted: Contents, actual: Contents) -> list[str]:
    """What differs, up to the choice of keys: one line for each table, empty when everything is as expected.

    A chosen key must be an integer that no other row of its table has. Where the new row still shows its old key,
    the choice is read off it, and every reference must agree; a row without a key of its own (a bare rowid) shows
    nothing, has no children, and is compared without its new key.
    """
    keys: dict[Assigned, Cell] = {}
    problems: list[str] = []
    hidden: dict[str, int] = {}
    for new in change.new:
        if new.fresh_key is None:
            continue
        names = [column.name for column in new.table.columns]
        at = names.index(new.fresh_key)
        given = [row[at] for row in actual[new.table.name].elements()]
        if len(set(given)) < len(given) or not all(isinstance(key, int) for key in given):
            problems.append(f"{new.table.name}: chosen keys are not distinct integers: {given}")
        shown = _columns_of_old_key(change, new)
        if shown is None:
            hidden[new.table.name] = at
        else:
            for row in actual[new.table.name]:
                keys[Assigned(new.table.name, tuple(row[names.index(name)] for name in shown))] = row[at]
    resolved = {table: _without(_replaced(rows, keys), hidden.get(table)) for table, rows in wanted.items()}
    return problems + differences(resolved, {t: _without(rows, hidden.get(t)) for t, rows in actual.items()})


def _columns_of_old_key(change: Change, new: NewTable) -> list[str] | None:
    """The new columns that carry the old key, in its order."""
    assert new.old is not None
    carried = {
        source.old: column.name
        for column, source in zip(new.table.columns, new.sources, strict=True)
        if isinstance(source, Carried)
    }
    key = change.old_table(new.old).key
    return [carried[name] for name in key] if all(name in carried for name in key) else None


def _replaced(rows: Counter[Row], keys: Mapping[Assigned, Cell]) -> Counter[Row]:
    result: Counter[Row] = Counter()
    for row, count in rows.items():
        result[tuple(keys.get(value, value) if isinstance(value, Assigned) else value for value in row)] += count
    return result


def _without(rows: Counter[Row], at: int | None) -> Counter[Row]:
    if at is None:
        return rows
    result: Counter[Row] = Counter()
    for row, count in rows.items():
        result[row[:at] + row[at + 1 :]] += count
    return result


def read_of(change: Change) -> dict[str, tuple[str, ...]]:
    """The columns of the new tables as ``expected`` orders them."""
    return {new.table.name: new.table.read for new in change.new}
