"""One line on stderr about a run that failed or was left half done, until a later one settles it."""

from __future__ import annotations

from pathlib import Path

import click

from hotmig import project


def tell_unsettled(directory: Path, command: str) -> None:
    """Never on stdout. Status shows the last run itself."""
    if command == "status" or not project.own_folder(directory).is_dir():
        return
    from hotmig.cli.render.runs import WORDS
    from hotmig.phases.last_run import unsettled

    last = unsettled(directory)
    if last is not None:
        what = f"an earlier run, `hotmig {last.command}`, {WORDS[last.state]}"
        click.echo(f"Note: {what}; `hotmig runs show {last.run_id}` tells more", err=True)
