"""Where output goes: results to stdout, everything else to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hotmig.cli.failures import FORMAT, PRINTED
from hotmig.cli.options import Options
from hotmig.phases.progress import Progress, Report, silent
from hotmig.units import counted

NOTE_SECONDS = 30.0


def remember(name: str, fact: object) -> None:
    """For whoever explains an error later; names are those of ``failures``."""
    click.get_current_context().ensure_object(dict)[name] = fact


def print_json(facts: dict[str, Any]) -> None:
    """Prints one JSON object on stdout."""
    import json

    remember(PRINTED, True)
    click.echo(json.dumps({"format": FORMAT, **facts}, indent=2))


def print_json_list(items: Iterable[dict[str, Any]]) -> None:
    """Prints a JSON array on stdout, `[]` for nothing."""
    import json

    click.echo(json.dumps([{"format": FORMAT, **item} for item in items], indent=2))


def print_result(
    options: Options, result: Any, lines: Callable[[Any], Iterable[str]], run_id: str | None = None
) -> None:
    """Prints what a phase did: as JSON if that was asked for, else the lines that ``lines`` makes of it.

    ``run_id`` is that of a command that changes something, "" where no ledger was kept.
    """
    try:
        _print_result(options, result, lines, run_id)
    except BrokenPipeError:
        raise
    except OSError as error:
        if run_id is None:
            raise
        # All is done: a deploy script must not take it for failed.
        warn(f"the result could not be printed: {error.strerror}")


def _print_result(options: Options, result: Any, lines: Callable[[Any], Iterable[str]], run_id: str | None) -> None:
    if not options.json:
        print_lines(lines(result))
        return
    from hotmig.cli.render.facts import to_json

    run = {} if run_id is None else {"run_id": run_id or None}
    print_json({**to_json(result), **run})


def print_sql(statements: Iterable[str], files: Iterable[Path]) -> None:
    """Prints the statements as one transaction for the ``sqlite3`` shell, and as comments which files go afterwards."""
    click.echo("\n".join((".bail on", "BEGIN IMMEDIATE;", *(f"{statement};" for statement in statements), "COMMIT;")))
    for file in files:
        # A comment ends with its line, and names of files may have several.
        click.echo("-- then delete " + str(file).replace("\n", "\\n"))


def print_lines(lines: Iterable[str], *, err: bool = False) -> None:
    """Prints lines on stdout, or on stderr."""
    click.echo("\n".join(lines), err=err)


def note(options: Options, message: str) -> None:
    """Tells something by the way, on stderr, unless asked to be quiet."""
    if not options.quiet:
        click.echo(message, err=True)


def warn(message: str) -> None:
    """Tells on stderr what should not go unseen."""
    click.echo(f"Warning: {message}", err=True)


def warn_of_data(problem: str | None) -> None:
    """Of a data migration behind a cutover: that is done, and a deploy script must not take it for failed."""
    if problem is not None:
        warn(f"the cutover is done, but {problem}; `hotmig data run` tries it again")


@contextmanager
def progress(options: Options) -> Iterator[Report]:
    """Draws the progress of a phase on stderr; where that is no terminal, notes it there now and then."""
    if sys.stderr.isatty() and not options.quiet:
        from hotmig.cli.bar import bar

        with bar() as report:
            yield report
    else:
        yield silent if options.quiet or options.json else noting(NOTE_SECONDS)


def noting(seconds: float) -> Report:
    """Tells the log of a deploy that long work goes on: a line after so many seconds, then again after as many.

    The first time that it rests is told at once.
    """
    told, rested = time.monotonic(), False

    def report(progress: Progress) -> None:
        nonlocal told, rested
        if time.monotonic() - told >= seconds or (progress.resting and not rested):
            told, rested = time.monotonic(), rested or bool(progress.resting)
            click.echo(_said(progress), err=True)

    return report


def _said(progress: Progress) -> str:
    rows = counted(progress.done, "row")
    if progress.total and progress.done <= progress.total:
        rows = f"{progress.done:,} of {counted(progress.total, 'row')}"
    at = f", at {progress.table}" if progress.table else ""
    return f"{progress.stage}: {rows}{at}" + (f"; {progress.resting}" if progress.resting else "")
