"""The fence: triggers that refuse writes, for a limited time while a migration drains, and for good after it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from hotmig.capture.clock import SECONDS_A_DAY, julian_day, uptime
from hotmig.capture.marker import Marker, read_marker, schema_version, stamp
from hotmig.capture.names import FENCE, MARKER
from hotmig.catalog.own import is_own
from hotmig.errors import Refused
from hotmig.sqlite import Row, execute, quote, text

if TYPE_CHECKING:  # `hotmig status` reads the fence, and must not wait for the planner
    from hotmig.planning.model import Recorded

EVENTS = ("insert", "update", "delete")

_NO_TIMES = "fence_from = NULL, fence_until = NULL, fence_uptime = NULL"
# A fence that is up already has been refusing writes since it was raised.
_IS_UP = "julianday('now') BETWEEN fence_from AND fence_until"


@dataclass(frozen=True)
class FenceState:
    """``seconds_left`` until it lapses; None for a fence that stands for good, 0 where none keeps writes out."""

    state: Literal["none", "up", "lapsed"]
    seconds_left: float | None

    @property
    def is_up(self) -> bool:
        """Whether writes are refused."""
        return self.state == "up"


def paused_message(target: str) -> str:
    """What an application sees while writes are paused. A contract: applications retry on it."""
    return f"hotmig: writes are paused for a migration to {target}"


def replaced_message(successor: str) -> str:
    """What an application sees after cutover. A contract: applications reopen on it."""
    return f"hotmig: this database was replaced by {successor}"


def fence_triggers(recorded: Sequence[Recorded], target: str) -> tuple[str, ...]:
    """The CREATE TRIGGER statements of the timed fence, for every recorded table, with or without a key.

    They ask the marker, so that cutover makes them final without DDL. A clock that is set back lets writes through.
    """
    paused = f"status = 'draining' AND {_IS_UP}"
    body = (
        f"SELECT RAISE(ABORT, {text(paused_message(target))}) FROM {MARKER} WHERE {paused};"
        f" SELECT RAISE(ABORT, {text(replaced_message(target))}) FROM {MARKER} WHERE status = 'retired';"
    )
    return tuple(
        _trigger(f"{FENCE}{each.number}", event, each.table.name, body) for each in recorded for event in EVENTS
    )


def standing_triggers(tables: Sequence[tuple[int, str]], successor: str) -> tuple[str, ...]:
    """The CREATE TRIGGER statements of a fence that needs no marker, for numbered table names."""
    body = f"SELECT RAISE(ABORT, {text(replaced_message(successor))});"
    return tuple(_trigger(f"{FENCE}{number}", event, table, body) for number, table in tables for event in EVENTS)


def _trigger(prefix: str, event: str, table: str, body: str) -> str:
    return f"CREATE TRIGGER {prefix}_{event} BEFORE {event.upper()} ON {quote(table)} BEGIN {body} END"


def raise_fence(db: sqlite3.Connection, recorded: Sequence[Recorded], hold_seconds: float) -> None:
    """Refuses all writes from the caller's commit on, for ``hold_seconds`` from now. Inside its write transaction.

    A fence that has lapsed is raised again. Raises Refused where nothing is recorded or all is retired.
    """
    _marker(db)
    with _own_ddl(db):
        stand_fence(db, recorded)
        since = f"CASE WHEN {_IS_UP} THEN fence_from ELSE julianday('now') END"
        at = f"CASE WHEN {_IS_UP} THEN fence_uptime ELSE ? END"
        sql = f"UPDATE {MARKER} SET status = 'draining', fence_from = {since}, fence_until = {_until()}"
        execute(db, f"{sql}, fence_uptime = {at}", (hold_seconds, uptime()))


def stand_fence(db: sqlite3.Connection, recorded: Sequence[Recorded]) -> None:
    """Creates those of the triggers that are missing; what they refuse, the marker says. Inside a write transaction."""
    marker = read_marker(db)
    standing = {name for name, _ in own_fence(db)}
    for sql in fence_triggers(recorded, marker.target) if marker else ():
        if sql.split()[2] not in standing:
            execute(db, sql)


def fence_stands(db: sqlite3.Connection, recorded: Sequence[Recorded]) -> bool:
    """Whether all of its triggers are there, whatever they refuse now."""
    return len(own_fence(db)) == len(recorded) * len(EVENTS)


def open_tables(db: sqlite3.Connection) -> tuple[str, ...]:
    """The application's tables that lack a trigger of the fence, by name: whatever else says so, writes get in there.

    Every ordinary table has all of them, in a database that was drained as in what ``cleanup-old`` leaves.
    """
    sql = f"""SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*'
        EXCEPT SELECT tbl_name FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB ?
        GROUP BY tbl_name HAVING count(*) >= {len(EVENTS)} ORDER BY 1"""
    return tuple(name for (name,) in execute(db, sql, (f"{FENCE}[0-9]*",)).fetchall() if not is_own(name))


def lower_fence(db: sqlite3.Connection) -> None:
    """Lets writes through again; recording goes on. Inside the caller's write transaction.

    Raises Refused where nothing is recorded or all is retired.
    """
    _marker(db)
    with _own_ddl(db):
        for name, _ in own_fence(db):
            execute(db, f"DROP TRIGGER {quote(name)}")
        execute(db, f"UPDATE {MARKER} SET status = 'recording', {_NO_TIMES}")


def extend_fence(db: sqlite3.Connection, hold_seconds: float) -> None:
    """Lets the fence lapse ``hold_seconds`` from now. Raises Refused unless draining."""
    _marker(db, draining=True)
    execute(db, f"UPDATE {MARKER} SET fence_until = {_until()}", (hold_seconds,))


def retire(db: sqlite3.Connection) -> None:
    """Makes the fence final: no DDL, one row. Inside the caller's write transaction. Raises Refused unless draining."""
    _marker(db, draining=True)
    execute(db, f"UPDATE {MARKER} SET status = 'retired'")


def fence_state(marker: Marker | None, now: float) -> FenceState:
    """Whether the fence keeps writes out at ``now``, in seconds since 1970 as time.time() has them."""
    if marker is None or marker.status == "recording":
        return FenceState("none", 0.0)
    if marker.status == "retired":
        return FenceState("up", None)
    day = julian_day(now)
    start, until = marker.fence_from, marker.fence_until
    if start is None or until is None or not start <= day <= until:
        return FenceState("lapsed", 0.0)
    return FenceState("up", (until - day) * SECONDS_A_DAY)


def own_fence(db: sqlite3.Connection) -> list[Row]:
    """Name and table of every fence trigger that stands."""
    sql = "SELECT name, tbl_name FROM main.sqlite_schema WHERE type = 'trigger' AND name GLOB ? ORDER BY rowid"
    return execute(db, sql, (f"{FENCE}[0-9]*",)).fetchall()


def _until() -> str:
    return f"julianday('now') + ? / {float(SECONDS_A_DAY)}"


def _marker(db: sqlite3.Connection, *, draining: bool = False) -> Marker:
    marker = read_marker(db)
    if marker is None:
        raise Refused("the old database is not being recorded", "run `hotmig migrate`")
    if marker.status == "retired":
        raise Refused(f"the old database was replaced by {marker.target}", "`hotmig cutover` finishes what was begun")
    if draining and marker.status != "draining":
        raise Refused("the fence is not up", "run `hotmig drain`")
    return marker


@contextmanager
def _own_ddl(db: sqlite3.Connection) -> Iterator[None]:
    """Stamps what is done inside, unless somebody's DDL came before it: drift must still see that."""
    marker = _marker(db)
    known = marker.schema_version == schema_version(db)
    yield
    if known:
        stamp(db)
