"""A new key that is computed from old values, and that two old rows would have: no constraint stops the second one.

Replay takes out what stands at the keys of the changed rows, so that the second row would take the first one's place.
"""

from __future__ import annotations

from hotmig.errors import Refused
from hotmig.sqlite import execute
from hotmig.transfer import id_mapping
from hotmig.transfer.conflicts import HINT
from hotmig.transfer.groups.fates import is_gone
from hotmig.transfer.key_sql import matches
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import Misfit, cut, named, told
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


def require_own_keys(session: Session, step: StepSql) -> None:
    """Looks whether any other old row is mapped to the new key of a row that a replay puts in.

    Raises Refused with the old keys of both.
    """
    if not step.step.computes_its_keys:
        return
    old, new = id_mapping.old_names(step), id_mapping.new_names(step)
    found = matches([f"m.{name}" for name in new], [f"+{name}" for name in step.new_key_of("r")])
    own = matches([f"m.{name}" for name in old], [f"+{name}" for name in step.key_of("r")])
    gone = is_gone(step.step, [f"m.{name}" for name in old]) if step.step.loses_rows else "0"
    values = [cut(name) for name in step.new_key_of("r")]
    # Two of the rows themselves are found from either side.
    rows = execute(
        session.db,
        f"SELECT {', '.join([*step.key_of('r'), *values, *(f'm.{name}' for name in old)])} FROM {step.rows} AS r"
        f" CROSS JOIN main._id_mapping AS m ON m.table_name = {step.label} AND {found} AND NOT ({own}) AND NOT {gone}"
        f" LIMIT {2 * SAMPLES}",
    ).fetchall()
    misfits, seen, width = [], set(), len(old)
    for row in rows:
        mine, theirs = row[:width], row[-width:]
        if (theirs, mine) not in seen:
            misfits.append(Misfit(named(row[:-width], width, 0), named(theirs, width, 0), step.step.new_key))
        seen.add((mine, theirs))
    if misfits:
        table, key = step.step.table.name, ", ".join(step.step.new_key)
        message = f'table "{table}" of the new schema does not take a row: {key} would be the same for two old rows'
        raise Refused(message, HINT, rows=told(step.step, misfits[:SAMPLES]))
