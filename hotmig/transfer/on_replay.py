"""Triggers of the new schema that asked for replayed rows (``on_replay=True``).

Beside such a trigger replay takes every changed row out and puts it in again, and no trigger may see that. What really
happened to the rows is acted out afterwards on a temporary table beside the real one, which carries a copy of the
trigger: deletes, updates and inserts, each once, and the trigger's own statements write to the real tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.lexer import Token, tokens
from hotmig.catalog.model import ROWID_NAMES, Trigger
from hotmig.sqlite import conjunction, execute, fold, quote, same
from hotmig.transfer.key_sql import matches
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


def triggers_of(session: Session, step: StepSql) -> tuple[Trigger, ...]:
    """The on_replay triggers of one table."""
    chosen = {fold(name) for name in session.plan.replay_triggers}
    table = fold(step.step.table.name)
    # One that the old database has too has fired there already: what it wrote is rows like any others.
    old = {(fold(each.name), each.sql) for each in session.plan.old.triggers}
    new = (trigger for trigger in session.plan.new.triggers if (fold(trigger.name), trigger.sql) not in old)
    triggers = (trigger for trigger in new if fold(trigger.name) in chosen)
    return tuple(trigger for trigger in triggers if fold(trigger.table) == table)


def remember_before(session: Session, step: StepSql) -> None:
    """Keeps the rows that are about to be taken out."""
    if not triggers_of(session, step):
        return
    _create(session, step, _stage(step))
    columns = ", ".join(f"n.{name}" for name in _columns(step))
    execute(
        session.db,
        f"INSERT INTO temp.{_stage(step)} SELECT {columns} FROM {step.target} AS n WHERE {step.is_doomed('n')}",
    )


def remember_new(session: Session, step: StepSql) -> None:
    """Keeps the keys of the rows that are about to be put in, seed rows included."""
    if not triggers_of(session, step):
        return
    names = [f"f{number}" for number in range(1, len(step.new_key) + 1)]
    execute(session.db, f"DROP TABLE IF EXISTS temp.{_fresh(step)}")
    execute(session.db, f"CREATE TEMP TABLE {_fresh(step)}({', '.join(names)})")
    into = f"INSERT INTO temp.{_fresh(step)} SELECT"
    execute(
        session.db,
        f"{into} {', '.join(step.new_key_of('r'))} FROM {step.rows} AS r"
        f" WHERE {_is_missing(step, step.new_key_of('r'))}",
    )
    for seed in step.step.seeds:
        key = [f"?{number}" for number in range(1, len(names) + 1)]
        uncovered = f"NOT EXISTS (SELECT 1 FROM {step.rows} AS r WHERE {matches(step.new_key_of('r'), key)})"
        execute(
            session.db,
            f"{into} {', '.join(key)} WHERE {_is_missing(step, key)} AND {uncovered}",
            [seed.by_name[fold(name)] for name in step.step.new_key],
        )


def _is_missing(step: StepSql, key: Sequence[str]) -> str:
    found = matches(step.target_key_of("n"), key, step.target_collations)
    return f"NOT EXISTS (SELECT 1 FROM {step.target} AS n WHERE {found})"


def act_out(session: Session, step: StepSql) -> None:
    """Fires the triggers of one table for what the replay did to its rows."""
    triggers = triggers_of(session, step)
    if not triggers:
        return
    stage, put = _stage(step), _put(step)
    _keep_put_in(session, step)
    for number, trigger in enumerate(triggers, 1):
        execute(session.db, _copied(trigger, f"{stage}_{number}", stage))
    columns = _columns(step)
    same_key = matches([f"s.{name}" for name in step.target_key], [f"p.{name}" for name in step.target_key])
    assignments = ", ".join(f"{name} = p.{name}" for name in columns)
    for sql in (
        f"DELETE FROM temp.{stage} AS s WHERE NOT EXISTS (SELECT 1 FROM temp.{put} AS p WHERE {same_key})",
        f"UPDATE temp.{stage} AS s SET {assignments} FROM temp.{put} AS p WHERE {same_key}",
        f"INSERT INTO temp.{stage} SELECT {', '.join(f'p.{name}' for name in columns)} FROM temp.{put} AS p"
        f" WHERE NOT EXISTS (SELECT 1 FROM temp.{stage} AS s WHERE {same_key})",
    ):
        execute(session.db, sql)
    for table in (stage, put, _fresh(step)):
        execute(session.db, f"DROP TABLE temp.{table}")


def _keep_put_in(session: Session, step: StepSql) -> None:
    """Keeps the rows that were put in, as the new table has them."""
    _create(session, step, _put(step))
    fresh = [f"f.f{number}" for number in range(1, len(step.new_key) + 1)]
    columns = ", ".join(f"n.{name}" for name in _columns(step))
    execute(
        session.db,
        f"INSERT INTO temp.{_put(step)} SELECT {columns} FROM temp.{_fresh(step)} AS f CROSS JOIN {step.target} AS n"
        f" ON {matches(step.target_key_of('n'), fresh, step.target_collations)}",
    )


def _create(session: Session, step: StepSql, name: str) -> None:
    """Creates an empty table like the new one, with nothing of it but columns and an index on the key."""
    execute(session.db, f"DROP TABLE IF EXISTS temp.{name}")
    execute(session.db, f"CREATE TEMP TABLE {name}({', '.join(_declared(step))})")
    key = ", ".join(f"{column} COLLATE BINARY" for column in step.target_key)
    execute(session.db, f"CREATE INDEX temp.{name}_key ON {name}({key})")


def _stage(step: StepSql) -> str:
    return f"_migration_replayed_{step.step.number}"


def _put(step: StepSql) -> str:
    return f"_migration_put_in_{step.step.number}"


def _fresh(step: StepSql) -> str:
    return f"_migration_fresh_{step.step.number}"


def _columns(step: StepSql) -> tuple[str, ...]:
    """Every column, generated ones too, and every name of the rowid: a trigger may read any of them."""
    table = step.step.table
    rowid = () if table.without_rowid else (name for name in ROWID_NAMES if table.column(name) is None)
    return tuple(quote(name) for name in (*(column.name for column in table.columns), *rowid))


def _declared(step: StepSql) -> Sequence[str]:
    """The columns with affinity and collation, so that values and comparisons are the same; no constraint."""
    table = step.step.table
    declared = {
        quote(column.name): f"{quote(column.name)} {column_affinity(table, column)} COLLATE {quote(column.collation)}"
        for column in table.columns
    }
    return [declared.get(name, name) for name in _columns(step)]


def _copied(trigger: Trigger, name: str, table: str) -> str:
    """The trigger's SQL with another name, on another table."""
    stream = tokens(trigger.sql)
    start = next(number for number, token in enumerate(stream) if token.keyword == "TRIGGER") + 1
    if [token.keyword for token in stream[start : start + 3]] == ["IF", "NOT", "EXISTS"]:
        start += 3
    after_name = start + (3 if stream[start + 1].text == "." else 1)
    on = next(number for number in range(after_name, len(stream)) if stream[number].keyword == "ON")
    after_table = on + (4 if stream[on + 2].text == "." else 2)
    between = trigger.sql[stream[after_name].start : stream[on].end]
    rest = trigger.sql[stream[after_table].start :]
    watched = _watched(stream[after_name:on])
    if watched:
        rest = f"WHEN {_changed(watched)} AND {_condition(trigger.sql, stream[after_table:])}"
    return f"CREATE TEMP TRIGGER {name} {between} {table} {rest}"


def _watched(stream: Sequence[Token]) -> tuple[str, ...]:
    """The columns of UPDATE OF."""
    of = next((number for number, token in enumerate(stream) if token.keyword == "OF"), len(stream))
    return tuple(token.value for token in stream[of + 1 :] if token.text != ",")


def _changed(columns: Sequence[str]) -> str:
    """UPDATE OF goes by the columns that the statement names, and ours names all of them: it goes by the values."""
    pairs = [(f"NEW.{quote(name)}", f"OLD.{quote(name)}") for name in columns]
    return f"NOT {conjunction(same(new, old, signed_zero=True) for new, old in pairs)}"


def _condition(sql: str, stream: Sequence[Token]) -> str:
    """What stands behind the table's name in a trigger, from its condition on."""
    begin = next(at for at, token in enumerate(stream) if token.keyword == "BEGIN" and stream[at - 1].text != ".")
    when = next((at for at in range(begin) if stream[at].keyword == "WHEN"), None)
    condition = "1" if when is None else sql[stream[when].end : stream[begin].start]
    return f"({condition}) {sql[stream[begin].start :]}"
