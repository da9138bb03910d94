"""The columns of one table as the fields of its class."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.model import Column, ForeignKey, IndexedColumn, Table
from hotmig.schema.layout import Keyword, Source, Sql, Text, call, lay_out, quoted, subscript
from hotmig.schema.names import Names, field_names, reference_names
from hotmig.schema.scaffold_parts import Classes, Parts
from hotmig.schema.scaffold_types import canonical_type, is_plain, python_default, python_type, spelled_type
from hotmig.sqlite import fold

_INDENT = "    "


class Fields:
    """All fields of one class."""

    def __init__(self, table: Table, classes: Classes) -> None:
        self.table = table
        self.classes = classes
        self.parts = Parts(table, classes)
        self.references: dict[str, list[ForeignKey]] = {}
        for key in table.foreign_keys:
            if len(key.columns) == 1:
                self.references.setdefault(fold(key.columns[0]), []).append(key)
        self.rows = {column.name: row for column in table.columns if (row := self._row(column)) is not None}
        self.names = self._names()

    def source(self, column: Column) -> str:
        """The lines of one field."""
        markers = list(self._markers(column))
        annotation = self._annotation(column)
        default = self._default(column)
        if isinstance(default, Sql):
            markers.append(call("Default", Keyword("sql", default)))
        elif column.generated is not None:
            stored = [Keyword("stored", "True")] if column.stored else []
            markers.append(call("Generated", self.parts.expression(column.generated), *stored))
        value = "auto()" if isinstance(default, Sql) else default
        source = subscript("Annotated", annotation, *markers) if markers else annotation
        return lay_out(source, f"{self.names[column.name]}: ", f" = {value}" if value else "", _INDENT)

    def _row(self, column: Column) -> ForeignKey | None:
        """The reference whose parent's class can be the annotation: the column is made just as its key is."""
        keys = self.references.get(fold(column.name), [])
        if len(keys) != 1 or column.generated is not None or not self.parts.is_sound(keys[0]):
            return None
        parent = self.classes.table(keys[0].parent)
        primary = parent.primary_key.columns if parent and parent.primary_key else ()
        target = parent.column(primary[0].name or "") if parent and len(primary) == 1 else None
        if target is None or [fold(target.name)] != [fold(name) for name in keys[0].parent_columns]:
            return None
        # The key of a table must not be made of itself.
        if self._is_key(column) and not self.classes.is_defined(keys[0].parent):
            return None
        same = canonical_type(target.type) == canonical_type(column.type) and spelled_type(column.type) == column.type
        return keys[0] if same else None

    def _names(self) -> dict[str, str]:
        """Fields by column. A column whose name can stay as it is comes first."""
        names = Names("_", self.classes.names.values())
        candidates = {
            column.name: reference_names(column.name, self.classes.of(self.rows[column.name].parent))
            if column.name in self.rows
            else field_names(column.name)
            for column in self.table.columns
        }
        by_itself = [name for name, (best, *_) in candidates.items() if self._column_name(name, best) == name]
        ordered = dict.fromkeys([*by_itself, *candidates])
        return {name: names.take(*candidates[name]) for name in ordered}

    def _column_name(self, column: str, field: str) -> str:
        """The column's name that follows from the field's."""
        return f"{field}_id" if column in self.rows else field

    def _annotation(self, column: Column) -> Source:
        key = self.rows.get(column.name)
        if key is None:
            annotation = python_type(column.type, strict=self.table.strict)
            return annotation if annotation == "object" or not self._is_nullable(column) else f"{annotation} | None"
        name = self.classes.of(key.parent) + (" | None" if self._is_nullable(column) else "")
        return name if self.classes.is_defined(key.parent) else quoted(name)

    def _is_nullable(self, column: Column) -> bool:
        """Whether it says that it can be NULL. The rowid's alias never is, whatever it says."""
        return not column.not_null and not self._is_rowid(column)

    def _is_rowid(self, column: Column) -> bool:
        return self.table.rowid_alias is not None and fold(column.name) == fold(self.table.rowid_alias)

    def _is_key(self, column: Column) -> bool:
        return self._part(column) is not None

    def _part(self, column: Column) -> IndexedColumn | None:
        key = self.table.primary_key
        parts = key.columns if key else ()
        return next((part for part in parts if fold(part.name or "") == fold(column.name)), None)

    def _markers(self, column: Column) -> Iterator[Source]:
        if self._column_name(column.name, self.names[column.name]) != column.name:
            yield call("Column", Text(column.name))
        if column.name not in self.rows and not is_plain(column.type):
            yield call("ColumnType", Text(spelled_type(column.type)))
        yield from self._key(column)
        yield from self._uniques(column)
        yield from self._not_null(column)
        if fold(column.collation) != "binary":
            yield call("Collate", Text(column.collation))
        yield from self._references(column)
        for check in self.table.checks:
            if self.parts.check_column(check) == column.name:
                yield call("Check", *self.parts.check_arguments(check))

    def _key(self, column: Column) -> Iterator[Source]:
        key, part = self.table.primary_key, self._part(column)
        if key is None or part is None or not self.parts.keys_at_fields():
            return
        arguments: list[Source] = [Keyword("autoincrement", "True")] if key.autoincrement else []
        if part.descending:
            arguments.append(Keyword("descending", "True"))
        if fold(part.collation) != fold(column.collation):
            arguments.append(Keyword("collate", Text(part.collation)))
        if key.conflict is not None and part is key.columns[0]:
            arguments.append(Keyword("on_conflict", Text(key.conflict)))
        yield call("Key", *arguments) if arguments else "Key"

    def _uniques(self, column: Column) -> Iterator[Source]:
        for unique in self.table.uniques:
            if (name := self.parts.unique_column(unique)) is None or fold(name) != fold(column.name):
                continue
            arguments: list[Source] = []
            if fold(unique.columns[0].collation) != fold(column.collation):
                arguments.append(Keyword("collate", Text(unique.columns[0].collation)))
            if unique.conflict is not None:
                arguments.append(Keyword("on_conflict", Text(unique.conflict)))
            yield call("Unique", *arguments) if arguments else "Unique"

    def _not_null(self, column: Column) -> Iterator[Source]:
        if column.not_null_conflict is not None:
            yield call("NotNull", Keyword("on_conflict", Text(column.not_null_conflict)))
        elif column.not_null and (self._is_rowid(column) or self._annotation(column) == "object"):
            yield "NotNull"

    def _references(self, column: Column) -> Iterator[Source]:
        for key in self.references.get(fold(column.name), []):
            rules = self.parts.rules(key)
            if column.name in self.rows:
                yield from [call("References", *rules)] if rules else []
            else:
                yield call("References", self.parts.parent(key), *self.parts.parent_columns(key), *rules)

    def _default(self, column: Column) -> Sql | str | None:
        """What stands behind the ``=``: a literal, or the SQL for which ``auto()`` stands; None for nothing."""
        if column.default is not None:
            annotation = python_type(column.type, strict=self.table.strict)
            python = None
            if column.name not in self.rows:
                python = python_default(column.default, column.type, annotation)
            return python or Sql(column.default)
        if column.generated is not None or (self._is_rowid(column) and column.name not in self.rows):
            return "auto()"
        is_nullable = self._is_nullable(column)
        return "None" if is_nullable else None
