"""A change as the text of a schema module."""

from __future__ import annotations

from tests.model.schemas import (
    Carried,
    Change,
    Column,
    Computed,
    Follows,
    FreshKey,
    Narrowed,
    NewTable,
    Reference,
    Seed,
    Source,
)
from tests.scenarios.exact import Cell, Real, Text, plain, quote

HEADER = """from typing import Annotated

from hotmig.schema import (
    Check,
    Collate,
    Column,
    ColumnType,
    Default,
    ForeignKey,
    From,
    Index,
    Key,
    NotNull,
    References,
    Unique,
    Was,
    auto,
    dropped,
    seed,
    table,
)

database = "app"
"""


def render_module(change: Change) -> str:
    """The schema module that declares the new schema, and what a reader must know to carry the rows over."""
    parts = [HEADER]
    classes = {new.table.name: f"Table{number}" for number, new in enumerate(change.new)}
    parts += [_class(new, classes) for new in change.new]
    parts += [_seeds(new, classes) for new in change.new if new.seeds]
    parts += [
        f"dropped({table!r}, {column!r})" if column else f"dropped({table!r})" for table, column in change.dropped
    ]
    return "\n\n".join(parts) + "\n"


def _class(new: NewTable, classes: dict[str, str]) -> str:
    lines = [f"@table({', '.join(_options(new, classes))})", f"class {classes[new.table.name]}:"]
    lines += [_field(new, number, classes) for number in range(len(new.table.columns))]
    return "\n".join(lines)


def _options(new: NewTable, classes: dict[str, str]) -> list[str]:
    table = new.table
    options = [repr(table.name)]
    if new.old is not None and new.old != table.name:
        options.append(f"was={new.old!r}")
    if table.kind == "primary":
        options.append(f"key={table.key!r}")
    uniques = [*([table.key] if table.kind == "unique" else []), *table.uniques]
    if uniques:
        options.append(f"unique={uniques!r}")
    if new.indexed:
        # Quoted: an index takes expressions too, and not every name here is one. Named: "?" and "🐢" both make "_".
        indexes = (f"Index({quote(name)!r}, name={f'by {name} of {table.name}'!r})" for name in new.indexed)
        options.append(f"indexes=[{', '.join(indexes)}]")
    composite = [_foreign_key(reference, classes) for reference in table.references if len(reference.columns) > 1]
    options += [f"foreign_keys=[{', '.join(composite)}]"] if composite else []
    options += [f"checks=[{', '.join(f'Check({check.sql!r})' for check in table.checks)}]"] if table.checks else []
    if table.without_rowid:
        options.append("without_rowid=True")
    return options


def _field(new: NewTable, number: int, classes: dict[str, str]) -> str:
    """The field is the column itself, so that every name and every declared type can be said."""
    column, source = new.table.columns[number], new.sources[number]
    markers = [f"Column({column.name!r})", f"ColumnType({column.type!r})"]
    if new.table.kind == "integer" and new.table.key == (column.name,):
        markers.append("Key(autoincrement=True)" if new.table.autoincrement else "Key")
    elif column.not_null:
        markers.append("NotNull")
    if column.collation != "BINARY":
        markers.append(f"Collate({column.collation!r})")
    if column.default is not None:
        markers.append(f"Default(sql={column.default!r})")
    if isinstance(source, Carried | Follows) and source.old != column.name:
        markers.append(f"Was({source.old!r})")
    if isinstance(source, Narrowed):
        markers.append(f"Was({', '.join(map(repr, source.old))})")
    if isinstance(source, Computed):
        markers.append(f"From({source.expression.sql!r})")
    reference = new.table.reference(column.name)
    if reference and len(reference.columns) == 1:
        markers.append(_references(reference, classes, source))
    tail = " = auto()" if _left_to_sqlite(new, column, source) else ""
    return f"    field{number}: Annotated[object, {', '.join(markers)}]{tail}"


def _left_to_sqlite(new: NewTable, column: Column, source: object) -> bool:
    """Whether a seed row can be made without that column."""
    may_be_null = bool(new.seeds) and not column.not_null and column.name not in new.table.key
    return column.default is not None or isinstance(source, FreshKey) or may_be_null


def _references(reference: Reference, classes: dict[str, str], source: Source) -> str:
    # No new key is known for an orphan; where keys are kept, orphans are carried over.
    orphans = f", orphans={source.orphans!r}" if isinstance(source, Follows) else ""
    return f"References({classes[reference.parent]!r}, {reference.parent_columns[0]!r}, {_actions(reference)}{orphans})"


def _foreign_key(reference: Reference, classes: dict[str, str]) -> str:
    columns, parent = reference.columns, classes[reference.parent]
    return f"ForeignKey({columns!r}, {parent!r}, {reference.parent_columns!r}, {_actions(reference)})"


def _actions(reference: Reference) -> str:
    return f"on_delete={reference.on_delete!r}, on_update={reference.on_update!r}, deferred=True"


def _seeds(new: NewTable, classes: dict[str, str]) -> str:
    name = classes[new.table.name]
    won, yielding = (
        [_seed(new, seed, name) for seed in new.seeds if seed.if_absent is absent] for absent in (False, True)
    )
    lines = [f"{name.lower()}_rows = [{', '.join(won)}]"] if won else []
    lines += [f"seed([{', '.join(yielding)}], if_absent=True)"] if yielding else []
    return "\n".join(lines)


def _seed(new: NewTable, seed: Seed, class_name: str) -> str:
    fields = [column.name for column in new.table.columns]
    values = ", ".join(f"field{fields.index(name)}={_value(value)}" for name, value in seed.values)
    return f"{class_name}({values})"


def _value(value: Cell) -> str:
    """A literal of Python; the generator seeds integers, texts in UTF-8, BLOBs, finite reals and NULL."""
    return repr(plain(value) if isinstance(value, Text | Real) else value)
