"""The last run of a directory: cheap to read, for whoever only wants to know whether something was left undone."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from hotmig import project
from hotmig.errors import HotmigError
from hotmig.ledger.model import State
from hotmig.ledger.state import state_of
from hotmig.ledger.store import reading_ledger

SETTLING = ("cutover", "reset", "cleanup-old", "init")  # without a step they say that nothing is under way
READING = ("migrate", "drain", "cutover")  # what runs the schema module
GLANCE_SECONDS = 0.2  # who only looks does not wait for a lock on the ledger


@dataclass(frozen=True)
class LastRun:
    """The newest run. ``error`` is what it ended with, without anything of the users' data."""

    run_id: str
    command: str
    state: State
    started_utc: str
    finished_utc: str | None
    error: str | None


def last_run(directory: Path) -> LastRun | None:
    """The newest run, None where there was none. Raises HotmigError for a ledger that can't be read."""
    return next((last for last, _ in _newest_first(directory, 1)), None)


def _newest_first(directory: Path, most: int = -1) -> Iterator[tuple[LastRun, int]]:
    """The runs, all of them or ``most``, each with the number of its steps."""
    with reading_ledger(project.own_folder(directory), GLANCE_SECONDS) as ledger:
        for run in ledger.runs(most) if ledger else ():
            steps = ledger.steps(run.run_id) if ledger else ()
            state = state_of(run, steps, project.own_folder(directory))
            yield LastRun(run.run_id, run.command, state, run.started_utc, run.finished_utc, run.error), len(steps)


def other_module(directory: Path, target: str, own: Path) -> Path | None:
    """The schema module that the migration to ``target`` was begun with, where that is known and is not ``own``."""
    given = schema_given(directory, target)
    with suppress(OSError):
        if given is not None and given.samefile(own):
            return None
    return given


def schema_given(directory: Path, target: str | None = None) -> Path | None:
    """The schema module that was named by the last run that built ``target``, or by the last of all that named one.

    None where there is none, it is gone, or nobody knows.
    """
    try:
        with reading_ledger(project.own_folder(directory), GLANCE_SECONDS) as ledger:
            for run in ledger.runs() if ledger else ():
                given = _schema_file(run.arguments) if target in (None, run.new_file) else None
                if given is not None:
                    return given if os.path.exists(given) else None  # False too for what nobody may look at
                if target is not None and run.new_file == target and run.command in READING:
                    return None  # it did well with the one beside the data
    except HotmigError:
        pass
    return None


def found_settled(directory: Path, live: str, target: str, *, last_of_all: bool) -> bool:
    """Whether the last migrate of the module that asks for ``target`` found nothing to do in the database ``live``.

    ``last_of_all``: and no other one, which may have been blocked before it knew its target, came behind it.

    False too where nobody knows: the ledger was pruned, or can't be read.
    """
    try:
        with reading_ledger(project.own_folder(directory), GLANCE_SECONDS) as ledger:
            for run in ledger.runs() if ledger else ():
                if run.command == "migrate" and (last_of_all or run.new_file == target):
                    # One that began a migration, or went on with one, has its plan's hash.
                    return (run.old_file, run.plan_hash, run.stamp) == (live, None, "completed")
    except HotmigError:
        pass
    return False


def _schema_file(arguments: str) -> Path | None:
    """What stands behind ``--schema``: a whole path, wherever it was typed."""
    try:
        words = shlex.split(arguments)
    except (ValueError, TypeError, AttributeError):
        return None  # somebody edited the ledger: hotmig quotes what it writes there
    typed = [word.removeprefix("--schema=") for word in words if word.startswith("--schema=")]
    typed += [after for word, after in pairwise(words) if word == "--schema"]
    return Path(typed[-1]) if typed and Path(typed[-1]).is_absolute() else None


def unsettled(directory: Path) -> LastRun | None:
    """The run that failed or was left half done, and that none since has settled; None too where nobody knows.

    A run that did nothing settles one that changed nothing. What was left half done needs more, and a run that was
    refused since does not hide it.
    """
    did_nothing, refused = False, None
    try:
        for last, steps in _newest_first(directory):
            if last.state == "partially_committed":
                return last
            if last.state == "failed":
                refused = refused or (None if did_nothing else last)
            elif steps or last.command in SETTLING:
                break
            else:
                did_nothing = True
    except HotmigError:
        pass  # status tells; what only looks at the databases goes on
    return refused
