"""Whether the ledger tells the truth: what it says was done is there, and what is there was intended."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from pathlib import Path

from tests.scenarios.harness import Project

BEGUN = {"start recording", "make the new file", "raise the fence", "retire", "make ready"}
# By the action that was done: what it takes back.
TAKES_BACK = {
    "lower the fence": {"raise the fence"},
    "stop recording": BEGUN,
    "delete the new file": {"make the new file"},
}


@dataclass(frozen=True)
class Facts:
    """What the databases say: the marker's status, whether there is a new file, and what that says."""

    marker: str | None
    new: str | None  # the name of the new file
    status: str | None


def ask(path: Path, sql: str) -> list[tuple[object, ...]]:
    """Rows of a database as it was committed last; none where it is not there, or has no such table."""
    if not path.exists() or path.stat().st_size == 0:
        return []
    db = sqlite3.connect(path, timeout=10)
    try:
        return db.execute(sql).fetchall()
    except sqlite3.OperationalError as error:
        if "no such table" not in str(error):
            raise
        return []
    finally:
        db.close()


def _one(path: Path, sql: str) -> str | None:
    rows = ask(path, sql)
    return None if not rows else str(rows[0][0])


def facts(project: Project) -> Facts:
    new = next((path for path in project.directory.glob("app-*.sqlite") if path != project.old), None)
    status = _one(new, "SELECT status FROM _migration_status") if new else None
    return Facts(_one(project.old, "SELECT status FROM _migration_marker"), new.name if new else None, status)


def intended(project: Project) -> set[str]:
    """The actions that were begun since the last one was done that takes them back: what stands was meant to."""
    ledger = project.directory / ".hotmig" / "ledger.sqlite"
    since: list[str] = []
    for action, status in ask(ledger, "SELECT action, status FROM step ORDER BY step_id"):
        if status == "done" and action in TAKES_BACK:
            since = [each for each in since if each not in TAKES_BACK[str(action)]]
        since.append(str(action))
    return set(since)


def last_outcomes(project: Project) -> dict[str, str | None]:
    """How the newest step of each action ended; None without an outcome."""
    ledger = project.directory / ".hotmig" / "ledger.sqlite"
    return dict(ask(ledger, "SELECT action, status FROM step ORDER BY step_id"))  # type: ignore[arg-type]


def check_ledger(project: Project) -> None:
    """After a kill: no effect without its intent, and no outcome without its effect."""
    found, about, ended = facts(project), intended(project), last_outcomes(project)
    if found.marker is not None:
        assert "start recording" in about
    if found.new is not None:
        assert "make the new file" in about
    if found.marker == "draining":
        assert "raise the fence" in about
    if found.marker == "retired":
        assert "retire" in about
    if found.status == "ready":
        assert "make ready" in about
    if ended.get("retire") == "done":
        assert found.marker in ("retired", None)  # None: cleaned up
    if ended.get("make ready") == "done":
        assert found.status == "ready"
    if ended.get("start recording") == "done" and "stop recording" not in about and "drop" not in about:
        assert found.marker is not None
