"""The bulk copy: row by row never, chunk by chunk, leaving out what is logged."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hotmig.planning.model import TableStep
from hotmig.sqlite import execute, fold, quote, value
from hotmig.transfer import id_mapping
from hotmig.transfer.as_is import copy_as_is, missing
from hotmig.transfer.conflicts import ANEW_HINT, COPY_HINT, explain_conflict
from hotmig.transfer.groups.build import build_groups, map_losers
from hotmig.transfer.groups.created import plant_created
from hotmig.transfer.identity import TableCopy, read_copies
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.misfits import among, among_seeds, in_indexes
from hotmig.transfer.ranges import ChunkSize, KeyRange, Stopwatch
from hotmig.transfer.seeds import plant_seeds
from hotmig.transfer.session import Report, Session
from hotmig.transfer.step_sql import StepSql

AS_IS = "UPDATE main._migration_copy SET state = 'indexing', rows = ? WHERE table_name = ?"


@dataclass(frozen=True)
class Copied:
    """What one run copied; ``resumed`` says where an earlier run stood with each table that it had begun."""

    rows: dict[str, int]
    mapped: int
    resumed: tuple[TableCopy, ...]


def copy_all(
    session: Session, indexes: dict[str, tuple[str, ...]], report: Report, rows: Mapping[str, int] | None = None
) -> Copied:
    """Copies every table that is not copied yet: all mappings first, then rows, then indexes.

    ``indexes`` has the CREATE INDEX statements of each new table: built afterwards, from sorted input. ``rows`` came
    with the pages of the old file, in this very run.
    Raises Refused when a row does not fit, or refers to a row that is not there.
    """
    keys = LoggedKeys(session, 0)
    keys.load_backlog()
    build_groups(session, keys)
    rows = dict(rows or {})
    # A table whose keys are mapped is "copying" before its first row.
    begun = (each for each in read_copies(session.db) or () if each.rows or each.state not in ("waiting", "copying"))
    resumed = tuple(each for each in begun if each.table not in rows)
    mapped = 0
    for step in session.steps:
        if step.step.keys == "mapped" and _state(session, step.step.table.name) == "waiting":
            with session.step("map keys", step.step.table.name):
                mapped += _map_table(session, keys, step)
    for step in session.steps:
        if step.step.computes_its_keys:
            with session.step("index new keys", step.step.table.name), session.building():
                id_mapping.index_new_keys(session, step)
    by_name = {step.step.table.name: step for step in session.steps}
    waiting = [step for step in session.plan.steps if _state(session, step.table.name) == "waiting"]
    rows |= copy_as_is(session, waiting, indexes, AS_IS, report)
    for plain in session.plan.steps:
        name = plain.table.name
        if _state(session, name) in ("indexed", "copied"):
            continue
        if name in by_name and _state(session, name) != "indexing":
            with session.step("copy", name):
                rows[name] = _copy_table(session, keys, by_name[name], report)
        with session.step("index", name):
            _finish_table(session, keys, plain, by_name.get(name), indexes.get(name, ()))
    return Copied(rows, mapped, resumed)


def _finish_table(
    session: Session, keys: LoggedKeys, step: TableStep, old: StepSql | None, indexes: tuple[str, ...]
) -> None:
    if step.seeds:
        with session.snapshot(), explain_conflict(session, step, among_seeds, ANEW_HINT):
            plant_seeds(session.db, step, old)
    # Where any row is logged the replay does it: one that was copied and changed since still has its old values here.
    if old is not None and session.group(old) is not None and keys.is_empty(old):
        with session.building():
            plant_created(session, old)
    with session.building():
        with explain_conflict(session, step, in_indexes, ANEW_HINT):
            for sql in missing(session.db, indexes):
                execute(session.db, sql)
        _set(session, step.table.name, "state = 'indexed'")


def all_copied(session: Session) -> None:
    """The last statement of a copy: before it a killed run has views, statistics or the journal mode still to make."""
    execute(session.db, "UPDATE main._migration_copy SET state = 'copied'")


def _state(session: Session, table: str) -> str:
    state: str = value(session.db, "SELECT state FROM main._migration_copy WHERE table_name = ?", (table,))
    return state


def _set(session: Session, table: str, assignment: str) -> None:
    execute(session.db, f"UPDATE main._migration_copy SET {assignment} WHERE table_name = ?", (table,))


def _map_table(session: Session, keys: LoggedKeys, step: StepSql) -> int:
    """Assigns the new keys of one table, logged rows included: an unlogged child may refer to a logged parent."""

    def chunk(bounds: KeyRange) -> int:
        where = bounds.where(step.key_of("p"))
        with explain_conflict(session, step.step):
            _map_logged_parents(session, keys, step)
            return id_mapping.assign(session, step, f"{step.view} AS p WHERE {where}")

    mapped = _walk(session, keys, step, chunk, "state = 'copying', placed = 0", lambda _table, _rows: None)
    if (group := session.group(step)) is not None:
        with session.building():
            map_losers(session, group, "1")
    return mapped


def _map_logged_parents(session: Session, keys: LoggedKeys, step: StepSql) -> None:
    """A reference inside the key may lead to a row that came, or got another key, after its table was mapped."""
    key = {fold(name) for name in step.step.new_key}
    if not any(fold(target) in key for one in step.step.translations for target in one.targets):
        return
    for parent in session.steps[: session.steps.index(step)]:  # in the order of foreign keys
        if parent.step.keys != "mapped":
            continue
        if parent.step.number in keys.whole:
            id_mapping.assign(session, parent, f"{parent.view} AS p WHERE 1")
        elif not keys.is_empty(parent):
            id_mapping.assign(session, parent, f"{parent.logged_rows} WHERE 1")


def _copy_table(session: Session, keys: LoggedKeys, step: StepSql, report: Report) -> int:
    name = step.step.table.name

    def chunk(bounds: KeyRange) -> int:
        if step.step.number in keys.whole:
            # Any row of it may have changed: the replay compares the whole table.
            return 0
        where = f"{bounds.where(step.key_of('p'))} AND {keys.unlogged(step, step.key_of('p'))}"
        rows = f"{step.copied} AS p WHERE {where}"
        with explain_conflict(session, step.step, among(rows), COPY_HINT):
            copied = max(execute(session.db, step.insert(rows)).rowcount, 0)
        _set(session, name, f"state = 'copying', rows = rows + {copied}")
        return copied

    return _walk(session, keys, step, chunk, "state = 'indexing'", report)


def _walk(
    session: Session, keys: LoggedKeys, step: StepSql, chunk: Callable[[KeyRange], int], then: str, report: Report
) -> int:
    """Runs ``chunk`` over the table in ranges of its key, each in one snapshot that commits with its position.

    ``report`` is called between them, when no lock is held. ``then`` is where the table stands after the last one.
    """
    name = step.step.table.name
    source_key = [quote(column) for column in step.source_key.columns]
    bounds = KeyRange(session.db, step.source, tuple(source_key))
    positions = [f"position_{number}" for number in range(1, len(source_key) + 1)]
    bounds.begin(
        f"SELECT {', '.join(positions)} FROM main._migration_copy WHERE table_name = {step.label} AND placed = 1"
    )
    size, total, more = ChunkSize.for_session(session), 0, True
    while more:
        with session.snapshot():
            keys.load()
            # What was logged meanwhile takes its time too, and smaller chunks would not make that shorter.
            watch = Stopwatch()
            more = bounds.extend(size.rows)
            done = chunk(bounds)
            if more:
                placed = ", ".join(
                    f"{position} = (SELECT p{number} FROM temp._migration_upper_bound)"
                    for number, position in enumerate(positions, 1)
                )
                _set(session, name, f"placed = 1, {placed}")
                bounds.advance()
            else:
                _set(session, name, then)
            seconds = watch.seconds()
        size.took(seconds)
        total += done
        report(name, done)
        session.let_writers_in(seconds)
    return total
