"""A schema module that is not in its place yet."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from hotmig.errors import SchemaError
from hotmig.schema.judge import Prepare
from hotmig.schema.load import load
from hotmig.schema.model import Schema

_FILE = "schema.py"


def load_text(text: str, *, prepare: Prepare | None = None) -> Schema:
    """The schema that the source of a module gives. Raises SchemaError, whose message begins with a bare file name."""
    with TemporaryDirectory(prefix="hotmig-") as directory:
        file = Path(directory) / _FILE
        file.write_text(text, encoding="utf-8", newline="\n")
        try:
            return load(file, prepare=prepare)
        except SchemaError as error:
            raise SchemaError(error.message.replace(str(file), _FILE), error.hint) from error
