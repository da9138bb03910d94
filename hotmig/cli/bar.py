"""The progress bar: rows, rows per second and the time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from hotmig.phases.progress import Progress, Report


@contextmanager
def bar() -> Iterator[Report]:
    """Draws on stderr; one line for each stage, which the report names."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.completed:,.0f} rows"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    # stdout belongs to results: rich must not catch it.
    drawn = Bar(*columns, console=Console(stderr=True), redirect_stdout=False, redirect_stderr=False)
    tasks: dict[str, TaskID] = {}

    def report(progress: Progress) -> None:
        if progress.stage not in tasks:
            tasks[progress.stage] = drawn.add_task(progress.stage, rate="")
        task = tasks[progress.stage]
        speed = drawn.tasks[drawn.task_ids.index(task)].speed
        drawn.update(
            task,
            description=" ".join(filter(None, (progress.stage, progress.table, _rests(progress)))),
            completed=progress.done,
            total=progress.total,
            rate=f"{speed:,.0f} rows/s" if speed else "",
        )

    with drawn:
        yield report


def _rests(progress: Progress) -> str | None:
    return f"({progress.resting})" if progress.resting else None
