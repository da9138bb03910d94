"""The capture triggers: whatever is written to a recorded table, its key gets into the log."""

from __future__ import annotations

from hotmig.capture.log import log_key
from hotmig.capture.names import CAPTURE
from hotmig.capture.probes import probe_statements
from hotmig.planning.model import Recorded, SourceKey
from hotmig.sqlite import conjunction, quote, same


def capture_triggers(recorded: Recorded) -> tuple[str, ...]:
    """The CREATE TRIGGER statements for one table; none for a table that is only fenced.

    They may log too much but never too little. UPDATE OF is never used: ``SET rowid = 5`` does not name the
    INTEGER PRIMARY KEY column and would fire no ``UPDATE OF id``.
    """
    key = recorded.key
    if key is None:
        return ()
    triggers = [
        _trigger(recorded, "BEFORE INSERT", probe_statements(recorded, "INSERT")),
        _trigger(recorded, "AFTER INSERT", (log_key("insert", recorded, key, "NEW"),)),
        _trigger(
            recorded, "BEFORE UPDATE", (log_key("update", recorded, key, "OLD"), *probe_statements(recorded, "UPDATE"))
        ),
        _trigger(recorded, "AFTER UPDATE", (log_key("update", recorded, key, "NEW"),), _rekeyed(key)),
        _trigger(recorded, "BEFORE DELETE", (log_key("delete", recorded, key, "OLD"),)),
    ]
    return tuple(trigger for trigger in triggers if trigger)


def _trigger(recorded: Recorded, event: str, body: tuple[str, ...], when: str = "") -> str:
    if not body:
        return ""
    name = f"{CAPTURE}{recorded.number}_{event.lower().replace(' ', '_')}"
    statements = " ".join(f"{statement};" for statement in body)
    # The stored text begins with "CREATE TRIGGER" and goes on as written here: drift compares the two.
    return f"CREATE TRIGGER {name} {event} ON {quote(recorded.table.name)} {when}BEGIN {statements} END"


def _rekeyed(key: SourceKey) -> str:
    """WHEN the new key is not the *same*. Plain SQL can't tell -0.0 from 0.0, so a zero REAL counts as new."""
    if key.kind in ("integer", "rowid"):
        column = quote(key.columns[0])
        return f"WHEN NEW.{column} IS NOT OLD.{column} "
    kept = []
    for column in map(quote, key.columns):
        zero = f"(typeof(NEW.{column}) = 'real' AND NEW.{column} = 0)"
        kept.append(f"({same(f'NEW.{column}', f'OLD.{column}')} AND NOT {zero})")
    return f"WHEN NOT {conjunction(kept)} "
