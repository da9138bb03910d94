"""One table as a class."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.model import Check, ForeignKey, Index, Table, UniqueConstraint
from hotmig.errors import HotmigError
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
    checks = [_check(check, parts) for check in table.checks if parts.check_column(check) is None]
    indexes = [_index(index, table, parts) for index in table.indexes]
    keys = [_foreign_key(key, parts) for key in table.foreign_keys if len(key.columns) > 1]
    for name, entries in (("unique", uniques), ("indexes", indexes), ("checks", checks), ("foreign_keys", keys)):
        if entries:
            yield Keyword(name, listed(entries))
    if table.strict:
        yield Keyword("strict", "True")
    if table.without_rowid:
        yield Keyword("without_rowid", "True")


def _key(table: Table, parts: Parts) -> Source:
    key = table.primary_key
    terms = [parts.term(part) for part in key.columns] if key else []
    if key is None or key.conflict is None:
        return tupled(terms)
    return call("Key", *terms, Keyword("on_conflict", Text(key.conflict)))


def _unique(unique: UniqueConstraint, parts: Parts) -> Source:
    terms = [parts.term(part) for part in unique.columns]
    if unique.conflict is not None:
        return call("Unique", *terms, Keyword("on_conflict", Text(unique.conflict)))
    return tupled(terms) if len(terms) > 1 else terms[0]


def _check(check: Check, parts: Parts) -> Source:
    arguments = parts.check_arguments(check)
    return arguments[0] if len(arguments) == 1 else call("Check", *arguments)


def _foreign_key(key: ForeignKey, parts: Parts) -> Source:
    arguments = [tupled([Text(name) for name in key.columns]), parts.parent(key)]
    if there := parts.parent_columns(key):
        arguments.append(tupled(there))
    return call("ForeignKey", *arguments, *parts.rules(key))


def _index(index: Index, table: Table, parts: Parts) -> Source:
    arguments = [parts.term(part) for part in index.columns]
    entries = [term.value for term in arguments if isinstance(term, Text | Sql)]
    if index.where is not None:
        arguments.append(Keyword("where", parts.expression(index.where, rowid=True)))
    if index.unique:
        arguments.append(Keyword("unique", "True"))
    if index.name != _default_name(table, entries):
        arguments.append(Keyword("name", Text(index.name)))
    return call("Index", *arguments)


def _default_name(table: Table, entries: list[str]) -> str | None:
    try:
        return index_name(table.name, entries)
    except HotmigError:  # a column's name that is no SQL
        return None
