"""The proof: new and old compared row by row, both ways, in chunks, while the application goes on writing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from hotmig.catalog.affinity import column_affinity
from hotmig.errors import Refused
from hotmig.planning.model import TableStep
from hotmig.sqlite import execute, fold, quote, value
from hotmig.transfer import id_mapping
from hotmig.transfer.conflicts import PROOF_HINT, explain_conflict
from hotmig.transfer.groups.created import is_created, prove_created, prove_parents
from hotmig.transfer.groups.fates import is_gone
from hotmig.transfer.groups.proof import prove_groups
from hotmig.transfer.identity import read_progress
from hotmig.transfer.key_sql import matches, matches_as_stored
from hotmig.transfer.keys import LoggedKeys
from hotmig.transfer.lost_values import require_none_lost
from hotmig.transfer.misfits import SAMPLES
from hotmig.transfer.old_rows import shown
from hotmig.transfer.ranges import ChunkSize, KeyRange, Stopwatch
from hotmig.transfer.references import check_all
from hotmig.transfer.seeds import missing_seeds
from hotmig.transfer.session import Report, Session
from hotmig.transfer.step_sql import StepSql
from hotmig.units import counted

MANY_COLUMNS = 500  # of both tables: an aggregate has them all


@dataclass(frozen=True)
class Proved:
    """How many old rows were found again, unchanged or as the schema says, and how many tables were left to replay."""

    rows: int
    seconds: float


def prove(session: Session, report: Report) -> Proved:
    """Compares every row that is not logged. Raises Refused, with table and keys, at the first difference.

    A difference is a write that no trigger saw, or a fault of ours: either way the new database must not be used.
    """
    watch = Stopwatch()
    progress = read_progress(session.db)
    keys = LoggedKeys(session, progress.last_replayed_log_id if progress else 0)
    keys.forget(keys.upto)
    prove_groups(session, keys)
    rows = 0
    for step in session.steps:
        found = _forth(session, keys, step, report)
        rows += found.rows
        if step.step.keys == "mapped":
            _count_mapped(session, step)
        elif not found.is_all:
            _back(session, keys, step, report)
        prove_created(session, step)
    for each in session.plan.steps:
        _refuse(each, "not all of its seed rows", missing_seeds(session.db, each))
    check_all(session)
    prove_parents(session)
    return Proved(rows, watch.seconds())


def prove_keys(session: Session, keys: LoggedKeys) -> None:
    """Compares the rows of the logged keys, inside the caller's snapshot, right after their replay."""
    for step in session.steps:
        if keys.is_empty(step):
            continue
        _compare(session, step, step.logged_rows, "1")


@dataclass(frozen=True)
class Forth:
    """How many old rows have their new ones, and whether it is known that there are no others."""

    rows: int
    is_all: bool


def _forth(session: Session, keys: LoggedKeys, step: StepSql, report: Report) -> Forth:
    """Every old row has its new row, the same.

    Where a range of keys holds the same rows on either side, as many new rows as old ones are no others.
    """
    columns = tuple(quote(name) for name in step.source_key.columns)
    own = step.target_key_of("n")
    is_all = _has_one_order(step)

    def unlogged(where: str) -> str:
        return f"SELECT count(*) FROM {step.target} AS n WHERE {where} AND {keys.unlogged(step, own)}"

    def chunk(bounds: KeyRange) -> int:
        nonlocal is_all
        require_none_lost(session, step, bounds.where(columns))
        where = f"{bounds.where(step.key_of('p'))} AND {keys.unlogged(step, step.key_of('p'))}"
        compared = _compare(session, step, f"{step.view} AS p", where)
        is_all = is_all and value(session.db, unlogged(bounds.where(own))) == compared
        return compared

    bounds = KeyRange(session.db, step.source, columns)
    rows = _walk(session, keys, step, bounds, chunk, report)
    if is_all:
        with session.snapshot():
            keys.load()
            is_all = value(session.db, unlogged(bounds.behind(own))) == 0
    return Forth(rows, is_all)


def _has_one_order(step: StepSql) -> bool:
    """Whether the rows of a range of old keys are those of the same range of new ones, each key once on either side.

    Rows that became one with others are missing on either side; a row that a Merge makes has no old one.
    """
    source, grouping = step.step.source, step.step.grouping
    if source is None or step.step.keys != "kept" or step.step.seeds:
        return False
    if grouping is not None and grouping.create is not None:
        return False
    if step.source_key.kind == "integer":
        alias = step.step.table.rowid_alias
        return alias is not None and [fold(alias)] == [fold(name) for name in step.step.new_key]
    pairs = zip(step.source_key.columns, step.step.new_key, strict=True)
    columns = [(source.column(old), step.step.table.column(new)) for old, new in pairs]
    alike = all(
        old is not None and new is not None and column_affinity(source, old) == column_affinity(step.step.table, new)
        for old, new in columns
    )
    return alike and step.source_collations == step.target_collations


def _back(session: Session, keys: LoggedKeys, step: StepSql, report: Report) -> None:
    """Every new row has its old row, or is a seed."""
    held = matches_as_stored(step.source_key_of("o"), step.target_key_of("n"), step.source_collations)
    gone = f" OR {is_gone(step.step, step.target_key_of('n'))}" if step.step.loses_rows else ""
    made = is_created(session, step, step.target_key_of("n"))

    def chunk(bounds: KeyRange) -> int:
        extra = execute(
            session.db,
            f"SELECT {', '.join(step.target_key_of('n'))} FROM {step.target} AS n"
            f" WHERE {bounds.where(step.target_key_of('n'))} AND {keys.unlogged(step, step.target_key_of('n'))}"
            f" AND (NOT EXISTS (SELECT 1 FROM {step.source} AS o WHERE {held}){gone}) AND NOT {made}"
            f" LIMIT {SAMPLES + len(step.step.seeds)}",
        ).fetchall()
        extra = [row for row in extra if row not in _seed_keys(step)]
        _refuse(step.step, "rows that the old database does not have", extra)
        return 0

    _walk(session, keys, step, KeyRange(session.db, step.target, step.target_key), chunk, report)


def _seed_keys(step: StepSql) -> set[tuple[object, ...]]:
    names = [fold(name) for name in step.step.new_key]
    return {tuple(seed.by_name[name] for name in names) for seed in step.step.seeds}


def _count_mapped(session: Session, step: StepSql) -> None:
    """Every mapped row was found by its own new key, so any row beyond the mappings and the seeds is one too many."""
    # Both are in the new file: no snapshot of the old one is held for it.
    rows = value(session.db, f"SELECT count(*) FROM {step.target}")
    mappings = f"main._id_mapping WHERE table_name = {step.label}"
    if step.step.loses_rows:
        # Several old rows lead to one; what became of each, by the fates, can be ahead of the rows.
        mappings = f"(SELECT DISTINCT {', '.join(id_mapping.new_names(step))} FROM {mappings})"
    mapped = value(session.db, f"SELECT count(*) FROM {mappings}")
    if not mapped <= rows <= mapped + len(step.step.seeds):
        _refuse(step.step, f"{counted(rows, 'row')} for {counted(mapped, 'mapped key')}", [(rows,)])


def _walk(
    session: Session,
    keys: LoggedKeys,
    step: StepSql,
    bounds: KeyRange,
    chunk: Callable[[KeyRange], int],
    report: Report,
) -> int:
    """Runs ``chunk`` over the table in ranges, each in one snapshot; ``report`` is called while no lock is held."""
    bounds.begin()
    size, total, more = ChunkSize.for_session(session), 0, True
    while more:
        with session.snapshot():
            keys.load()
            # What was logged meanwhile takes its time too, and smaller chunks would not make that shorter.
            watch = Stopwatch()
            if step.step.number in keys.whole:
                return total
            more = bounds.extend(size.rows)
            done = chunk(bounds)
            if more:
                bounds.advance()
            seconds = watch.seconds()
        size.took(seconds)
        total += done
        report(step.step.table.name, done)
        session.let_writers_in()
    return total


def _compare(session: Session, step: StepSql, rows: str, where: str) -> int:
    """Compares the projected rows with the new ones; returns how many there were."""
    # Unary plus: the old column's affinity would find a seed '5' beside the row 5.
    new_key = [f"+{name}" for name in step.new_key_of("p")]
    found = matches(step.target_key_of("n"), new_key, step.target_collations)
    comparison = step.comparison
    if comparison.repeats_lookups:
        # With its LIMIT it stays a SELECT of its own, and each value is looked up once.
        rows, where = f"(SELECT p.* FROM {rows} WHERE {where} LIMIT -1) AS p", "1"
    joined = f"FROM {rows} LEFT JOIN {step.target} AS n ON {found} WHERE {where}"
    unlike = f"{comparison.differs('p', 'n')} OR {comparison.has_others_added('n')}"
    differs = f"(n.{step.target_key[0]} IS NULL OR {unlike})"
    with explain_conflict(session, step.step):
        count, wrong = execute(session.db, _counted(step, differs, joined)).fetchone()
        if wrong:
            key = ", ".join(step.key_of("p"))
            sample = execute(session.db, f"SELECT {key} {joined} AND {differs} LIMIT {SAMPLES}").fetchall()
            _refuse(step.step, f"{counted(wrong, 'row')} not as the old database says", sample)
    compared: int = count
    return compared


def _counted(step: StepSql, differs: str, joined: str) -> str:
    """How many rows there are, and how many of them are wrong."""
    wrong = f"CASE WHEN {differs} THEN 1 END"
    source = step.step.source
    if len(step.step.table.columns) + (len(source.columns) if source is not None else 0) < MANY_COLUMNS:
        return f"SELECT count(*), count({wrong}) {joined}"
    # With its LIMIT the inner SELECT stays one: merged into the outer, it would be aggregated over more than 2,000
    # columns, which SQLite refuses.
    return f"SELECT count(*), count(wrong) FROM (SELECT {wrong} AS wrong {joined} LIMIT -1)"


def _refuse(step: TableStep, what: str, keys: list[tuple[object, ...]]) -> None:
    if keys:
        shown_keys = ", ".join(shown(key) for key in keys[:SAMPLES])
        raise Refused(f'the proof failed: table "{step.table.name}" has {what}', PROOF_HINT, rows=f": {shown_keys}")
