"""Where output goes: results to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import click

from hotmig.cli.options import Options
from hotmig.phases.progress import Report, silent

FORMAT = 1  # of every JSON object that we print


def print_json(facts: dict[str, Any]) -> None:
    """Prints one JSON object on stdout."""
    import json

    click.echo(json.dumps({"format": FORMAT, **facts}, indent=2))


def print_result(options: Options, result: Any, lines: Callable[[Any], Iterable[str]]) -> None:
    """Prints what a phase did: as JSON if that was asked for, else the lines that ``lines`` makes of it."""
    if not options.json:
        print_lines(lines(result))
        return
    from hotmig.cli.render.facts import to_json

    print_json(to_json(result))


def print_sql(statements: Iterable[str]) -> None:
    """Prints the statements as one transaction for the ``sqlite3`` shell."""
    click.echo("\n".join((".bail on", "BEGIN IMMEDIATE;", *(f"{statement};" for statement in statements), "COMMIT;")))


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


@contextmanager
def progress(options: Options) -> Iterator[Report]:
    """Draws the progress of a phase on stderr, if that is a terminal."""
    if options.quiet or not sys.stderr.isatty():
        yield silent
        return
    from hotmig.cli.bar import bar

    with bar() as report:
        yield report
