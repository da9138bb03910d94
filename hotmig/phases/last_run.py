"""The last run of a directory: cheap to read, for whoever only wants to know whether something was left undone."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hotmig import project
from hotmig.errors import HotmigError
from hotmig.ledger.model import State
from hotmig.ledger.state import state_of
from hotmig.ledger.store import reading_ledger

UNSETTLED: tuple[State, ...] = ("failed", "partially_committed")


@dataclass(frozen=True)
class LastRun:
    """The newest run. ``error`` is what it ended with, without anything of the users' data."""

    run_id: str
    command: str
    state: State
    started_utc: str
    finished_utc: str | None
    error: str | None
    schema_file: Path | None  # that it was given, where that is known from everywhere


def last_run(directory: Path) -> LastRun | None:
    """The newest run, None where there was none. Raises HotmigError for a ledger that can't be read."""
    with reading_ledger(project.own_folder(directory)) as ledger:
        if ledger is None:
            return None
        for run in ledger.runs(1):
            state = state_of(run, ledger.steps(run.run_id), ledger.path.parent)
            schema = _schema_file(run.arguments)
            return LastRun(run.run_id, run.command, state, run.started_utc, run.finished_utc, run.error, schema)
    return None


def _schema_file(arguments: str) -> Path | None:
    """What was typed behind ``--schema``, if it does not depend on where it was typed."""
    words = shlex.split(arguments)
    typed = [word.removeprefix("--schema=") for word in words if word.startswith("--schema=")]
    typed += [after for word, after in pairwise(words) if word == "--schema"]
    return Path(typed[-1]) if typed and Path(typed[-1]).is_absolute() else None


def unsettled(directory: Path) -> LastRun | None:
    """The newest run, if it failed or was left half done; None too where the ledger can't be read."""
    try:
        last = last_run(directory)
    except HotmigError:
        return None  # status tells; what only looks at the databases goes on
    return last if last and last.state in UNSETTLED else None
