"""Replay: for every logged key, the new rows are made equal to the old rows of one snapshot."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from dataclasses import dataclass

from hotmig.errors import Refused
from hotmig.sqlite import execute, value
from hotmig.transfer import id_mapping
from hotmig.transfer.conflicts import explain_conflict
from hotmig.transfer.full_text import rebuild, touch
from hotmig.transfer.groups.build import forget_lent, map_losers, require_no_collision
from hotmig.transfer.groups.created import doom_created, is_created, plant_created, prove_parents, require_free_keys
from hotmig.transfer.groups.fates import key_names
from hotmig.transfer.groups.tables import forget_pending
from hotmig.transfer.guard import require_untouched
from hotmig.transfer.high_water import carry_high_water
from hotmig.transfer.key_sql import matches
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.lost_values import of_logged_keys, require_none_lost
from hotmig.transfer.misfits import among, among_seeds
from hotmig.transfer.on_replay import act_out, remember_before, remember_new
from hotmig.transfer.proof import prove_keys
from hotmig.transfer.ranges import ChunkSize, Stopwatch
from hotmig.transfer.references import check_touched, remember_deleted
from hotmig.transfer.seeds import plant_seeds
from hotmig.transfer.session import Session
from hotmig.transfer.step_sql import StepSql
from hotmig.transfer.taken_keys import require_own_keys
from hotmig.transfer.widen import follows_names

MOST_BACKLOGS = 4  # how many times the log rows that wait at first may be replayed in portions


@dataclass(frozen=True)
class Replayed:
    """One round: ``entries`` log rows up to ``upto`` named ``keys`` keys; rows were ``deleted`` and ``inserted``.

    Those that were changed in place count as deleted. Of the ``seconds``, ``own_seconds`` were spent on these rows: not
    on the search for their keys, nor on the commit.
    """

    upto: int
    entries: int
    keys: int
    deleted: int
    inserted: int
    seconds: float
    own_seconds: float


def pending(session: Session) -> int:
    """How many log rows wait to be replayed."""
    return session.last_log_id() - _checkpoint(session)


def catch_up(session: Session) -> Iterator[Replayed]:
    """Replays a long log in portions, each in a short snapshot, and then the rest, up to a committed state.

    A portion can meet what only the rest of the log puts right: a UNIQUE value that moved on, a parent that came
    later. It is undone, and all the rest is replayed at once; so it is where a trigger asks for the replayed rows, and
    where children go by what their parent is called: a portion would read them against a name that it does not bring.
    Where rows become one, a portion could see a collision that the next one puts right.
    Raises Refused when a row does not fit in the end.
    """
    try:
        if not session.plan.replay_triggers and not follows_names(session) and not session.groups:
            yield from _portions(session)
    except Refused:
        session.let_writers_in()
    with session.step("replay", session.file):
        rest = replay(session)
    yield rest


def _portions(session: Session) -> Iterator[Replayed]:
    """Ends with a rest of one portion; or where the application writes nearly as fast as this follows."""
    size, left = ChunkSize.for_log(session), MOST_BACKLOGS * pending(session)
    while left > 0 and pending(session) > size.rows:
        with session.step("replay", session.file):
            portion = replay(session, most=size.rows)
        size.took(portion.own_seconds)
        left -= portion.entries
        yield portion
        session.let_writers_in()


def replay(
    session: Session,
    *,
    most: int | None = None,
    finish: bool = False,
    proved_from: int | None = None,
    fence_from: float | None = None,
) -> Replayed:
    """Replays everything up to the newest log row of one snapshot, in one transaction of the new database.

    ``most`` stops it earlier, after so many log rows. With ``finish`` (under the fence) it also carries the high-water
    marks over, proves the rows that it touched and completes the drain: the guard keeps everybody out from then on.
    ``proved_from`` is what ``commits_of_others`` said when the proof began, ``fence_from`` tells which fence it was.

    Raises Refused when a row does not fit, or somebody else wrote since the proof; then nothing has changed.
    """
    started = time.monotonic()
    for step in session.steps:
        if step.step.keys == "mapped":
            # In the first round, before any lock is held; the rounds after it know.
            id_mapping.last_assigned(session, step)
    with session.snapshot():
        if proved_from is not None:
            require_untouched(session.db, proved_from)
        checkpoint = _checkpoint(session)
        keys = LoggedKeys(session, checkpoint)
        keys.forget(checkpoint)
        entries = keys.load(most, after_copy=checkpoint == 0)
        require_no_collision(session)
        watch = Stopwatch()
        if entries or keys.has_pending:
            deleted, inserted = _reconcile(session, keys)
        else:
            deleted = inserted = 0
        if most is None:
            forget_pending(session)
        count = sum(_count(session, step.keys) for step in session.steps)
        if finish:
            prove_keys(session, keys)
            rebuild(session)
            carry_high_water(session)
        execute(
            session.db,
            "UPDATE main._migration_progress SET last_replayed_log_id = ?, drain_completed = ?, fence_from = ?",
            (keys.upto, int(finish), fence_from),
        )
        own_seconds = watch.seconds()
    if finish:
        session.stale_texts.clear()
    return Replayed(keys.upto, entries, count, deleted, inserted, time.monotonic() - started, own_seconds)


def _checkpoint(session: Session) -> int:
    checkpoint: int = value(session.db, "SELECT last_replayed_log_id FROM main._migration_progress")
    return checkpoint


def _reconcile(session: Session, keys: LoggedKeys) -> tuple[int, int]:
    for step in session.steps:
        if step.step.number in keys.whole:
            _log_every_key(session, step)
    touched = [step for step in session.steps if not keys.is_empty(step)]
    touch(session, (step.step.table.name for step in touched))
    for step in touched:
        _begin(session, step)
    for step in touched:
        with explain_conflict(session, step.step):
            execute(session.db, f"INSERT INTO {step.rows} SELECT p.* FROM {step.logged_rows}")
        require_none_lost(session, step, of_logged_keys(step))
        require_own_keys(session, step)
        require_free_keys(session, step)
    out = {step.step.number: _take_out(session, step) for step in reversed(touched)}
    deleted = sum(each.changed + each.deleted for each in out.values())
    inserted = sum(_put_in(session, step, out[step.step.number]) for step in touched)
    check_touched(session, touched)
    prove_parents(session, touched)
    for step in touched:
        with explain_conflict(session, step.step):
            act_out(session, step)
    return deleted, inserted


def _log_every_key(session: Session, step: StepSql) -> None:
    """A whole-table mark: every key that either side has counts as logged."""
    old = f"SELECT {', '.join(step.source_key_of('o'))} FROM {step.source} AS o"
    if step.step.keys == "kept":
        # A row that was made has no old one, and is not gone for that.
        own = f"NOT {is_created(session, step, step.target_key_of('n'))}"
        both = f"SELECT {', '.join(step.target_key_of('n'))} FROM {step.target} AS n WHERE {own}"
    else:
        both = f"SELECT {', '.join(id_mapping.old_names(step))} FROM main._id_mapping WHERE table_name = {step.label}"
    for select in (old, both):
        execute(session.db, f"INSERT OR IGNORE INTO {step.keys} {select}")


def _begin(session: Session, step: StepSql) -> None:
    """Empties the work tables of one table; a mapped one gets its new keys, before any row refers to them."""
    execute(session.db, f"DELETE FROM {step.rows}")
    execute(session.db, f"DELETE FROM {step.doomed}")
    if step.step.keys == "mapped":
        group = session.group(step)
        with explain_conflict(session, step.step):
            if group is not None:
                forget_lent(session, group)
            id_mapping.doom_moved(session, step, step.doomed)
            id_mapping.assign(session, step, f"{step.logged_rows} WHERE 1")
            if group is not None:
                map_losers(session, group, of_logged(step))


def of_logged(step: StepSql) -> str:
    """The condition that the fate ``f`` is that of a logged key."""
    own = matches(step.key_of("x"), [f"+{name}" for name in key_names(step.step, "f")])
    return f"EXISTS (SELECT 1 FROM {step.keys} AS x WHERE {own})"


def _count(session: Session, rows: str) -> int:
    return int(value(session.db, f"SELECT count(*) FROM {rows}"))


@dataclass(frozen=True)
class _TakenOut:
    """Of one table: how many rows were changed in place, which may be all there are to put in, and deleted."""

    changed: int
    all_in_place: bool
    deleted: int


def _take_out(session: Session, step: StepSql) -> _TakenOut:
    """Deletes the new rows whose old row is gone, and those that are not the same: a UNIQUE value may have moved."""
    target_key = ", ".join(step.target_key_of("n"))
    if step.step.keys == "kept" and _count(session, step.keys) != _count(session, step.rows):
        held = matches(step.target_key_of("n"), step.key_of("k"), step.target_collations)
        gone = matches(step.key_of("r"), step.key_of("k"))
        execute(
            session.db,
            f"INSERT INTO {step.doomed} SELECT {target_key}"
            f" FROM {step.keys} AS k CROSS JOIN {step.target} AS n ON {held}"
            f" WHERE NOT EXISTS (SELECT 1 FROM {step.rows} AS r WHERE {gone})"
            # An old row that had the key of one that was made meanwhile, and is gone, takes nothing along.
            f" AND NOT {is_created(session, step, step.target_key_of('n'))}",
        )
    changed = _change_in_place(session, step)
    all_in_place = changed == _count(session, step.rows)
    if not all_in_place:
        found = matches(step.target_key_of("n"), step.new_key_of("r"), step.target_collations)
        rows = f"{step.rows} AS r CROSS JOIN {step.target} AS n ON {found}"
        wrong = step.comparison.differs("r", "n")
        if step.comparison.seeds_give_more:
            # The row that stands there can be the seed, with the same values wherever the old row has any.
            wrong = f"({wrong} OR {step.has_seed('r', 'NOT s.wins')})"
        execute(session.db, f"INSERT INTO {step.doomed} SELECT {target_key} FROM {rows} WHERE {wrong}")
    doom_created(session, step)
    remember_deleted(session, step)
    remember_before(session, step)
    cursor = execute(session.db, f"DELETE FROM {step.target} AS n WHERE {step.is_doomed('n')}")
    return _TakenOut(changed, all_in_place, max(cursor.rowcount, 0))


def _change_in_place(session: Session, step: StepSql) -> int:
    """Spares most updates the way out and in again, and their index entries with them.

    Triggers that ask for replayed rows have to see both. What does not fit is found, and told, by that way.
    """
    if step.comparison.change_in_place is None or session.plan.replay_triggers:
        return 0
    try:
        return max(execute(session.db, step.comparison.change_in_place).rowcount, 0)
    except sqlite3.IntegrityError:
        return 0


def _put_in(session: Session, step: StepSql, out: _TakenOut) -> int:
    """Inserts the rows that are missing, and the seed rows that their old rows no longer cover."""
    remember_new(session, step)
    inserted = 0
    if out.deleted or not out.all_in_place:
        found = matches(step.target_key_of("n"), step.new_key_of("p"), step.target_collations)
        missing = f"{step.rows} AS p WHERE NOT EXISTS (SELECT 1 FROM {step.target} AS n WHERE {found})"
        with explain_conflict(session, step.step, among(missing)):
            inserted = max(execute(session.db, step.insert(missing)).rowcount, 0)
    inserted += plant_created(session, step)
    with explain_conflict(session, step.step, among_seeds):
        return inserted + plant_seeds(session.db, step.step)
