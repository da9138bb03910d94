"""The columns that the fields of table classes stand for; references are followed to the keys of their parents."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hotmig.catalog.lexer import tokens
from hotmig.errors import HotmigError
from hotmig.schema.declare import AUTO, Registry, TableDeclaration
from hotmig.schema.fields import REQUIRED, Field, fields_of
from hotmig.schema.markers import (
    Collate,
    Column,
    ColumnType,
    Default,
    From,
    Generated,
    Key,
    NotNull,
    Parent,
    References,
    Was,
)
from hotmig.schema.model import Orphans, Value
from hotmig.schema.origins import Origin, needs_one, origin_of, origins_of, require_as_many
from hotmig.schema.places import Sources, Spot, wrong
from hotmig.schema.terms import Names, fragment, key_term
from hotmig.schema.types import declared, literal, stored
from hotmig.sqlite import fold
from hotmig.sqlite import text as quoted_text

_BARE_DEFAULTS = ("NULL", "TRUE", "FALSE", "CURRENT_TIMESTAMP", "CURRENT_DATE", "CURRENT_TIME")


@dataclass(frozen=True, eq=False)
class ColumnSpec:
    """One column as declared. ``default`` is SQL that can follow DEFAULT; ``via`` the parent's column it refers to."""

    name: str
    field: Field
    type: str
    not_null: bool
    not_null_conflict: str | None
    default: str | None
    collation: str | None
    generated: str | None
    stored: bool
    origin: Origin
    orphans: Orphans
    allowed: tuple[Value, ...] = ()
    via: tuple[TableDeclaration, str] | None = None


class Columns:
    """All columns of all tables of one registry, each worked out when it is first needed."""

    def __init__(self, registry: Registry, sources: Sources) -> None:
        self._registry = registry
        self._sources = sources
        self._fields: dict[TableDeclaration, tuple[Field, ...]] = {}
        self._columns: dict[Field, tuple[ColumnSpec, ...]] = {}
        self._pending: list[Field] = []

    def fields(self, declaration: TableDeclaration) -> tuple[Field, ...]:
        """The fields of a table class."""
        if declaration not in self._fields:
            self._fields[declaration] = fields_of(declaration.cls, declaration.spot, self._sources)
        return self._fields[declaration]

    def of_table(self, declaration: TableDeclaration) -> tuple[ColumnSpec, ...]:
        """All columns of a table, in their order. Raises SchemaError for two of one name."""
        columns = [column for field in self.fields(declaration) for column in self.of_field(declaration, field)]
        seen: dict[str, ColumnSpec] = {}
        for column in columns:
            if (first := seen.setdefault(fold(column.name), column)) is not column:
                raise wrong(
                    column.field.spot,
                    f"{declaration.name} has two columns {column.name}: the other is {first.field.name},"
                    f" line {first.field.spot.line}",
                    'rename one of the two fields, or give it a Column("…") of its own',
                )
        return tuple(columns)

    def of_field(self, declaration: TableDeclaration, field: Field) -> tuple[ColumnSpec, ...]:
        """The columns of one field: several for a reference to a composite key."""
        if field not in self._columns:
            if field in self._pending:
                raise wrong(
                    field.spot,
                    f"the key of {declaration.name} refers to itself by way of {field.name}",
                    "take one reference out of the keys",
                )
            self._pending.append(field)
            parent = self.table_of(field.core)
            self._columns[field] = (_scalar(field),) if parent is None else self._reference(field, parent)
            self._pending.pop()
        return self._columns[field]

    def key(self, declaration: TableDeclaration) -> tuple[ColumnSpec, ...]:
        """The columns of the primary key, in its order; () for none."""
        marked = [field for field in self.fields(declaration) if field.one(Key)]
        listed = listed_key(declaration)
        if not listed:
            return tuple(column for field in marked for column in self.of_field(declaration, field))
        by_name = {fold(column.name): column for column in self.of_table(declaration)}
        names = Names(declaration.name, (column.name for column in by_name.values()))
        return tuple(by_name[fold(key_term(text, names, declaration.spot).name)] for text in listed)

    def table_of(self, core: Any) -> TableDeclaration | None:
        """The table that a class declares in this registry."""
        return next((table for table in self._registry.tables if table.cls is core), None)

    def parent(self, parent: Parent, unchecked: bool, spot: Spot) -> TableDeclaration | str:
        """The table that a reference names: by class, class name or table name; the bare name if it is unchecked."""
        if isinstance(parent, type):
            if (found := self.table_of(parent)) is None:
                raise wrong(spot, f"{parent.__name__} is no table", "put @table above the class")
            return found
        tables = self._registry.tables
        named = [table for table in tables if table.cls.__name__ == parent]
        named = named or [table for table in tables if fold(table.name) == fold(parent)]
        if not named and not unchecked:
            raise wrong(
                spot,
                f"there is no table {parent}",
                f'declare it, or write References("{parent}", …, unchecked=True) if it is to be missing',
            )
        if len(named) > 1:
            raise wrong(spot, f"there are several classes {parent}", "name the class itself, or its table")
        return named[0] if named else parent

    def targets(self, parent: TableDeclaration, columns: Sequence[str], unchecked: bool, spot: Spot) -> tuple[str, ...]:
        """The parent's columns that a reference is to: those named, or its key."""
        if not columns:
            key = tuple(column.name for column in self.key(parent))
            if not key and not unchecked:
                raise wrong(
                    spot, f"{parent.name} has no key to refer to", f"mark a field of {parent.cls.__name__} with Key"
                )
            return key
        if unchecked:
            return tuple(columns)
        names = Names(parent.name, (column.name for column in self.of_table(parent)))
        return tuple(names.require(column, spot) for column in columns)

    def _reference(self, field: Field, parent: TableDeclaration) -> tuple[ColumnSpec, ...]:
        """The columns of a field whose annotation is a table class."""
        rule = next((rule for rule in field.all(References) if rule.parent is None or rule.columns), None)
        targets = self._parent_columns(field, parent, rule)
        given = field.one(Column)
        names = given.names if given else _reference_names(field, targets, explicit=bool(rule and rule.columns))
        wanted = tuple(target.name for target in targets)
        require_as_many(field, "Column", names, wanted)
        origins = origins_of(field, wanted)
        if field.default not in (AUTO, REQUIRED, None):
            raise wrong(field.spot, f"a reference can't have {field.default!r} as its default", "use Default(sql=…)")
        return tuple(
            _column(field, name, type=target.type, origin=origin, via=(parent, target.name))
            for name, target, origin in zip(names, targets, origins, strict=True)
        )

    def _parent_columns(
        self, field: Field, parent: TableDeclaration, rule: References | None
    ) -> tuple[ColumnSpec, ...]:
        if rule and rule.parent is not None and self.parent(rule.parent, False, field.spot) is not parent:
            raise wrong(
                field.spot,
                f"{field.name} is a {parent.cls.__name__} and refers to another table",
                f"write References({parent.cls.__name__}, …), or annotate the field with a column type",
            )
        if rule is None or not rule.columns:
            self.targets(parent, (), False, field.spot)
            return self.key(parent)
        by_name = {fold(column.name): column for column in self.of_table(parent)}
        return tuple(by_name[fold(name)] for name in self.targets(parent, rule.columns, False, field.spot))


def listed_key(declaration: TableDeclaration) -> tuple[str, ...]:
    """The entries of ``@table(key=…)``."""
    key = declaration.key
    if isinstance(key, Key):
        return key.columns
    return (key,) if isinstance(key, str) else tuple(key)


def _reference_names(field: Field, targets: Sequence[ColumnSpec], *, explicit: bool) -> tuple[str, ...]:
    if len(targets) == 1 and not explicit:
        return (f"{field.name}_id",)
    return tuple(f"{field.name}_{target.name}" for target in targets)


def _scalar(field: Field) -> ColumnSpec:
    given, type_, kind = field.one(Column), field.one(ColumnType), declared(field.core)
    if type_ is None and kind is None:
        raise _no_type(field)
    names = given.names if given else (field.name,)
    if len(names) != 1:
        raise needs_one(field, "Column")
    return _column(
        field,
        names[0],
        type=type_.name if type_ else kind.type if kind else "",
        origin=origin_of(field),
        allowed=kind.values if kind and type_ is None else (),
    )


def _no_type(field: Field) -> HotmigError:
    name = getattr(field.core, "__name__", None) or str(field.core)
    if hasattr(field.core, "__hotmig_table__"):
        hint = "its module was not loaded together with this one: import it from a module beside this one"
    elif isinstance(field.core, type) and "__dataclass_fields__" in field.core.__dict__:
        hint = f"put @table above {name} to refer to it"
    else:
        hint = f'write Annotated[{name}, ColumnType("…")], or one of the types that have a column type'
    return wrong(field.spot, f"{field.name}: {name} has no column type", hint)


def _column(
    field: Field,
    name: str,
    *,
    type: str,
    origin: Origin,
    allowed: tuple[Value, ...] = (),
    via: tuple[TableDeclaration, str] | None = None,
) -> ColumnSpec:
    type_, generated = field.one(ColumnType), field.one(Generated)
    collate, not_null = field.one(Collate), field.one(NotNull)
    if generated and (field.one(Was) or field.one(From)):
        raise wrong(field.spot, f"{field.name} is generated: nothing is carried over to it", "take Was or From away")
    if generated and field.default is not AUTO:
        raise wrong(field.spot, f"{field.name} is generated: Python can't give it a value", "write = auto()")
    references = field.all(References)
    default = _default(field, type_.name if type_ else type)
    return ColumnSpec(
        name=name,
        field=field,
        type=type_.name if type_ else type,
        not_null=not_null is not None or not (field.nullable or field.core in (object, Any)),
        not_null_conflict=not_null.on_conflict if not_null else None,
        default=default,
        collation=collate.name if collate else None,
        generated=fragment(generated.sql, field.spot) if generated else None,
        stored=bool(generated and generated.stored),
        origin=origin,
        orphans="null" if any(rule.orphans == "null" for rule in references) else "refuse",
        allowed=allowed,
        via=via,
    )


def _default(field: Field, type: str) -> str | None:
    marker = field.one(Default)
    if marker is not None:
        if field.default not in (AUTO, REQUIRED):
            raise wrong(field.spot, f"{field.name} has two defaults", "keep Default(sql=…) and write = auto()")
        return _sql_default(marker.sql, field.spot)
    if field.default in (AUTO, REQUIRED):
        return None
    if field.default is None:
        if field.nullable or field.core in (object, Any):
            return None
        raise wrong(field.spot, f"{field.name} is NOT NULL and has None as its default", "annotate it with … | None")
    try:
        value = stored(field.default)
        return literal(float(value) if type == "REAL" and isinstance(value, int) else value)
    except ValueError as error:
        raise wrong(field.spot, f"the default of {field.name}: {error}", "write Default(sql=…)") from error


def _sql_default(sql: str, spot: Spot) -> str:
    text = fragment(sql, spot)
    # DEFAULT abc and DEFAULT "abc" are the text 'abc'.
    if (text.isidentifier() and text.upper() not in _BARE_DEFAULTS) or text[0] in '"`[':
        name = tokens(text)[0]
        meant = json.dumps(quoted_text(name.value) + text[name.end :], ensure_ascii=False)
        raise wrong(
            spot,
            f"Default(sql={sql!r}) is a name, and SQLite would take it as a text",
            f"write Default(sql={meant})",
        )
    return f"({text})"
