"""``hotmig cleanup-old``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, dry_run_option, no_ledger_option, print_sql_option, shared


@click.command("cleanup-old")
@dry_run_option
@print_sql_option
@click.option(
    "--delete",
    is_flag=True,
    help="Delete the old database, what a link leads to as well, and its side files; with --unfence also one that"
    " accepts writes.",
)
@click.option("--unfence", is_flag=True, help="Drop the fence too: the archive accepts writes again.")
@no_ledger_option
@shared
def command(options: Options, dry_run: bool, only_sql: bool, delete: bool, unfence: bool, no_ledger: bool) -> None:
    """Drop hotmig's tables and triggers from a retired database.

    The marker, the log and the capture triggers go. What stays is a fence that stands by itself, so that a forgotten
    instance of the application can't write into the archive. Refused while a migration is under way.
    """
    from hotmig.cli.output import print_result, print_sql
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import results
    from hotmig.phases.cleanup import cleanup_old
    from hotmig.phases.locate import locate

    if dry_run or only_sql:
        # Nothing is changed: no lock is taken, and nothing is written down.
        location = locate(options.directory, options.schema_file, need_schema=False)
        result = cleanup_old(location, dry_run=True, delete=delete, unfence=unfence)
        if only_sql and not options.json:
            print_sql(result.statements, result.deleted)
        else:
            print_result(options, result, results.cleanup)
        return
    with at_work(options, "cleanup-old", no_ledger=no_ledger, need_schema=False) as (location, run):
        result = cleanup_old(location, delete=delete, unfence=unfence, seconds=options.busy_timeout, run=run)
    print_result(options, result, results.cleanup, run.run_id)
