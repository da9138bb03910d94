"""The changes that are compared: what the tables of a shape become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from hotmig.bench.shapes import Field, Table, Tables

ADDED = Field("added", "INTEGER", default="0")


@dataclass(frozen=True)
class Change:
    """``apply`` makes the new tables of the old ones, None where the shape has nothing to be changed so."""

    told: str
    apply: Callable[[Tables], Tables | None]
    view: bool = False


def _unchanged(tables: Tables) -> Tables:
    return tables


def _renamed(tables: Tables) -> Tables:
    return tuple(_with_names(table) for table in tables)


def _with_names(table: Table) -> Table:
    """The loose column gets another name, and a column comes behind the last one."""
    fields = tuple(
        replace(each, name=f"{each.name}_now", was=each.name) if each.name == table.loose else each
        for each in table.fields
    )
    return replace(table, fields=(*fields, ADDED), loose=f"{table.loose}_now")


def _strict(tables: Tables) -> Tables:
    return tuple(_with_strict(table) for table in tables)


def _with_strict(table: Table) -> Table:
    """The loose column gets another type, NOT NULL and a CHECK."""
    loose = replace(table.own[table.loose], type="REAL", null=False, check=f"{table.loose} >= 0")
    return replace(table, fields=tuple(loose if each.name == loose.name else each for each in table.fields))


def _new_keys(tables: Tables) -> Tables | None:
    """A text key becomes an integer, and what refers to it follows."""
    texts = {table.name for table in tables if table.key.type == "TEXT"}
    return tuple(_with_key(table, texts) for table in tables) if texts else None


def _with_key(table: Table, texts: set[str]) -> Table:
    fields: list[Field] = []
    for each in table.fields:
        if each.key and table.name in texts:
            fields += [Field("id", "INTEGER", key=True), replace(each, key=False, unique=True)]
        elif each.references in texts:
            fields.append(replace(each, name=f"{each.references}_id", type="INTEGER", was=each.name))
        else:
            fields.append(each)
    follows = {each.was: each.name for each in fields if each.was}
    return replace(table, fields=tuple(fields), indexed=tuple(follows.get(column, column) for column in table.indexed))


CHANGES: dict[str, Change] = {
    "view": Change("a view is added, the tables stay as they are", _unchanged, view=True),
    "names": Change("a column of every table is renamed, and one is added: what ALTER TABLE does at once", _renamed),
    "rebuild": Change("a column of every table gets another type, NOT NULL and a CHECK", _strict),
    "keys": Change("a text key becomes an integer, and what refers to it follows", _new_keys),
}
