"""``hotmig cutover``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, Seconds, extension_option, no_ledger_option, shared
from hotmig.phases.budget import MAX_PAUSE_SECONDS


@click.command("cutover")
@click.option(
    "--max-pause",
    type=Seconds(min=0, min_open=True),
    default=MAX_PAUSE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long data migrations may take. When they take longer: exit 4, and nothing is handed over.",
)
@extension_option
@no_ledger_option
@shared
def command(options: Options, max_pause: float, extensions: tuple[str, ...], no_ledger: bool) -> None:
    """Retire the old database for good, and make the new one ready.

    Refused when anything was written, or the schema changed, since drain. Data migrations are run on the way. A cutover
    that was killed half-way is finished by running it again.
    """
    from hotmig.cli.output import print_result, warn_of_data
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import results
    from hotmig.phases.cutover import cutover

    with at_work(options, "cutover", no_ledger=no_ledger, extensions=extensions) as (location, run):
        result = cutover(location, max_pause=max_pause, seconds=options.busy_timeout, extensions=extensions, run=run)
    warn_of_data(result.data_problem)
    print_result(options, result, results.cutover, run.run_id)
