"""The report of a run: what became of rows that became one, row by row, for the operator alone.

The ledger has its path and how many rows of each kind there were; keys and values are in the file only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hotmig.errors import HotmigError
from hotmig.ledger.run import Run
from hotmig.planning.group_facts import Kind
from hotmig.private import make_private_folder
from hotmig.project import own_folder
from hotmig.transfer.groups.listing import counts
from hotmig.transfer.groups.report import Counts, write_report
from hotmig.transfer.session import Session

FOLDER = "reports"
FEW_ROWS = 1_000  # a report of so many is written while writes are paused


@dataclass(frozen=True)
class Written:
    """A report, and how many rows it has."""

    path: Path
    rows: int


def report_run(session: Session, directory: Path, run: Run) -> Written | None:
    """Writes ``.hotmig/reports/<run>.json``; None where no rows become one, or no record of the run is kept.

    Raises HotmigError where it can't be written.
    """
    if not session.groups or not run.run_id:
        return None
    path = own_folder(directory) / FOLDER / f"{run.run_id}.json"
    found = counts(session)
    with run.step("write report", f"{FOLDER}/{path.name}", _told(found)):
        try:
            make_private_folder(path.parent, path.parent.parent)
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
