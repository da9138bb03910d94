"""``hotmig demo``."""

from __future__ import annotations

from pathlib import Path

import click

from hotmig.cli.options import debug_option, json_option, quiet_option

ROWS = 200_000


@click.command("demo")
@click.option("--rows", type=click.IntRange(min=1), default=ROWS, show_default=True, help="How many rows to make.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Work in this directory and leave the files there to be looked at.",
)
@click.option(
    "-d",
    "--dir",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where the temporary files go.  [default: the system's temporary directory]",
)
@json_option
@quiet_option
@debug_option
def command(rows: int, keep: Path | None, directory: Path | None, json: bool, quiet: bool) -> None:
    """Migrate a shop while another process writes to it.

    Proves that nothing is lost. Runs init, plan, migrate, status, drain, cutover and cleanup-old as the commands do,
    in a directory of its own.
    """
    from hotmig.demo.run import run

    run(rows=rows, keep=keep, directory=directory, json=json, quiet=quiet)
