"""``hotmig bench``."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

import click

from hotmig.cli.options import Seconds, debug_option, json_option, quiet_option
from hotmig.errors import HotmigError, UsageError
from hotmig.private import begins_with

ROWS = 400_000
ROUNDS = 3
PACE_SECONDS = 0.001  # of the application, between two writes
SHAPES = ("shop", "wide", "narrow", "blobs", "many-tables")
CHANGES = ("view", "names", "rebuild", "keys")


def _plot_file(ctx: click.Context, parameter: click.Parameter, path: Path | None) -> Path | None:  # noqa: ARG001
    """Looked at before anything is measured: that takes minutes."""
    from hotmig.bench.plot import HEAD, NEEDS

    if path is None:
        return None
    if importlib.util.find_spec(NEEDS) is None:
        raise HotmigError(f"{NEEDS} is not installed", "pip install 'hotmig[bench]'")
    if os.path.lexists(path) and not begins_with(path, HEAD):
        raise UsageError(f"{path} is there already, and is no picture of hotmig", "name a file that is not there")
    if not path.parent.is_dir():
        raise UsageError(f"{path.parent} is no directory", "name a file in a directory that is there")
    return path


@click.command("bench")
@click.option("--rows", type=click.IntRange(min=100), default=ROWS, show_default=True, help="How many rows to make.")
@click.option(
    "--shape",
    type=click.Choice(SHAPES),
    default="shop",
    show_default=True,
    help="What the rows are like: three tables with indexes, one of 60 columns, one of 3, of 4 KB blobs, 100 tables.",
)
@click.option(
    "--change",
    "changes",
    type=click.Choice(CHANGES),
    multiple=True,
    help="What is changed; may be given again.  [default: each that the shape has]",
)
@click.option("--only", multiple=True, metavar="NAME", help="Of the others, only this one; may be given again.")
@click.option(
    "--rounds", type=click.IntRange(min=1), default=ROUNDS, show_default=True, help="How often each has its turn."
)
@click.option(
    "--pace",
    type=Seconds(min=0),
    default=PACE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long the application sleeps between two writes.",
)
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    callback=_plot_file,
    help="Draw the application's writes over time, beside each contender, as SVG.",
)
@click.option(
    "--work-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where to make the databases; they go afterwards.  [default: the system's temporary directory]",
)
@json_option
@quiet_option
@debug_option
def command(
    rows: int,
    shape: str,
    changes: tuple[str, ...],
    only: tuple[str, ...],
    rounds: int,
    pace: float,
    plot: Path | None,
    work_dir: Path | None,
    json: bool,
    quiet: bool,
) -> None:
    """Measure hotmig beside what one would do otherwise.

    Makes a database, and changes it by each contender in turn while an application writes to it: Alembic's batch mode,
    sqlite-utils, .dump, row by row; and, as limits, a file copy, the backup API and VACUUM INTO. Prints how long each
    took, how long the application had to wait, and what that is of hotmig's. Takes minutes, and some times the size of
    the database as room.
    """
    from hotmig.bench.contenders import MODULES
    from hotmig.bench.run import run
    from hotmig.cli.output import print_json
    from hotmig.cli.render import bench as render

    unknown = [name for name in only if name not in MODULES]
    if unknown:
        raise UsageError(f"no contender is called {unknown[0]!r}", f"there are: {', '.join(MODULES)}")
    with tempfile.TemporaryDirectory(prefix="hotmig-bench-", dir=work_dir) as work:
        result = run(
            Path(work),
            lambda told: None if quiet else click.echo(told, err=True),
            shape=shape,
            rows=rows,
            changes=changes,
            only=only,
            rounds=rounds,
            pace=pace,
        )
    if plot is not None:
        from hotmig.bench.plot import svg

        plot.write_text(svg(result), encoding="utf-8")
    if json:
        print_json(render.to_json(result))
    else:
        render.draw(result)
