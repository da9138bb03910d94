"""Data migrations that failed last time: the ledger knows, for the databases are as if they had never been tried."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hotmig import project
from hotmig.errors import HotmigError
from hotmig.ledger.model import Step
from hotmig.ledger.store import reading_ledger
from hotmig.phases.last_run import GLANCE_SECONDS

RUN, SKIP, UNSKIP = "data migration", "skip data migration", "unskip data migration"  # actions of steps


@dataclass(frozen=True)
class Failure:
    """When a data migration failed, and in which run."""

    name: str
    utc: str
    run_id: str


def failures(directory: Path) -> dict[str, Failure]:
    """The data migrations whose newest step in the ledger failed, by name. Raises HotmigError for a bad ledger.

    A step that says nothing of them, because something else stopped the command, leaves an earlier failure standing.
    """
    with reading_ledger(project.own_folder(directory), GLANCE_SECONDS) as ledger:
        newest: dict[str, Step] = {}
        for step in ledger.steps_of((RUN, SKIP, UNSKIP)) if ledger else ():
            if step.status == "done" or _failed(step):
                newest.setdefault(step.object, step)
    return {
        name: Failure(name, step.outcome_utc or step.intent_utc, step.run_id)
        for name, step in newest.items()
        if step.action == RUN and step.status == "failed"
    }


def _failed(step: Step) -> bool:
    """By itself: not with another one, and not because somebody stopped the command."""
    told = step.error or ""
    return step.status == "failed" and (told.startswith(f"data migration {step.object} ") or "\n" in told)


def still_failed(directory: Path, schema_file: Path | None) -> tuple[Failure, ...]:
    """Those that were neither applied nor skipped since, and that the module still has. Never raises for the ledger."""
    try:
        found = failures(directory)
    except HotmigError:
        return ()  # status tells; what only looks at the databases goes on
    return tuple(_unsettled(directory, schema_file, found)) if found else ()


def _unsettled(directory: Path, schema_file: Path | None, found: Mapping[str, Failure]) -> Iterable[Failure]:
    # Rare, and dear: the module is loaded for this alone.
    from hotmig.phases.data import look
    from hotmig.phases.locate import locate

    try:
        state = look(locate(directory, schema_file))
    except HotmigError:
        return found.values()
    return [found[each.name] for each in state.entries if each.state == "failed"]
