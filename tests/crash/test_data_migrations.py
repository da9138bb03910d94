"""A command dies around a data migration: no write is lost, and each migration's work is in the new database once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.crash import truth
from tests.crash.harness import Death, check_after_death, die, finish, go_on, points, report
from tests.crash.numbered import adopt, check_marks, check_once, survive

WAYS = {"drain --cutover": ("migrate",), "cutover": ("migrate", "drain"), "migrate --offline": ()}
AT_CUTOVER = (
    "INSERT INTO _data_migration(name, applied_utc)",
    "INSERT INTO tally(name) VALUES ('001_first')",
    "DELETE FROM tally",
    "INSERT INTO tally(name) SELECT '002_second'",
    "UPDATE _data_migration SET applied_utc",
    "UPDATE _migration_status",
    "COMMIT behind UPDATE _migration_marker SET status = 'retired'",
    "COMMIT behind UPDATE _migration_status",
    "INSERT INTO tally(name) SELECT '003_later'",
    "COMMIT behind UPDATE _data_migration SET applied_utc",
)
MOMENTS = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


@MOMENTS
@pytest.mark.parametrize("at", AT_CUTOVER)
def test_nothing_is_lost_and_each_is_run_once(at: str, after: bool, tmp_path: Path, record_property) -> None:
    """Each kind of step once before and once after, the ways and journal modes in turn."""
    place = AT_CUTOVER.index(at) + after
    way, mode = list(WAYS)[place % len(WAYS)], ("wal", "delete")[place % 2]
    assert survive(tmp_path, "text", mode, Death(way, at, after), WAYS[way]), "the point was never reached"
    record_property("kills survived", 1)


@pytest.mark.parametrize(
    ("at", "after"),
    [
        ("INSERT INTO tally(name) SELECT '002_second'", True),
        ("COMMIT behind UPDATE _migration_marker SET status = 'retired'", True),
        ("os.replace", False),  # the report
        ("DROP TABLE _migration_fate_", True),
        ("INSERT INTO tally(name) SELECT '003_later'", False),
    ],
)
def test_so_it_is_where_rows_become_one(at: str, after: bool, tmp_path: Path, record_property) -> None:
    """Each once, before or after it."""
    mode = "delete" if after else "wal"
    assert survive(tmp_path, "merged", mode, Death("drain --cutover", at, after), ("migrate",)), "it was never reached"
    record_property("kills survived", 1)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=str)
def test_told_to_stop_in_one_it_is_rolled_back(by: signal.Signals, tmp_path: Path) -> None:
    assert survive(tmp_path, "text", "wal", Death("drain --cutover", "DELETE FROM tally", True, by), ("migrate",))


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=str)
@pytest.mark.parametrize("way", WAYS)
def test_told_to_stop_in_one_behind_the_cutover_it_is_rolled_back_and_the_cutover_stands(
    way: str, by: signal.Signals, tmp_path: Path
) -> None:
    project = adopt(tmp_path, "wal")
    for command in WAYS[way]:
        go_on(project, command)
    later = "INSERT INTO tally(name) SELECT '003_later'"
    assert not die(project, Death(way, later, True, by)), (
        "it exits 0: a deploy script would start the old version again"
    )
    check_marks(project)
    states = {entry["name"]: entry["state"] for entry in report(project, "data status")["entries"]}
    assert (truth.facts(project).status, states["003_later"]) == ("ready", "pending")
    go_on(project, "data run")
    check_once(project)


@MOMENTS
@pytest.mark.parametrize(
    "at", ["INSERT INTO _data_migration(name, skipped_utc", "COMMIT behind INSERT INTO _data_migration"]
)
def test_a_skip_is_made_as_a_whole_or_not_at_all(at: str, after: bool, tmp_path: Path) -> None:
    project = adopt(tmp_path, "wal")
    go_on(project, "migrate")
    assert die(project, Death("data skip 002_second --reason x", at, after))
    check_after_death(project)
    states = {entry["name"]: entry["state"] for entry in report(project, "data status")["entries"]}
    assert states["002_second"] == ("skipped" if after and at.startswith("COMMIT") else "pending")
    if states["002_second"] == "skipped":
        go_on(project, "data unskip 002_second")
    finish(project)
    check_once(project)


@pytest.mark.parametrize("way", WAYS)
def test_no_statement_passes_unseen(way: str, tmp_path: Path) -> None:
    project = adopt(tmp_path, "wal")
    for command in WAYS[way]:
        go_on(project, command)
    found = points(project, way)
    assert len([what for what in found["seen"] if not what.startswith("os.")]) == len(found["traced"])
    assert [what for what in found["seen"] if "tally" in what and "CREATE" not in what and "main." not in what]
    check_once(project)
