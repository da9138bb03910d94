"""``hotmig inspect``."""

from __future__ import annotations

from pathlib import Path

import click

from hotmig.cli.options import Options, extension_option, shared


@click.command("inspect")
@click.argument(
    "database", required=False, metavar="[DB]", type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@extension_option
@shared
def command(options: Options, database: Path | None, extensions: tuple[str, ...]) -> None:
    """Print the schema module of any SQLite database.

    DB is the database to read; without it, the live one of the directory. What a schema module can't say is named on
    stderr.
    """
    from hotmig.cli.output import print_json, warn
    from hotmig.phases.inspect import inspect

    result = inspect(database or _live(options), extensions=extensions)
    for unsaid in result.unsaid:
        warn(unsaid)
    if options.json:
        print_json({"module": result.module, "unsaid": list(result.unsaid)})
    else:
        click.echo(result.module, nl=False)


def _live(options: Options) -> Path:
    from hotmig.errors import UsageError
    from hotmig.phases.locate import locate

    old = locate(options.directory, options.schema_file, need_schema=False).old
    if old is None:
        raise UsageError(f"no database in {options.directory} is live", "name a file: `hotmig inspect DB`")
    return old
