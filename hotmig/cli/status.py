"""``hotmig status``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, shared

ATTENTION = 1


@click.command("status")
@click.option("--check", is_flag=True, help="Exit 1 when someone should look: where a line begins with !.")
@shared
@click.pass_context
def command(ctx: click.Context, options: Options, check: bool) -> None:
    """Show where a migration stands, and the next command to run.

    It reads the files alone: it works when a database is missing, and when the schema module is broken or absent.
    No writer ever waits for it.
    """
    from hotmig.cli.output import print_json, print_lines
    from hotmig.cli.render.commands import pasteable
    from hotmig.cli.render.status import to_json, to_lines
    from hotmig.phases.status import status

    found = status(options.directory, options.schema_file)
    if options.json:
        print_json(to_json(found))
    else:
        # On call one knows the directory; where the module lies, an earlier run was told.
        following = found.following
        print_lines(to_lines(found, pasteable(following, options, found.schema_file) if following else None))
    if check and found.needs_attention:
        ctx.exit(ATTENTION)
