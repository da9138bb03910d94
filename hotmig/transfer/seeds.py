"""Seed rows: part of the projection, kept in a temporary table beside it."""

from __future__ import annotations

import sqlite3

from hotmig.planning.model import TableStep
from hotmig.schema.model import SeedRow
from hotmig.sqlite import Row, execute, fold, quote, value
from hotmig.transfer.key_sql import matches, matches_as_stored
from hotmig.transfer.step_sql import StepSql


def create_seeds(db: sqlite3.Connection, sql: StepSql) -> None:
    """The temporary table that the projection of a table with seed rows joins.

    ``given`` says for each written column, '1' or '0', whether the seed names it; ``wins`` is 0 for a seed that
    yields to an old row.
    """
    if not sql.step.seeds:
        return
    names = [f"c{number}" for number in range(1, len(sql.written) + 1)]
    execute(db, f"CREATE TEMP TABLE _migration_seed_{sql.step.number}({', '.join([*names, 'given', 'wins'])})")
    for seed in sql.step.seeds:
        row = [seed.by_name.get(fold(column.name)) for column in sql.written]
        given = "".join("1" if fold(column.name) in seed.by_name else "0" for column in sql.written)
        marks = ", ".join("?" * (len(row) + 2))
        execute(db, f"INSERT INTO {sql.seed} VALUES ({marks})", (*row, given, int(not seed.if_absent)))


def plant_seeds(db: sqlite3.Connection, step: TableStep, old: StepSql | None = None) -> int:
    """Inserts the seed rows whose key no row has; returns how many.

    With ``old`` they wait for the replay where an old row has their key: the copy left it out because it is logged, and
    what it shares with another row is not the seed's.
    """
    return sum(_plant(db, step, seed, old) for seed in step.seeds)


def _plant(db: sqlite3.Connection, step: TableStep, seed: SeedRow, old: StepSql | None) -> int:
    if old is not None and step.keys == "kept":
        key = tuple(seed.by_name[fold(name)] for name in step.new_key)
        places = [f"?{number}" for number in range(1, len(key) + 1)]
        found = matches_as_stored(old.source_key_of("o"), places, old.source_collations)
        if value(db, f"SELECT 1 FROM {old.source} AS o WHERE {found}", key) is not None:
            return 0
    return max(execute(db, *planting(step, seed)).rowcount, 0)


def planting(step: TableStep, seed: SeedRow) -> tuple[str, Row]:
    """The statement, with its parameters, that inserts a seed row whose key no row has."""
    absent, key = _is_absent(step, seed)
    columns = ", ".join(quote(name) for name in seed.columns)
    marks = ", ".join("?" * len(seed.values))
    table = f"main.{quote(step.table.name)}"
    return f"INSERT OR ABORT INTO {table}({columns}) SELECT {marks} WHERE {absent}", (*seed.values, *key)


def missing_seeds(db: sqlite3.Connection, step: TableStep) -> list[Row]:
    """The keys of the seed rows whose key no row has."""
    absent = (_is_absent(step, seed) for seed in step.seeds)
    return [key for condition, key in absent if value(db, f"SELECT 1 WHERE {condition}", key) is not None]


def _is_absent(step: TableStep, seed: SeedRow) -> tuple[str, Row]:
    """The condition, with its parameters, that no row has the key of a seed."""
    where = matches([quote(name) for name in step.new_key], ["?"] * len(step.new_key))
    key = tuple(seed.by_name[fold(name)] for name in step.new_key)
    return f"NOT EXISTS (SELECT 1 FROM main.{quote(step.table.name)} WHERE {where})", key
