"""``hotmig reset``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, dry_run_option, print_sql_option, shared


@click.command("reset")
@dry_run_option
@print_sql_option
@shared
def command(options: Options, dry_run: bool, only_sql: bool) -> None:
    """Give a migration up and remove what hotmig made for it.

    That is all that hotmig put into the old database, and the unfinished new one. The application's data and its
    writes stay as they are. Refused once the new database is ready or the old one is retired.
    """
    from hotmig.cli.output import print_result, print_sql
    from hotmig.cli.render import results
    from hotmig.phases.locate import locate
    from hotmig.phases.reset import reset

    location = locate(options.directory, options.schema_file, need_schema=False)
    result = reset(location, dry_run=dry_run or only_sql)
    if only_sql and not options.json:
        print_sql(result.statements, result.deleted)
    else:
        print_result(options, result, results.reset)
