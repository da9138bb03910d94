"""The report of a run: what became of rows that became one, row by row, for the operator alone.

The ledger has its path and how many rows of each kind there were; keys and values are in the file only.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hotmig.errors import HotmigError
from hotmig.ledger.run import Run
from hotmig.planning.group_facts import Kind
from hotmig.private import make_private_folder
from hotmig.project import own_folder
from hotmig.transfer.groups.listing import counts
from hotmig.transfer.groups.rehearsal import Rehearsal
from hotmig.transfer.groups.report import Counts, write_report
from hotmig.transfer.session import Session

FOLDER = "reports"
FEW_ROWS = 1_000  # a report of so many is written while writes are paused
POLL_SECONDS = 0.01


@dataclass(frozen=True)
class Written:
    """A report, and how many rows it has."""

    path: Path
    rows: int


@dataclass(frozen=True)
class Draft:
    """A report that is written beside the copy; ``counts`` come when it is there.

    It can have as many entries as there are rows, and takes as long as copying these. What a rehearsal has found is
    what the copy will do, unless the application regroups rows meanwhile.
    """

    path: Path
    counts: Future[Counts]


@contextmanager
def drafted(rehearsal: Rehearsal | None, directory: Path, run: Run) -> Iterator[Draft | None]:
    """Begins the report of a run; at the end the draft is gone, if nobody took it for the report.

    None where the new file does not have the groups from this rehearsal, where no record of the run is kept, and in
    rollback-journal mode: one reader more would leave the writers no gap.
    """
    if rehearsal is None or not rehearsal.holds or not rehearsal.session.wal or not run.run_id:
        yield None
        return
    session, report = rehearsal.session, _report_of(directory, run)
    draft = report.with_name(f".{report.name}.draft")

    def write() -> Counts:
        _make_folder(report)
        found = counts(session)
        write_report(session, draft, run.run_id, found)
        return found

    with ThreadPoolExecutor(1) as beside:
        future = beside.submit(write)
        try:
            yield Draft(draft, future)
        finally:
            while not future.done():  # an error, or a signal: nobody will read it
                session.db.interrupt()
                wait([future], POLL_SECONDS)
            with suppress(OSError):  # where it can't be written the report can't, which says so
                draft.unlink(missing_ok=True)


def report_run(session: Session, directory: Path, run: Run, draft: Draft | None = None) -> Written | None:
    """Writes ``.hotmig/reports/<run>.json``; None where no rows become one, or no record of the run is kept.

    A ``draft`` is the report where no row was regrouped since. Raises HotmigError where it can't be written.
    """
    if not session.groups or not run.run_id:
        return None
    path = _report_of(directory, run)
    if draft is not None and (session.regrouped or draft.counts.exception() is not None):
        draft = None  # what went wrong beside the copy goes wrong again, and is told, or it doesn't
    found = draft.counts.result() if draft is not None else counts(session)
    with run.step("write report", f"{FOLDER}/{path.name}", _told(found)):
        try:
            if draft is not None:
                draft.path.replace(path)
            else:
                _make_folder(path)
                write_report(session, path, run.run_id, found)
        except OSError as error:
            raise HotmigError(
                f"the report {path} can't be written: {error.strerror or error}",
                "make room for it and see who owns that folder, then go on with `hotmig drain`, which writes it too",
            ) from error
    return Written(path, sum(number for kinds in found.values() for number in kinds.values()))


def report_again(session: Session, written: Written | None, run: Run, *, paused: bool) -> None:
    """With what the last replay did. The report of a moment before stays where that would lengthen the pause.

    It stays too where anything goes wrong, or a signal comes, behind a hand-over, which must not fail for it.
    """
    if written is None or (paused and written.rows > FEW_ROWS):
        return
    try:
        with run.stoppable():
            write_report(session, written.path, run.run_id, counts(session))
    except BaseException as error:
        if not run.handed_over and not isinstance(error, OSError):
            raise


def _report_of(directory: Path, run: Run) -> Path:
    """The file that the report of a run has."""
    return own_folder(directory) / FOLDER / f"{run.run_id}.json"


def _make_folder(report: Path) -> None:
    """And takes away what runs that were killed left of theirs."""
    make_private_folder(report.parent, report.parent.parent)
    for left in (*report.parent.glob(".*.json.draft*"), *report.parent.glob(".*.json.tmp")):
        with suppress(OSError):
            left.unlink()


def _told(found: Counts) -> str:
    """``projects: 2 merged; project_state: 3 merged, 1 historical drop``."""
    tables = []
    for table, kinds in found.items():
        numbers = [_counted(kind, number) for kind, number in kinds.items() if number]
        if numbers:
            tables.append(f"{table}: {', '.join(numbers)}")
    return "; ".join(tables) or "no rows"


def _counted(kind: Kind, number: int) -> str:
    name = kind.replace("_", " ")
    one = {"collisions": "collision", "historical_drops": "historical drop", "losers_kept": "loser kept"}
    return f"{number} {one.get(kind, name) if number == 1 else name}"
