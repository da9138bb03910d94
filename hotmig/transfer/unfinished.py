"""The new file before it has its name.

Until it says that it is being migrated to, it would be taken for a live database: one that was copied page by page has
what the old one has, its marker too, and one that has groups already has tables, and no status.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hotmig import project
from hotmig.transfer.build import FileSettings, create_file, require_no_directory, sync_directory


@contextmanager
def unfinished(new: Path, settings: FileSettings) -> Iterator[Path]:
    """Makes an empty file under another name; it gets its own where the block ends without an error.

    Raises FileExistsError where that name is taken.
    """
    path, *_ = project.unfinished_files(new)
    discard(new)
    try:
        create_file(path, settings)
        yield path
        _name(path, new)
    finally:
        discard(new)


def require_names(new: Path) -> None:
    """Raises HotmigError where a directory has one of the names that will be needed beside the new file's own."""
    for path in project.side_files(new):
        require_no_directory(path)


def discard(new: Path) -> None:
    """Deletes what is unfinished; of the file that has its name already, only the other one."""
    for path in project.unfinished_files(new):
        path.unlink(missing_ok=True)


def _name(path: Path, new: Path) -> None:
    try:
        # Unlike a rename it replaces no file.
        os.link(path, new)
        path.unlink()
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links.
        if os.path.lexists(new):
            raise
        os.rename(path, new)
    sync_directory(new.parent)
