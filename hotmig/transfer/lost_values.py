"""Values that a type change would lose: the plan looked at all rows, and these were written since."""

from __future__ import annotations

from hotmig.errors import Refused
from hotmig.planning.projection import loses
from hotmig.sqlite import execute, quote
from hotmig.transfer.conflicts import HINT
from hotmig.transfer.key_sql import row_value
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import Misfit, cut, named, told
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql


def require_none_lost(session: Session, step: StepSql, where: str) -> None:
    """Looks at the old rows of ``where``, a condition over their bare columns.

    Raises Refused with column and keys: such a value fits into the new column, and no constraint would stop it.
    """
    key = ", ".join(_own_key(step))
    for column in step.step.columns:
        taken, lost = step.step.taken_from(column), loses(step.step, column)
        if taken is None or lost is None:
            continue
        rows = execute(
            session.db,
            f"SELECT {key}, {cut(quote(taken.name))} FROM {step.source} WHERE ({where}) AND {lost} LIMIT {SAMPLES}",
        ).fetchall()
        if rows:
            what = f"{column.name} would not keep what is there: its type changes"
            width = len(step.source_key.columns)
            misfits = [Misfit(named(row, width, 0), columns=(taken.name,)) for row in rows]
            message = f'table "{step.step.table.name}" of the new schema: {what}'
            raise Refused(message, HINT, rows=told(step.step, misfits))


def of_logged_keys(step: StepSql) -> str:
    """The condition for the logged keys; rows whose keys differ in case alone are looked at too, which is harmless."""
    names = _own_key(step)
    wanted = ", ".join(step.key_of("k"))
    return f"{row_value(names)} IN (SELECT {wanted} FROM {step.keys} AS k)"


def _own_key(step: StepSql) -> tuple[str, ...]:
    """The old key's columns, for use over the old table alone."""
    return tuple(quote(name) for name in step.source_key.columns)
