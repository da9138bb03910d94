"""``hotmig path``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, Seconds, shared


@click.command("path")
@click.option(
    "--wait",
    type=Seconds(min=0),
    metavar="SECONDS",
    help="Wait so long for the database to become ready; exit 4 when it does not.",
)
@shared
def command(options: Options, wait: float | None) -> None:
    """Print the ready database for the schema module.

    For shells and for applications in any language: the file to open is the one whose schema the module asks for.
    """
    from hotmig.cli.output import print_json
    from hotmig.phases.path import path

    ready = path(options.directory, options.schema_file, wait)
    if options.json:
        print_json({"path": str(ready)})
    else:
        click.echo(str(ready))
