"""The capture triggers: whatever is written to a recorded table, its key gets into the log."""

from __future__ import annotations

from hotmig.capture.log import STORED, log_both_keys, log_key, log_rows, log_whole_table
from hotmig.capture.names import CAPTURE
from hotmig.capture.probes import may_default, probe_statements
from hotmig.planning.model import Recorded, SourceKey
from hotmig.sqlite import conjunction, disjunction, quote, same


def capture_triggers(recorded: Recorded) -> tuple[str, ...]:
    """The CREATE TRIGGER statements for one table; none for a table that is only fenced.

    They may log too much but never too little. UPDATE OF is never used: ``SET rowid = 5`` does not name the
    INTEGER PRIMARY KEY column and would fire no ``UPDATE OF id``.
    """
    key = recorded.key
    if key is None:
        return ()
    rekeyed = _rekeyed(key)
    before_insert = (*_key_before_insert(recorded, key), *probe_statements(recorded, "INSERT"))
    # An UPDATE OR REPLACE can evict a row under the new key and then, by a cascade from there, lose its own row.
    before_update = (log_both_keys("update", key, rekeyed), *probe_statements(recorded, "UPDATE"))
    # A rowid is an integer before the first trigger sees it (sqlite3Update in update.c), and no trigger changes it.
    after_update = () if key.kind in ("integer", "rowid") else (log_key("update", key, "NEW"),)
    triggers = [
        _trigger(recorded, "BEFORE INSERT", before_insert),
        _trigger(recorded, "AFTER INSERT", _key_after_insert(recorded, key)),
        _trigger(recorded, "BEFORE UPDATE", before_update),
        _trigger(recorded, "AFTER UPDATE", after_update, f"WHEN {rekeyed} "),
        _trigger(recorded, "BEFORE DELETE", (log_key("delete", key, "OLD"),)),
    ]
    return tuple(trigger for trigger in triggers if trigger)


def _key_after_insert(recorded: Recorded, key: SourceKey) -> tuple[str, ...]:
    """The new key, read from the row itself where it isn't the rowid.

    Looking for children by an index on an INTEGER column, SQLite's foreign key check makes 5 of NEW's '05'.
    """
    rowid = _rowid(recorded)
    if key.kind in ("integer", "rowid"):
        return (log_key("insert", key, "NEW"),)
    return (log_rows("insert", key, f"{STORED}.{rowid} = NEW.{rowid}"),) if rowid else ()


def _key_before_insert(recorded: Recorded, key: SourceKey) -> tuple[str, ...]:
    """The new key where the row can't be found again for certain: not yet changed, but without its defaults."""
    if key.kind in ("integer", "rowid") or _rowid(recorded):
        return ()
    columns = [column for name in key.columns if (column := recorded.table.column(name))]
    logged = log_key("insert", key, "NEW", conjunction(f"NEW.{quote(column.name)} IS NOT NULL" for column in columns))
    defaults = [f"NEW.{quote(column.name)} IS NULL" for column in columns if may_default(recorded.table, column)]
    return (logged, log_whole_table(key.table, disjunction(defaults))) if defaults else (logged,)


def _rowid(recorded: Recorded) -> str | None:
    name = recorded.table.rowid_alias or recorded.table.rowid_name
    return None if name is None else quote(name)


def _trigger(recorded: Recorded, event: str, body: tuple[str, ...], when: str = "") -> str:
    if not body:
        return ""
    name = f"{CAPTURE}{recorded.number}_{event.lower().replace(' ', '_')}"
    statements = " ".join(f"{statement};" for statement in body)
    # The stored text begins with "CREATE TRIGGER" and goes on as written here: drift compares the two.
    return f"CREATE TRIGGER {name} {event} ON {quote(recorded.table.name)} {when}BEGIN {statements} END"


def _rekeyed(key: SourceKey) -> str:
    """Whether the new key is not the *same*. Plain SQL can't tell -0.0 from 0.0, so a zero REAL counts as new."""
    if key.kind in ("integer", "rowid"):
        column = quote(key.columns[0])
        return f"NEW.{column} IS NOT OLD.{column}"
    kept = []
    for column in map(quote, key.columns):
        zero = f"(typeof(NEW.{column}) = 'real' AND NEW.{column} = 0)"
        kept.append(f"({same(f'NEW.{column}', f'OLD.{column}')} AND NOT {zero})")
    return f"NOT {conjunction(kept)}"
