"""What a command did: a sentence or a list for a person, one object for a program."""

from __future__ import annotations

from typing import Any

from hotmig.cli.options import Options
from hotmig.cli.output import print_json, print_lines
from hotmig.cli.render.facts import to_json, to_lines


def show(result: Any, options: Options) -> None:
    """Prints a phase's result dataclass on stdout."""
    if options.json:
        print_json(to_json(result))
    else:
        print_lines(to_lines(result))
