"""Rows that are equal under a unique key of the new table, once others have become one."""

from __future__ import annotations

from collections.abc import Iterator

from hotmig.catalog.model import IndexedColumn
from hotmig.planning.group_facts import Equal
from hotmig.planning.held import UniqueKey, is_unique_already, unique_keys
from hotmig.planning.rows import reads, translation_of
from hotmig.sqlite import fold, quote
from hotmig.transfer.groups.samples import SAMPLES
from hotmig.transfer.judged.court import Court, new_value, rows_that_stay
from hotmig.transfer.old_rows import shown
from hotmig.transfer.step_sql import StepSql

_Parts = list[tuple[str, str]]  # (SQL, collation)


def equal_rows(court: Court, step: StepSql) -> Iterator[Equal]:
    """One for each key under which any are equal."""
    for key in unique_keys(step.step.table):
        if is_unique_already(step.step, key) or is_made_distinct(step, key):
            continue
        is_plain = key.where is None and all(part.name is not None for part in key.columns)
        selected = _of_columns(step, key) if is_plain else _of_index(step, key)
        if selected is None:
            continue
        rows, collations = selected
        named = [f"u{number}" for number in range(1, len(collations) + 1)]
        terms = ", ".join(f"{name} COLLATE {quote(each)}" for name, each in zip(named, collations, strict=True))
        # Rows with a NULL in the key are distinct from all others.
        given = " AND ".join(f"{name} IS NOT NULL" for name in named)
        same = (
            f"SELECT count(*) AS n, {', '.join(named)} FROM ({rows}) WHERE {given} GROUP BY {terms} HAVING count(*) > 1"
        )
        what = f"rows of {step.step.table.name} would be equal under the unique {key.title}"
        found = court.ask(what, f"SELECT sum(n) OVER (), {', '.join(named)} FROM ({same}) LIMIT {SAMPLES}")
        if found:
            samples = tuple(shown(row[1:]) for row in found)
            yield Equal(key.title, found[0][0], samples, court.is_certain, is_plain)


def is_made_distinct(step: StepSql, key: UniqueKey) -> bool:
    """Whether only one row of each group stays, and the key tells apart all that the groups do.

    Letter by letter, or by the collation that they go by: what a wider one takes for the same stays apart in them.
    """
    grouping = step.step.grouping
    if grouping is None or grouping.losers is not None:
        return False
    collations = {fold(part.name): part.collation.upper() for part in key.columns if part.name is not None}
    return all(
        collations.get(fold(name)) in (collation.upper(), "BINARY") and fold(name) not in step.step.set_columns
        for name, collation in grouping.key
    )


def _of_columns(step: StepSql, key: UniqueKey) -> tuple[str, list[str]] | None:
    """A SELECT of what the key compares, as ``u1``, …, and the collations; None where only the copy can tell."""
    found: _Parts = []
    for part in key.columns:
        values = _compared(step, part)
        if values is None:
            return None
        found += values
    selected = ", ".join(f"{sql} AS u{number}" for number, (sql, _) in enumerate(found, 1))
    rows = f"SELECT {selected} FROM {step.old_rows} WHERE {step.stays}"
    return rows, [collation for _, collation in found]


def _compared(step: StepSql, part: IndexedColumn) -> _Parts | None:
    """What tells the values of a column apart: of a reference the row that it leads to, which may have no key yet."""
    translation = translation_of(step.step, part.name or "")
    if translation is not None:
        return [(sql, "BINARY") for sql in step.survivor(translation)]
    column = step.step.table.column(part.name or "")
    value = new_value(step, column) if column is not None else None
    return [(f"({value})", part.collation)] if value is not None else None


def _of_index(step: StepSql, key: UniqueKey) -> tuple[str, list[str]] | None:
    """The same of an index over expressions, or over some rows: SQLite evaluates these over the new rows."""
    table, names, beside = step.step.table, set[str](), list[tuple[str, str]]()
    found: _Parts = []
    for part in key.columns:
        translation = translation_of(step.step, part.name or "")
        if part.name is None:
            names |= reads(part.expression or "", table)
            found.append((f"({part.expression}\n)", part.collation))
        elif translation is not None:
            leads = [
                (sql, quote(f"_migration_leads_{len(beside) + at}"))
                for at, sql in enumerate(step.survivor(translation))
            ]
            beside += leads
            found += [(name, "BINARY") for _, name in leads]
        else:
            names.add(part.name)
            found.append((quote(part.name), part.collation))
    names |= reads(key.where, table) if key.where is not None else set()
    rows = rows_that_stay(step, sorted(names), beside)
    if rows is None:
        return None
    values = [f"{sql} AS u{number}" for number, (sql, _) in enumerate(found, 1)]
    where = f" WHERE ({key.where}\n)" if key.where is not None else ""
    return f"SELECT {', '.join(values)} FROM ({rows}) AS {quote(table.name)}{where}", [each for _, each in found]
