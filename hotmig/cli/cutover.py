"""``hotmig cutover``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, shared


@click.command("cutover")
@shared
def command(options: Options) -> None:
    """Retire the old database for good, and make the new one ready.

    Refused when anything was written, or the schema changed, since drain. A cutover that was killed half-way is
    finished by running it again.
    """
    from hotmig.cli.render.result import show
    from hotmig.phases.cutover import cutover
    from hotmig.phases.locate import locate

    show(cutover(locate(options.directory, options.schema_file)), options)
