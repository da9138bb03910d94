"""What every command says or asks first: a line about what failed, and whether the database is a newer version's."""

from __future__ import annotations

from pathlib import Path

import click

from hotmig import project


def tell_failures(directory: Path, schema_file: Path | None, command: str) -> None:
    """The last run, and each data migration that failed, until they are settled. Never on stdout.

    A run in which a data migration failed is told as that alone; status shows both itself, and data the latter.
    """
    if command == "status" or not project.own_folder(directory).is_dir():
        return
    from hotmig.cli.render.runs import WORDS
    from hotmig.phases.data_failures import still_failed
    from hotmig.phases.last_run import unsettled

    last, failed = unsettled(directory), still_failed(directory, schema_file)
    if last is not None and last.run_id not in {each.run_id for each in failed}:
        what = f"an earlier run, `hotmig {last.command}`, {WORDS[last.state]}"
        click.echo(f"Note: {what}; `hotmig runs show {last.run_id}` tells more", err=True)
    for each in failed if command != "data" else ():
        click.echo(f"Note: data migration {each.name} failed at {each.utc}; `hotmig data status` tells more", err=True)


def refuse_newer(directory: Path, schema_file: Path | None, command: str) -> None:
    """Raises DowngradeDetected where the schema module is older than the database; `status` alone tells it."""
    if command != "status":
        from hotmig.phases.downgrade import look_for_newer

        look_for_newer(directory, schema_file)
