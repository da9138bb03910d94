"""``hotmig plan``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from hotmig.cli.options import Options, extension_option, long_reads_option, shared

BLOCKED = 1


def _is_of_a_database(path: Path) -> bool:
    """Also of one that is not there now: SQLite would take the report for its log, and `migrate` for the new file."""
    from hotmig.project import SIDE_SUFFIXES, split

    return path.name.endswith(SIDE_SUFFIXES) or split(path) is not None


def _report_file(_ctx: click.Context, _option: click.Parameter, path: Path | None) -> Path | None:
    """The file in full. Raises UsageError for one that is there and is no report: it could be the only copy of data.

    Looked at before any database is opened: to close a file that SQLite has open takes its locks away.
    """
    from hotmig.errors import UsageError
    from hotmig.private import begins_with
    from hotmig.transfer.groups.report import HEAD

    if path is None:
        return None
    if _is_of_a_database(path):
        raise UsageError(f"{path} is the name of a database, or of a file beside one", "name another file")
    if os.path.lexists(path) and not begins_with(path, HEAD):
        raise UsageError(f"{path} is there already, and is no report of hotmig", "name a file that is not there")
    return Path(os.path.abspath(path))


@click.command("plan")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    callback=_report_file,
    help="Write every row that becomes one with another into FILE, as JSON that only you may read.",
)
@long_reads_option
@extension_option
@shared
@click.pass_context
def command(
    ctx: click.Context, options: Options, long_reads: bool, extensions: tuple[str, ...], report: Path | None
) -> None:
    """Show what migrate will do, and what stands in its way. Nothing is changed.

    Exit 0 when migrate can run now, 1 when something blocks it. Each finding comes with the line to write in the
    schema module.
    """
    from hotmig.cli.output import print_json
    from hotmig.cli.render import plan as render
    from hotmig.phases.locate import locate
    from hotmig.phases.plan import plan

    result = plan(
        locate(options.directory, options.schema_file, extensions=extensions),
        long_reads=long_reads,
        extensions=extensions,
        report=report,
    )
    if options.json:
        print_json(render.to_json(result))
    else:
        render.draw(result)
    if not result.runnable:
        ctx.exit(BLOCKED)
