"""``hotmig migrate``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, Percent, extension_option, long_reads_option, no_ledger_option, shared


@click.command("migrate")
@click.option("--offline", is_flag=True, help="Pause writes from beginning to end, and cut over: copy, drain, cutover.")
@click.option("--wal", is_flag=True, help="Switch the old database to WAL first: readers then never stop writers.")
@long_reads_option
@click.option(
    "--throttle",
    type=Percent(),
    metavar="PERCENT",
    help="Let the copy work so much of the time only, and rest while commits to the old database take over 50 ms.",
)
@extension_option
@no_ledger_option
@shared
def command(
    options: Options,
    offline: bool,
    wal: bool,
    long_reads: bool,
    throttle: float | None,
    extensions: tuple[str, ...],
    no_ledger: bool,
) -> None:
    """Build the new database and copy the rows into it.

    The application goes on writing: every write is recorded from the first moment. A migrate that was killed goes on
    where it stopped when it is run again. Writes are paused only by drain and cutover, later, or by --offline.
    """
    from hotmig.cli.output import note, print_result, progress, warn_of_data
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import results
    from hotmig.errors import UsageError
    from hotmig.phases.migrate import migrate

    if offline and throttle is not None:
        raise UsageError(
            "--offline pauses writes until all is copied, and --throttle would make that longer",
            "throttle a copy beside which the application writes: without --offline",
        )
    with (
        at_work(options, "migrate", no_ledger=no_ledger, extensions=extensions) as (location, run),
        progress(options) as report,
    ):
        result = migrate(
            location,
            offline=offline,
            wal=wal,
            long_reads=long_reads,
            throttle=throttle,
            report=report,
            seconds=options.busy_timeout,
            extensions=extensions,
            run=run,
        )
    for told in result.notes:
        note(options, f"Note: {told}")
    if result.offline is not None:
        warn_of_data(result.offline.data_problem)
    print_result(options, result, results.migrate, run.run_id)
