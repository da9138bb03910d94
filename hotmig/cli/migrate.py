"""``hotmig migrate``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

import click

from hotmig.cli.options import Options, extension_option, long_reads_option, shared
from hotmig.errors import HotmigError

SETTLED = ("none", "ready", "retired")  # phases in which no migration was left half-way


@click.command("migrate")
@click.option("--offline", is_flag=True, help="Pause writes from beginning to end, and cut over: copy, drain, cutover.")
@click.option("--wal", is_flag=True, help="Switch the old database to WAL first: readers then never stop writers.")
@long_reads_option
@extension_option
@shared
def command(options: Options, offline: bool, wal: bool, long_reads: bool, extensions: tuple[str, ...]) -> None:
    """Build the new database and copy the rows into it.

    The application goes on writing: every write is recorded from the first moment. A migrate that was killed goes on
    where it stopped when it is run again. Writes are paused only by drain and cutover, later, or by --offline.
    """
    from hotmig.cli.output import note, print_result, progress
    from hotmig.cli.render import results
    from hotmig.phases.locate import locate
    from hotmig.phases.migrate import migrate

    location = locate(options.directory, options.schema_file, extensions=extensions)
    with _snapshot_on_failure(options), progress(options) as report:
        result = migrate(
            location, offline=offline, wal=wal, long_reads=long_reads, report=report, extensions=extensions
        )
    for told in result.notes:
        note(options, f"Note: {told}")
    print_result(options, result, results.migrate)


@contextmanager
def _snapshot_on_failure(options: Options) -> Iterator[None]:
    """When it fails half-way, says on stderr what was left: marker, log, new file, rows, and what to run next."""
    try:
        yield
    except BaseException:
        # Where even the files can't be told apart, the failure itself must still be told.
        with suppress(HotmigError):
            _print_snapshot(options)
        raise


def _print_snapshot(options: Options) -> None:
    from hotmig.cli.output import print_lines
    from hotmig.cli.render.commands import pasteable
    from hotmig.cli.render.status import to_lines
    from hotmig.phases.status import status

    left = status(options.directory, options.schema_file)
    if left.phase not in SETTLED or left.attention:
        next_command = pasteable(left.next, options) if left.next else None
        print_lines(("Recovery snapshot:", *to_lines(left, next_command), ""), err=True)
