"""Triggers of the new schema that asked for replayed rows (``on_replay=True``).

Replay takes every changed row out and puts it in again, and no trigger may see that. What really happened to the rows
is acted out afterwards on a temporary table beside the real one, which carries a copy of the trigger: deletes, updates
and inserts, each once, and the trigger's own statements write to the real tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotmig.catalog.lexer import tokens
from hotmig.catalog.model import Trigger
from hotmig.sqlite import execute, fold, quote
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql, matches, row_value


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
    """Keeps the rows that are about to be taken out, and the keys of those that are about to be put in."""
    if not triggers_of(session, step):
        return
    stage = _stage(step)
    execute(session.db, f"DROP TABLE IF EXISTS temp.{stage}")
    execute(session.db, f"CREATE TEMP TABLE {stage}({', '.join(_declared(step))})")
    columns = ", ".join(f"n.{name}" for name in _columns(step))
    doomed = ", ".join(f"+d{number}" for number in range(1, len(step.new_key) + 1))
    execute(
        session.db,
        f"INSERT INTO temp.{stage} SELECT {columns} FROM {step.target} AS n"
        f" WHERE {row_value(step.target_key_of('n'))} IN (SELECT {doomed} FROM {step.doomed})",
    )


def remember_new(session: Session, step: StepSql) -> None:
    """Keeps the keys of the rows that are about to be put in."""
    if not triggers_of(session, step):
        return
    keys = ", ".join(f"{expression} AS f{number}" for number, expression in enumerate(step.new_key_of("r"), 1))
    found = matches(step.target_key_of("n"), step.new_key_of("r"), step.target_collations)
    execute(session.db, f"DROP TABLE IF EXISTS temp.{_fresh(step)}")
    execute(
        session.db,
        f"CREATE TEMP TABLE {_fresh(step)} AS SELECT {keys} FROM {step.rows} AS r"
        f" WHERE NOT EXISTS (SELECT 1 FROM {step.target} AS n WHERE {found})",
    )


def act_out(session: Session, step: StepSql) -> None:
    """Fires the triggers of one table for what the replay did to its rows."""
    triggers = triggers_of(session, step)
    if not triggers:
        return
    stage = _stage(step)
    for number, trigger in enumerate(triggers, 1):
        execute(session.db, _copied(trigger, f"{stage}_{number}", stage))
    key = _key(step)
    fresh = [f"f.f{number}" for number in range(1, len(key) + 1)]
    joined = f"temp.{_fresh(step)} AS f CROSS JOIN {step.target} AS n"
    held = f"{joined} ON {matches(step.target_key_of('n'), fresh, step.target_collations)}"
    staged = matches([f"s.{name}" for name in key], fresh)
    execute(
        session.db,
        f"DELETE FROM temp.{stage} AS s WHERE NOT EXISTS (SELECT 1 FROM temp.{_fresh(step)} AS f WHERE {staged})",
    )
    columns = _columns(step)
    assignments = ", ".join(f"{name} = n.{name}" for name in columns)
    execute(session.db, f"UPDATE temp.{stage} AS s SET {assignments} FROM {held} WHERE {staged}")
    execute(
        session.db,
        f"INSERT INTO temp.{stage} SELECT {', '.join(f'n.{name}' for name in columns)} FROM {held}"
        f" WHERE NOT EXISTS (SELECT 1 FROM temp.{stage} AS s WHERE {staged})",
    )
    for table in (stage, _fresh(step)):
        execute(session.db, f"DROP TABLE temp.{table}")


def _stage(step: StepSql) -> str:
    return f"replayed_{step.step.number}"


def _fresh(step: StepSql) -> str:
    return f"fresh_{step.step.number}"


def _columns(step: StepSql) -> tuple[str, ...]:
    """Every column, generated ones too, and the rowid where that is the key: a trigger may read any of them."""
    names = [quote(column.name) for column in step.step.table.columns]
    return tuple(dict.fromkeys([*names, *_key(step)]))


def _key(step: StepSql) -> tuple[str, ...]:
    return step.target_key


def _declared(step: StepSql) -> Sequence[str]:
    """The columns with type and collation, so that comparisons in the trigger mean the same; no constraint."""
    declared = {
        quote(column.name): f"{quote(column.name)} {column.type} COLLATE {quote(column.collation)}"
        for column in step.step.table.columns
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
    between = trigger.sql[stream[after_name].start : stream[on].end]
    return f"CREATE TEMP TRIGGER {name} {between} {table} {trigger.sql[stream[on + 1].end :]}"
