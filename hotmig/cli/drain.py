"""``hotmig drain``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, Seconds, extension_option, no_ledger_option, shared
from hotmig.phases.budget import HOLD_SECONDS, MAX_PAUSE_SECONDS

LONGEST_HOLD_SECONDS = 86_400.0  # a typing error must not keep writes out for ever


@click.command("drain")
@click.option(
    "--max-pause",
    type=Seconds(min=0, min_open=True),
    default=MAX_PAUSE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long writes may be paused for the last replay. When it would be longer: exit 4, and writes flow on.",
)
@click.option(
    "--hold",
    type=Seconds(min=0, min_open=True, max=LONGEST_HOLD_SECONDS),
    default=HOLD_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long writes stay paused for the cutover; without one they flow again by themselves.",
)
@click.option("--cutover", is_flag=True, help="Cut over at once, in the same process: the shortest pause.")
@extension_option
@no_ledger_option
@shared
def command(
    options: Options, max_pause: float, hold: float, cutover: bool, extensions: tuple[str, ...], no_ledger: bool
) -> None:
    """Catch up, prove the copy, then pause writes for the cutover.

    What was written since the copy is replayed while writes go on; the pause is for the rest alone. The fence that
    pauses writes comes down by itself after --hold seconds: run cutover before that.
    """
    from hotmig.cli.output import print_result, progress
    from hotmig.cli.recorded import at_work
    from hotmig.cli.render import results
    from hotmig.phases.drain import drain

    with (
        at_work(options, "drain", no_ledger=no_ledger, extensions=extensions) as (location, run),
        progress(options) as report,
    ):
        result = drain(
            location,
            max_pause=max_pause,
            hold=hold,
            cutover=cutover,
            report=report,
            seconds=options.busy_timeout,
            extensions=extensions,
            run=run,
        )
    print_result(options, result, results.drain, run.run_id)
