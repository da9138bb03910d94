"""``hotmig drain``."""

from __future__ import annotations

import click

from hotmig.cli.options import Options, shared

MAX_PAUSE_SECONDS = 2.0
HOLD_SECONDS = 60.0


@click.command("drain")
@click.option(
    "--max-pause",
    type=click.FloatRange(min=0, min_open=True),
    default=MAX_PAUSE_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long writes may be paused for the last replay; exit 4, with writes flowing again, when it would be longer.",
)
@click.option(
    "--hold",
    type=click.FloatRange(min=0, min_open=True),
    default=HOLD_SECONDS,
    show_default=True,
    metavar="SECONDS",
    help="How long writes stay paused for the cutover; without one they flow again by themselves.",
)
@click.option("--cutover", is_flag=True, help="Cut over at once, in the same process: the shortest pause.")
@shared
def command(options: Options, max_pause: float, hold: float, cutover: bool) -> None:
    """Catch up, prove the copy, then pause writes for the cutover.

    What was written since the copy is replayed while writes go on; the pause is for the rest alone. The fence that pauses writes comes down by itself after --hold seconds. Run cutover before that.
    """
    from hotmig.cli.output import progress
    from hotmig.cli.render.result import show
    from hotmig.phases.drain import drain
    from hotmig.phases.locate import locate

    location = locate(options.directory, options.schema_file)
    with progress(options) as report:
        result = drain(location, max_pause=max_pause, hold=hold, cutover=cutover, report=report)
    show(result, options)
