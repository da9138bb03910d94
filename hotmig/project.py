"""Where things are: the schema module, and the databases whose names say which schema they have."""

from __future__ import annotations

import os
import re
from pathlib import Path

from hotmig.errors import HotmigError

SCHEMA_MODULE = "schema.py"
OWN_FOLDER = ".hotmig"
SUFFIX = ".sqlite"
RESERVE_SUFFIX = "-reserve"  # of the room that a cutover keeps free: see phases/room.py
_SQLITE_SUFFIXES = ("-wal", "-shm", "-journal")
# Of a new file that has not yet its name: see transfer/unfinished.py.
UNFINISHED_SUFFIXES = tuple(f"-unfinished{suffix}" for suffix in ("", *_SQLITE_SUFFIXES))
SIDE_SUFFIXES = (*_SQLITE_SUFFIXES, RESERVE_SUFFIX, *UNFINISHED_SUFFIXES)
GIT_SECONDS = 10

_NAMING = re.compile(r"(?P<name>.+)-(?P<hash>[0-9a-f]{16})\.sqlite", re.DOTALL)
_DATABASE_SUFFIXES = (".sqlite", ".sqlite3", ".db", ".db3")
_NAME_IN_MODULE = re.compile(r"""^database\s*(?::[^=\n]+)?=\s*(["'])(?P<name>[^"'\n]+)\1\s*(?:#.*)?$""", re.MULTILINE)
_MAPPING_IN_MODULE = re.compile(r"""\bfrom_json\(\s*(?P<quote>["'])(?P<file>[^"'\n\0]+)(?P=quote)""")


def schema_file(directory: Path, given: Path | None = None) -> Path:
    """The schema module: ``--schema`` where it is given, else ``schema.py`` in the directory."""
    return given if given is not None else directory / SCHEMA_MODULE


def own_folder(directory: Path) -> Path:
    """Where lock, ledger and reports of a directory lie."""
    return directory / OWN_FOLDER


def default_name(directory: Path) -> str:
    """The directory's own name, links followed, so that it does not depend on how the directory was reached."""
    return directory.resolve().name


def name_in_module(file: Path) -> str | None:
    """What the line ``database = "shop"`` says, without running the module; None without such a line or file."""
    found = _NAME_IN_MODULE.search(_text_of(file))
    return found["name"] if found else None


def mappings_in_module(file: Path) -> tuple[Path, ...]:
    """The files that a module's ``from_json("…", …)`` seem to name, without running it."""
    return tuple(file.parent / found["file"] for found in _MAPPING_IN_MODULE.finditer(_text_of(file)))


def _text_of(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def target(directory: Path, name: str, schema_hash: str) -> Path:
    """The file of the database that has the schema. Raises HotmigError for a name that no file can have."""
    if not name or "/" in name or "\0" in name:
        raise HotmigError(
            f"the database can't be called {name!r}: it names files",
            'write database = "…" in the schema module, with a name that has no slash',
        )
    return directory / f"{name}-{schema_hash}{SUFFIX}"


def split(path: Path) -> tuple[str, str] | None:
    """``(name, hash)`` of a file that follows the naming, else None."""
    found = _NAMING.fullmatch(path.name)
    return (found["name"], found["hash"]) if found else None


def candidates(directory: Path, name: str) -> tuple[Path, ...]:
    """The files that follow the naming under that name, by name. Raises HotmigError without the directory."""
    return tuple(path for path in _databases(directory) if (split(path) or ("",))[0] == name)


def strangers(directory: Path, name: str) -> tuple[Path, ...]:
    """The files that look like databases and do not follow the naming under that name: for messages."""
    return tuple(path for path in _databases(directory) if (split(path) or ("",))[0] != name)


def names(directory: Path) -> tuple[str, ...]:
    """The database names that files in the directory follow. Raises HotmigError without the directory."""
    found = {parts[0] for path in _databases(directory) if (parts := split(path))}
    return tuple(sorted(found))


def side_files(path: Path) -> tuple[Path, ...]:
    """Where SQLite and hotmig put the side files, there or not: beside the file itself, not beside a link to it."""
    return _beside(path, SIDE_SUFFIXES)


def unfinished_files(path: Path) -> tuple[Path, ...]:
    """The file before it has its name, and its own side files: these too are among the side files."""
    return _beside(path, UNFINISHED_SUFFIXES)


def _beside(path: Path, suffixes: tuple[str, ...]) -> tuple[Path, ...]:
    real = os.path.realpath(path)
    return tuple(Path(real + suffix) for suffix in suffixes)


def commit_of(path: Path) -> str | None:
    """The short hash of HEAD in the repository of a file, with ``+`` when what is there differs from it.

    None without git, without a repository, without a commit. Untracked files do not count, except ``path``.
    """
    where = path.resolve()
    head = _git(where.parent, "rev-parse", "--short", "HEAD")
    if not head:
        return None
    changed = _git(where.parent, "status", "--porcelain", "--untracked-files=no")
    tracked = _git(where.parent, "ls-files", "--", where.name)
    return head if changed == "" and tracked else head + "+"


def _git(directory: Path, *arguments: str) -> str | None:
    """What git prints, stripped; None when it fails or is not there."""
    import subprocess

    # A git hook sets GIT_DIR and GIT_INDEX_FILE, which would answer for another repository.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            # Without it `git status` refreshes the index: a read-only command changes nothing.
            ["git", "--no-optional-locks", "-C", str(directory), *arguments],
            capture_output=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=GIT_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None


def _databases(directory: Path) -> list[Path]:
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise HotmigError(f"cannot list {directory}: {error.strerror}", "check --dir") from error
    return [path for path in entries if path.suffix in _DATABASE_SUFFIXES and not path.is_dir()]
