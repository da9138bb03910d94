"""A command as the operator can paste it."""

from __future__ import annotations

import shlex
from pathlib import Path

from hotmig.cli.options import Options


def pasteable(command: str, options: Options) -> str:
    """The command with the options that say which directory and module it is about, where they are not the defaults."""
    parts = [command]
    if options.directory != Path.cwd():
        parts.append(f"--dir {shlex.quote(str(options.directory))}")
    if options.schema_file is not None:
        parts.append(f"--schema {shlex.quote(str(options.schema_file))}")
    return " ".join(parts)
