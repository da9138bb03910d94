"""The law behind ``inspect``: whatever a table of SQLite is, a module can say it."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings

from hotmig.catalog.fingerprint import canonical
from hotmig.catalog.model import Catalog, Column, IndexedColumn, Table
from hotmig.schema.load import load
from hotmig.sqlite import quote
from tests.catalog.strategies import tables

from .conftest import IMPORTS


def module_of(table: Table) -> str:
    """A schema module that says all of it by markers."""
    options = [
        f"checks=[{', '.join(f'Check({check.expression!r}, name={check.name!r})' for check in table.checks)}]",
        f"strict={table.strict}",
        f"without_rowid={table.without_rowid}",
    ]
    if (key := table.primary_key) is not None:
        options.append(
            f"key=Key({terms(table, key.columns)}, autoincrement={key.autoincrement}, on_conflict={key.conflict!r})"
        )
    uniques = [f"Unique({terms(table, each.columns)}, on_conflict={each.conflict!r})" for each in table.uniques]
    indexes = [
        f"Index({terms(table, each.columns)}, unique={each.unique}, where={each.where!r}, name={each.name!r})"
        for each in table.indexes
    ]
    keys = [
        f"ForeignKey({each.columns!r}, {each.parent!r}, {each.parent_columns!r}, on_delete={each.on_delete!r},"
        f" on_update={each.on_update!r}, deferred={each.deferred}, unchecked=True)"
        for each in table.foreign_keys
    ]
    options += [
        f"unique=[{', '.join(uniques)}]",
        f"indexes=[{', '.join(indexes)}]",
        f"foreign_keys=[{', '.join(keys)}]",
    ]
    fields = [f"    f{at}: {annotation(column)}" for at, column in enumerate(table.columns)]
    return IMPORTS + f"@table({table.name!r}, {', '.join(options)})\nclass T:\n" + "\n".join(fields) + "\n"


def annotation(column: Column) -> str:
    markers = [f"Column({column.name!r})", f"ColumnType({column.type!r})", f"Collate({column.collation!r})"]
    if column.not_null:
        markers.append(f"NotNull(on_conflict={column.not_null_conflict!r})")
    if column.default is not None:
        markers.append(f"Default(sql={column.default!r})")
    if column.generated is not None:
        markers.append(f"Generated({column.generated!r}, stored={column.stored})")
    return f"Annotated[object, {', '.join(markers)}]" + (" = auto()" if column.generated is not None else "")


def terms(table: Table, columns: tuple[IndexedColumn, ...]) -> str:
    return ", ".join(repr(term(table, each)) for each in columns)


def term(table: Table, indexed: IndexedColumn) -> str:
    own = table.column(indexed.name) if indexed.name is not None else None
    text = quote(indexed.name) if indexed.name is not None else f"({indexed.expression})"
    if indexed.collation != (own.collation if own else "BINARY"):
        text += f" COLLATE {indexed.collation}"
    return text + (" DESC" if indexed.descending else "")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(table=tables())
def test_a_module_can_say_any_table(table: Table, tmp_path: Path) -> None:
    file = tmp_path / "schema.py"
    file.write_text(module_of(table), newline="")
    assert canonical(load(file).catalog) == canonical(Catalog((table,)))
