"""One table as a class."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.model import Index, Table, UniqueConstraint
from hotmig.schema.compile import index_name
from hotmig.schema.declare import snake_case
from hotmig.schema.layout import Keyword, Source, Sql, Text, call, lay_out, listed, tupled
from hotmig.schema.scaffold_field import Fields
from hotmig.schema.scaffold_parts import Classes, Parts
from hotmig.sqlite import fold


def class_source(table: Table, classes: Classes) -> str:
    """The class with its decorator. Tables must come in the order in which they stand in the module."""
    fields = Fields(table, classes)
    name = classes.of(table.name)
    arguments: list[Source] = [] if snake_case(name) == table.name else [Text(table.name)]
    arguments += _options(table, fields.parts)
    decorator = lay_out(call("@table", *arguments)) if arguments else "@table"
    lines = [fields.source(column) for column in table.columns]
    classes.defined.add(fold(table.name))
    return "\n".join([decorator, f"class {name}:", *lines])


def _options(table: Table, parts: Parts) -> Iterator[Source]:
    """What does not stand at a field."""
    if table.primary_key is not None and not parts.keys_at_fields():
        yield Keyword("key", _key(table, parts))
    uniques = [_unique(unique, parts) for unique in table.uniques if parts.unique_column(unique) is None]
    checks = [_check(parts, check) for check in table.checks if parts.check_column(check) is None]
    indexes = [_index(table, index, parts) for index in table.indexes]
    keys = [_foreign_key(key, parts) for key in table.foreign_keys if len(key.columns) > 1]
    for name, entries in (("unique", uniques), ("indexes", indexes), ("checks", checks), ("foreign_keys", keys)):
        if entries:
            yield Keyword(name, listed(entries))
    if table.strict:
        yield Keyword("strict", "True")
    if table.without_rowid:
        yield Keyword("without_rowid", "True")
