"""What stands in ``Annotated[…]`` beside a column's type, and in the lists of ``@table``.

Wherever columns are listed (``Key``, ``Unique``, ``Index`` and the arguments of ``@table``), each entry is the name
of a column, alone or followed by ``COLLATE x`` and ``ASC`` or ``DESC``. An index also takes any SQL expression.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from hotmig.schema.json_mapping import JsonMapping
from hotmig.schema.places import Spot, caller

Conflict = Literal["ROLLBACK", "ABORT", "FAIL", "IGNORE", "REPLACE"]
Action = Literal["NO ACTION", "RESTRICT", "SET NULL", "SET DEFAULT", "CASCADE"]
Parent = type[Any] | str


class Marker:
    """``spot`` is where it was written, unless the annotation was a string; then the field's line is known."""

    spot: Spot

    def __init__(self, *texts: object) -> None:
        self.spot = caller()
        for text in texts:
            if not isinstance(text, str | None):
                raise TypeError(f"{type(self).__name__} takes text, not {text!r}")


class Column(Marker):
    """The column's name where it can't be the field's; one name for each column of a composite reference."""

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.names = names


class ColumnType(Marker):
    """The declared type, as it is written in SQL; "" for none. It takes the place of what the annotation gives.

    A type that is a keyword stands in double quotes, as in SQL: ``ColumnType('"check"')``.
    """

    def __init__(self, type: str, /) -> None:
        super().__init__(type)
        self.type = type

    @property
    def name(self) -> str:
        """The type without such quotes."""
        inner = self.type[1:-1]
        is_quoted = self.type == f'"{inner}"' and '"' not in inner.replace('""', "")
        return inner.replace('""', '"') if is_quoted else self.type


class NotNull(Marker):
    """NOT NULL where the annotation can't say it: ``object``, an ON CONFLICT clause."""

    def __init__(self, *, on_conflict: Conflict | None = None) -> None:
        super().__init__()
        self.on_conflict = on_conflict


class Key(Marker):
    """The primary key, or on several fields a part of it. ``columns`` are given in ``@table(key=Key(…))`` only."""

    def __init__(
        self,
        *columns: str,
        autoincrement: bool = False,
        descending: bool = False,
        collate: str | None = None,
        on_conflict: Conflict | None = None,
    ) -> None:
        super().__init__(*columns, collate)
        self.columns = columns
        self.autoincrement = autoincrement
        self.descending = descending
        self.collate = collate
        self.on_conflict = on_conflict


class Unique(Marker):
    """A UNIQUE constraint. ``columns`` are given in ``@table(unique=[…])`` only."""

    def __init__(self, *columns: str, collate: str | None = None, on_conflict: Conflict | None = None) -> None:
        super().__init__(*columns, collate)
        self.columns = columns
        self.collate = collate
        self.on_conflict = on_conflict


class Index(Marker):
    """A CREATE INDEX. On a field without ``columns``: over that field. The name is ``ix_<table>_<columns>``."""

    def __init__(self, *columns: str, where: str | None = None, unique: bool = False, name: str | None = None) -> None:
        super().__init__(*columns, where, name)
        self.columns = columns
        self.where = where
        self.unique = unique
        self.name = name


class Check(Marker):
    """A CHECK constraint over the columns of the row."""

    def __init__(self, expression: str, /, *, name: str | None = None) -> None:
        super().__init__(expression, name)
        self.expression = expression
        self.name = name


class Default(Marker):
    """A default that is SQL. The field gets ``= auto()``, so that Python needs no value."""

    def __init__(self, *, sql: str) -> None:
        super().__init__(sql)
        self.sql = sql


class Generated(Marker):
    """A generated column. The field gets ``= auto()``."""

    def __init__(self, sql: str, /, *, stored: bool = False) -> None:
        super().__init__(sql)
        self.sql = sql
        self.stored = stored


class Collate(Marker):
    """The collation of the column."""

    def __init__(self, name: str, /) -> None:
        super().__init__(name)
        self.name = name


class References(Marker):
    """A foreign key.

    On a field whose annotation is a table class, ``parent`` can be left out. On any other field, the field is the
    column itself. ``columns`` are columns of the parent, by default its key. ``orphans="null"`` sets references to
    rows that don't exist to NULL while the data is carried over; by default they are refused. ``unchecked`` lets
    pass a parent that does not exist, or whose columns are not unique: SQLite takes such declarations, and fails
    at the first write with foreign keys on.
    """

    def __init__(
        self,
        parent: Parent | None = None,
        *columns: str,
        on_delete: Action = "NO ACTION",
        on_update: Action = "NO ACTION",
        deferred: bool = False,
        orphans: Literal["refuse", "null"] = "refuse",
        unchecked: bool = False,
    ) -> None:
        super().__init__(*columns)
        self.parent = parent
        self.columns = columns
        self.on_delete = on_delete
        self.on_update = on_update
        self.deferred = deferred
        self.orphans = orphans
        self.unchecked = unchecked


class ForeignKey(Marker):
    """A foreign key over several columns, in ``@table(foreign_keys=[…])``. The rest is as in ``References``."""

    def __init__(
        self,
        columns: str | Sequence[str],
        parent: Parent,
        parent_columns: str | Sequence[str] = (),
        *,
        on_delete: Action = "NO ACTION",
        on_update: Action = "NO ACTION",
        deferred: bool = False,
        unchecked: bool = False,
    ) -> None:
        super().__init__(*columns, *parent_columns)
        self.columns = (columns,) if isinstance(columns, str) else tuple(columns)
        self.parent = parent
        self.parent_columns = (parent_columns,) if isinstance(parent_columns, str) else tuple(parent_columns)
        self.on_delete = on_delete
        self.on_update = on_update
        self.deferred = deferred
        self.unchecked = unchecked


class Was(Marker):
    """The column's name in the old database; one for each column of a composite reference.

    Where the old reference had more columns than the new one has, or fewer, all of them: ``Was("room", "number")``
    follows what the two together referred to, and ``Was("shelf_id")`` on a reference of two columns the row that it
    alone referred to. They are read, not taken: fields of their names keep getting them.
    """

    def __init__(self, *names: str) -> None:
        super().__init__(*names)
        self.names = names


class From(Marker):
    """SQL over the old row, with the old table's columns as bare names; in a view, over the joined tables.

    One expression for each column of a composite reference.
    """

    def __init__(self, *sources: str) -> None:
        super().__init__(*sources)
        self.sources = sources


class Mapped(Marker):
    """Old values are replaced by canonical ones: ``{"alias": "canonical"}``, or what ``from_json`` reads.

    Blanks around a value are stripped before it is looked up, and with ``fold_case`` its case does not matter. A value
    that no alias covers stays as it is.
    """

    def __init__(self, mapping: Mapping[str, str] | JsonMapping, /, *, fold_case: bool = False) -> None:
        super().__init__()
        self.mapping = mapping
        self.fold_case = fold_case
