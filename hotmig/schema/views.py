"""Views: the SELECT of a join along foreign keys."""

from __future__ import annotations

from dataclasses import dataclass

from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import Catalog, ForeignKey, Table
from hotmig.errors import HotmigError
from hotmig.schema.columns import Columns
from hotmig.schema.declare import ViewDeclaration, snake_case
from hotmig.schema.fields import Field, fields_of
from hotmig.schema.markers import Column, From
from hotmig.schema.places import Sources, wrong
from hotmig.schema.terms import fragment
from hotmig.sqlite import fold, quote


@dataclass(frozen=True)
class ViewSpec:
    """A view ready to be created; ``columns`` are what its fields promise, () for no promise."""

    declaration: ViewDeclaration
    create: str
    columns: tuple[str, ...]


def compile_view(declaration: ViewDeclaration, catalog: Catalog, columns: Columns, sources: Sources) -> ViewSpec:
    """The CREATE VIEW. Raises SchemaError when no join or column can be found."""
    fields = fields_of(declaration.cls, declaration.spot, sources)
    names = tuple(_column_name(field) for field in fields)
    if (declaration.sql is None) == (not declaration.joins):
        raise wrong(
            declaration.spot,
            f"view {declaration.name} needs either joins= or sql=",
            'write @view(joins=[(Child, Parent)]) or @view(sql="SELECT …")',
        )
    if declaration.sql is not None:
        return ViewSpec(declaration, _create(declaration, declaration.sql), names)
    if not fields:
        raise wrong(declaration.spot, f"view {declaration.name} has no columns", "give the class a field")
    join = _Join(declaration, catalog, columns)
    listed = ", ".join(f"{join.column(field)} AS {quote(name)}" for field, name in zip(fields, names, strict=True))
    return ViewSpec(declaration, _create(declaration, f"SELECT {listed} FROM {join.sql}"), names)


def _create(declaration: ViewDeclaration, select: str) -> str:
    """``sql`` is a SELECT, or a whole CREATE VIEW for a view that has a list of columns."""
    try:
        stream = tokens(select)
    except HotmigError as error:
        raise wrong(declaration.spot, f"view {declaration.name}: {error.message}", "check the SQL text") from error
    if stream and stream[0].keyword == "CREATE":
        return select
    return f"CREATE VIEW {quote(declaration.name)} AS {select}"


def _column_name(field: Field) -> str:
    given = field.one(Column)
    return given.names[0] if given and given.names else field.name


class _Join:
    """Tables joined one after the other, each to one that is already there."""

    def __init__(self, declaration: ViewDeclaration, catalog: Catalog, columns: Columns) -> None:
        self.declaration = declaration
        self.catalog = catalog
        self.columns = columns
        self.classes: dict[str, Table] = {}  # by class name in snake_case and table name, for <table>_<column>
        pairs = [(self._table(left), self._table(right)) for left, right in declaration.joins]
        self.tables = [pairs[0][0]]
        self.sql = quote(pairs[0][0].name)
        while pairs:
            pair = next((pair for pair in pairs if pair[0] in self.tables or pair[1] in self.tables), None)
            if pair is None:
                raise self._wrong(f"nothing joins {pairs[0][0].name} to the other tables", "add the pair that does")
            pairs.remove(pair)
            self._add(*pair)

    def column(self, field: Field) -> str:
        """The SQL for one field."""
        source = field.one(From)
        if source is not None:
            return f"({fragment(' '.join(source.sources), field.spot)})"
        name = _column_name(field)
        exact = [(table, name) for table in self.tables if table.column(name)]
        found = exact or [
            (table, name[len(prefix) + 1 :])
            for prefix, table in self.classes.items()
            if fold(name).startswith(fold(prefix) + "_") and table.column(name[len(prefix) + 1 :])
        ]
        found = list({(id(table), fold(column)): (table, column) for table, column in found}.values())
        if len(found) != 1:
            where = ", ".join(f"{table.name}.{column}" for table, column in found)
            raise wrong(
                field.spot,
                f"view {self.declaration.name}: {name} " + (f"can be {where}" if found else "is in none of its tables"),
                'name the field <table>_<column>, or say what it is: From("table.column")',
            )
        table, column = found[0]
        return f"{quote(table.name)}.{quote(column)}"

    def _table(self, cls: type) -> Table:
        declaration = self.columns.table_of(cls)
        table = self.catalog.table(declaration.name) if declaration else None
        if declaration is None or table is None:
            raise self._wrong(f"{getattr(cls, '__name__', cls)} is no table", "join classes that have @table")
        self.classes[table.name] = table
        self.classes[snake_case(cls.__name__)] = table
        return table

    def _add(self, left: Table, right: Table) -> None:
        if left in self.tables and right in self.tables:
            raise self._wrong(f"{left.name} and {right.name} are joined already", "write such a view with sql=")
        child, parent, key = self._foreign_key(left, right)
        pairs = zip(key.columns, key.parent_columns, strict=True)
        on = " AND ".join(
            f"{quote(child.name)}.{quote(column)} = {quote(parent.name)}.{quote(there)}" for column, there in pairs
        )
        added = right if left in self.tables else left
        self.tables.append(added)
        self.sql += f" JOIN {quote(added.name)} ON {on}"

    def _foreign_key(self, left: Table, right: Table) -> tuple[Table, Table, ForeignKey]:
        found = [
            (child, parent, key)
            for child, parent in ((left, right), (right, left))
            for key in child.foreign_keys
            if fold(key.parent) == fold(parent.name)
        ]
        if len(found) != 1:
            many = "several foreign keys join" if found else "no foreign key joins"
            raise self._wrong(f"{many} {left.name} and {right.name}", "write the view with sql=")
        return found[0]

    def _wrong(self, message: str, hint: str) -> HotmigError:
        return wrong(self.declaration.spot, f"view {self.declaration.name}: {message}", hint)
