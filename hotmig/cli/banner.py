"""What every command says or asks first: a line about what failed, and whether the database is a newer version's."""

from __future__ import annotations

from pathlib import Path

import click

from hotmig import project

TELLING_DATA = ("status", "data")


def tell_unsettled(directory: Path, command: str) -> None:
    """Never on stdout. Status shows the last run itself."""
    if command == "status" or not project.own_folder(directory).is_dir():
        return
    from hotmig.cli.render.runs import WORDS
    from hotmig.phases.last_run import unsettled

    last = unsettled(directory)
    if last is not None:
        what = f"an earlier run, `hotmig {last.command}`, {WORDS[last.state]}"
        click.echo(f"Note: {what}; `hotmig runs show {last.run_id}` tells more", err=True)


def tell_failed(directory: Path, schema_file: Path | None, command: str) -> None:
    """A line for each data migration that failed, until it succeeds or is skipped."""
    if command in TELLING_DATA or not project.own_folder(directory).is_dir():
        return
    from hotmig.phases.data_failures import still_failed

    for each in still_failed(directory, schema_file):
        click.echo(f"Note: data migration {each.name} failed at {each.utc}; `hotmig data status` tells more", err=True)


def refuse_newer(directory: Path, schema_file: Path | None, command: str) -> None:
    """Raises DowngradeDetected where the schema module is older than the database; `status` alone tells it."""
    if command != "status":
        from hotmig.phases.downgrade import look_for_newer

        look_for_newer(directory, schema_file)
