"""``hotmig cutover``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, extension_option, shared


@click.command("cutover")
@extension_option
@shared
def command(options: Options, extensions: tuple[str, ...]) -> None:
    """Retire the old database for good, and make the new one ready.

    Refused when anything was written, or the schema changed, since drain. A cutover that was killed half-way is
    finished by running it again.
    """
    from hotmig.cli.output import print_result
    from hotmig.cli.render import results
    from hotmig.phases.cutover import cutover
    from hotmig.phases.locate import locate

    print_result(
        options, cutover(locate(options.directory, options.schema_file, extensions=extensions)), results.cutover
    )
