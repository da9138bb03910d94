"""A command as the operator can paste it."""

from __future__ import annotations

import shlex
from pathlib import Path

from hotmig import project
from hotmig.cli.options import Options


def pasteable(command: str, options: Options, schema_file: Path | None = None) -> str:
    """The command with the options that say which directory and module it is about, where they are not the defaults.

    ``schema_file`` is the module that was looked at where none was given.
    """
    parts = [command]
    if options.directory != Path.cwd():
        parts.append(f"--dir {shlex.quote(str(options.directory))}")
    schema = options.schema_file or schema_file
    if schema not in (None, project.schema_file(options.directory)):
        parts.append(f"--schema {shlex.quote(str(schema))}")
    return " ".join(parts)
