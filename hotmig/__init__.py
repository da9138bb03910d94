"""hotmig moves a live SQLite database to a new schema while the application goes on writing to it."""

from __future__ import annotations

from pathlib import Path

__version__ = "0.1.0"
__all__ = ["__version__", "path"]


def path(directory: Path | str, *, schema: Path | str | None = None, wait: float | None = None) -> Path:
    """The file that an application with this schema module opens; ``wait`` seconds for it at most.

    Raises a HotmigError when it is not ready, when it was replaced, or when the module is wrong.
    """
    # An application that imports hotmig pays for this only when it asks.
    from hotmig.phases.path import path as ready

    return ready(Path(directory).absolute(), None if schema is None else Path(schema), wait)
