"""Drift: has somebody's DDL, or a VACUUM, changed what recording relies on?"""

from __future__ import annotations

import sqlite3

from hotmig.capture.marker import Marker, read_marker, schema_version
from hotmig.capture.names import FENCE, LOG, MARKER
from hotmig.capture.recording import start_recording_sql
from hotmig.catalog.fingerprint import differences
from hotmig.catalog.own import is_own_trigger
from hotmig.catalog.read import read_catalog
from hotmig.errors import BEGIN_ANEW, Refused
from hotmig.planning.model import CopyPlan
from hotmig.sqlite import execute


def check_planned(db: sqlite3.Connection, plan: CopyPlan) -> None:
    """The ``verify`` of ``start_recording``. Raises Refused when the catalog is no longer the planned one."""
    changes = differences(plan.old, read_catalog(db))
    if changes:
        raise Refused(
            f"the old database changed since it was planned: {told(changes)}",
            "run `hotmig migrate` again: it plans anew",
        )


def check_drift(db: sqlite3.Connection, plan: CopyPlan, hint: str = BEGIN_ANEW) -> bool:
    """Inside the caller's transaction: returns when nothing that recording relies on is changed.

    PRAGMA schema_version is the fast path. Where it moved without a change that matters (ANALYZE, PRAGMA optimize) the
    answer is True: something may have been changed and put back, and only a proof after it says that no write was
    missed. Who is about to prove stamps it anew. Raises Refused, saying what changed, or that nothing is recorded.
    """
    marker = read_marker(db)
    if marker is None:
        raise Refused("the old database is not being recorded any more", BEGIN_ANEW)
    if marker.schema_version == schema_version(db):
        return False
    changes = drift(db, plan, marker)
    if changes:
        raise Refused(f"the old database was changed while it was recorded: {told(changes)}", hint)
    return True


def drift(db: sqlite3.Connection, plan: CopyPlan, marker: Marker) -> tuple[str, ...]:
    """What changed since recording began, one line each, for people. Reads the whole catalog; changes nothing.

    A moved schema_version may be a VACUUM, which renumbers the rows that are known by nothing but their rowid.
    """
    changes = [*differences(plan.old, read_catalog(db)), *_own_changes(db, plan, marker)]
    if marker.schema_version != schema_version(db):
        changes += [
            f"table {each.table.name} has no key but the rowid, and a VACUUM may have renumbered its rows"
            for each in plan.recorded
            if each.key is not None and each.key.kind == "rowid"
        ]
    return tuple(changes)


def _own_changes(db: sqlite3.Connection, plan: CopyPlan, marker: Marker) -> list[str]:
    expected, found = _expected(plan, marker), _found(db)
    if marker.status != "recording":
        # A fence with gaps is no reason to begin anew: a drain takes down what stands, and raises a whole one.
        found = {name: sql for name, sql in found.items() if not name.startswith(FENCE)}
    return [
        *(f"{name} dropped" for name in expected if name not in found),
        *(f"{name} appeared" for name in found if name not in expected),
        *(f"{name} changed" for name, sql in expected.items() if found.get(name, sql) != sql),
    ]


def _expected(plan: CopyPlan, marker: Marker) -> dict[str, str]:
    statements = start_recording_sql(plan.recorded, marker.target, marker.plan_hash)
    # CREATE TABLE name(… and CREATE TRIGGER name …: SQLite stores the text as it was executed.
    return {sql.split("(")[0].split()[2]: sql for sql in statements if sql.startswith("CREATE ")}


def _found(db: sqlite3.Connection) -> dict[str, str]:
    """Everything of ours, and whatever stands on marker and log."""
    entries = execute(db, "SELECT name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL").fetchall()
    return {name: sql for name, table, sql in entries if table in (MARKER, LOG) or is_own_trigger(name)}


def changed_behind(db: sqlite3.Connection, plan: CopyPlan) -> str | None:
    """What changed in the tables of a retired database, for which a cutover that was cut in two can't be finished."""
    changes = differences(plan.old, read_catalog(db))
    return f"was changed behind its retirement: {told(changes)}" if changes else None


def told(changes: tuple[str, ...]) -> str:
    """The first few changes, and how many more there are."""
    shown = "; ".join(changes[:3])
    return shown if len(changes) <= 3 else f"{shown}; and {len(changes) - 3} more"
