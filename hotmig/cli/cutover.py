"""``hotmig cutover``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, extension_option, no_ledger_option, shared


@click.command("cutover")
@extension_option
@no_ledger_option
@shared
def command(options: Options, extensions: tuple[str, ...], no_ledger: bool) -> None:
    """Retire the old database for good, and make the new one ready.

    Refused when anything was written, or the schema changed, since drain. A cutover that was killed half-way is
    finished by running it again.
    """
    from hotmig.cli.output import print_result
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import results
    from hotmig.phases.cutover import cutover

    with at_work(options, "cutover", no_ledger=no_ledger, extensions=extensions) as (location, run):
        result = cutover(location, seconds=options.busy_timeout, extensions=extensions, run=run)
    print_result(options, result, results.cutover, run.run_id)
