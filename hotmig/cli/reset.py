"""``hotmig reset``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, dry_run_option, no_ledger_option, print_sql_option, shared


@click.command("reset")
@dry_run_option
@print_sql_option
@no_ledger_option
@shared
def command(options: Options, dry_run: bool, only_sql: bool, no_ledger: bool) -> None:
    """Give a migration up and remove what hotmig made for it.

    That is all that hotmig put into the old database, and the unfinished new one. The application's data and its
    writes stay as they are. Refused once the new database is ready or the old one is retired.
    """
    from hotmig.cli.output import print_result, print_sql
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import results
    from hotmig.phases.locate import locate
    from hotmig.phases.reset import reset

    if dry_run or only_sql:
        # Nothing is changed: no lock is taken, and nothing is written down.
        location = locate(options.directory, options.schema_file, need_schema=False)
        result = reset(location, dry_run=True)
        if only_sql and not options.json:
            print_sql(result.statements, result.deleted)
        else:
            print_result(options, result, results.reset)
        return
    with at_work(options, "reset", no_ledger=no_ledger, need_schema=False) as (location, run):
        result = reset(location, seconds=options.busy_timeout, run=run)
    print_result(options, result, results.reset, run.run_id)
