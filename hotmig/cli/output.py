"""Where output goes: results to stdout, everything else to stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
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
