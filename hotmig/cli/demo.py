"""``hotmig demo``."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from hotmig.cli.options import debug_option, json_option, quiet_option

ROWS = 200_000


@click.command("demo")
@click.option("--rows", type=click.IntRange(min=20), default=ROWS, show_default=True, help="How many rows to make.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Work in this new directory and leave the files there to be looked at.",
)
@json_option
@quiet_option
@debug_option
def command(rows: int, keep: Path | None, json: bool, quiet: bool) -> None:
    """Migrate a shop while another process writes to it.

    Runs init, plan, migrate, status, drain, cutover and cleanup-old as the commands do, in a directory of its own, and
    shows that nothing is lost.
    """
    from hotmig.cli.options import Options
    from hotmig.cli.output import print_json, print_lines, progress
    from hotmig.cli.render import demo as render
    from hotmig.demo.run import run

    with tempfile.TemporaryDirectory(prefix="hotmig-demo-") as temporary:
        directory = keep.absolute() if keep else Path(temporary) / "shop"
        options = Options(directory, None, json, quiet)
        with progress(options) as report:
            result = run(directory, rows, lambda told: None if json or quiet else click.echo(told), report)
        if json:
            print_json(render.to_json(result))
        else:
            print_lines(render.to_lines(result, kept=keep is not None))
