"""``hotmig init``."""

from __future__ import annotations

from pathlib import Path

import click

from hotmig.cli.options import Options, extension_option, no_ledger_option, shared


@click.command("init")
@click.argument("database", required=False, metavar="[APP.DB]", type=click.Path(dir_okay=False, path_type=Path))
@extension_option
@no_ledger_option
@shared
def command(options: Options, database: Path | None, extensions: tuple[str, ...], no_ledger: bool) -> None:
    """Adopt the application's database, or make the first one.

    With APP.DB, writes schema.py from it and puts it under its name by the rule as a symbolic link: the running
    application is not touched. Without, makes the first database from schema.py.
    """
    from hotmig.cli.output import print_result, warn
    from hotmig.cli.recorded import recorded
    from hotmig.cli.render import results
    from hotmig.phases.init import init
    from hotmig.phases.read_only import require_writable
    from hotmig.phases.running import require_owner

    require_writable(options.directory)
    # What is wrong is told before anything is made, lock and ledger included.
    init(options.directory, options.schema_file, database, dry_run=True, extensions=extensions)
    require_owner(database)
    with recorded(options, "init", no_ledger=no_ledger, database=database) as run:
        result = init(options.directory, options.schema_file, database, extensions=extensions, run=run)
    for unsaid in result.unsaid:
        warn(unsaid)
    print_result(options, result, results.init, run.run_id)
