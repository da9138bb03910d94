"""A command is killed before and after each thing that it changes, and no accepted write is ever lost.

Here each kind of step, once before and once after. ``pytest --all-crash-points tests/crash`` kills at all of them.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.crash.sequences import SEQUENCES, Sequence, number_of_points, traced

SURVIVED = "kills survived"
NOT_REACHED = "kills whose point was not reached"

# The command, and the beginning of the text of a point: one for each kind of step, and what surrounds them.
KINDS = (
    ("migrate", "os.mkdir"),  # .hotmig
    ("migrate", "os.pwrite"),  # the lock has its holder's name
    ("migrate", "COMMIT behind INSERT INTO schema_version"),  # the ledger is made
    ("migrate", "COMMIT behind INSERT INTO run"),
    ("migrate", "COMMIT behind INSERT INTO step"),
    ("migrate", "CREATE TABLE _migration_marker"),
    ("migrate", "CREATE TRIGGER _migration_capture_1"),
    ("migrate", "COMMIT behind UPDATE _migration_marker SET schema_version"),
    ("migrate", "COMMIT behind UPDATE step"),
    ("migrate", "os.fchmod"),  # the new file is there, and empty
    ("migrate", "CREATE TABLE _migration_status"),
    ("migrate", "COMMIT behind INSERT INTO _schema_hint"),
    ("migrate", "COMMIT behind UPDATE main._migration_copy SET placed = 1"),  # a chunk, with its position
    ("migrate", "COMMIT behind UPDATE main._migration_copy SET state = 'indexing'"),
    ("migrate", "COMMIT behind UPDATE main._migration_copy SET state = 'indexed'"),
    ("migrate", "PRAGMA main.journal_mode = WAL"),
    ("migrate", "UPDATE main._migration_copy SET state = 'copied'"),
    ("migrate", "COMMIT behind UPDATE run SET state"),
    ("migrate --throttle 50", "UPDATE _migration_marker SET format = format"),  # how long a commit takes
    ("migrate --throttle 50", "COMMIT behind UPDATE main._migration_progress SET resting"),
    ("drain", "COMMIT behind UPDATE main._migration_progress"),
    ("drain", "PRAGMA main.wal_checkpoint"),
    ("drain", "CREATE TRIGGER _migration_fence_1"),
    ("drain", "COMMIT behind UPDATE _migration_marker SET schema_version"),
    ("drain --cutover", "COMMIT behind UPDATE _migration_marker SET schema_version"),
    ("drain --cutover", "COMMIT behind UPDATE _migration_marker SET status = 'retired'"),
    ("drain --cutover", "COMMIT behind UPDATE _migration_status"),
    ("drain --cutover", "COMMIT behind UPDATE step"),
    ("drain --cutover", "COMMIT behind DROP TABLE _migration_progress"),
    ("cutover", "COMMIT behind UPDATE _migration_marker SET status = 'retired'"),
    ("cutover", "COMMIT behind UPDATE _migration_status"),
    ("migrate --offline", "COMMIT behind UPDATE _migration_marker SET schema_version"),
    ("reset", "os.unlink"),
    ("reset", "COMMIT behind DROP TABLE"),
    ("cleanup-old", "COMMIT behind CREATE TRIGGER _migration_fence"),
    ("cleanup-old --delete", "os.unlink"),
)
SOME = (("migrate", "60"), ("drain", "70"))  # where not all points were asked for
# The copy as it is: its one statement, and what it does around it.
AS_IS = (
    'ALTER TABLE main."page" DROP',
    'CREATE INDEX "by_length"',
    'INSERT OR ABORT INTO main."page"',
    'ALTER TABLE main."page" ADD',
)
# The copy of the whole file: when nothing stands in it, when it is a second old database, and when it is the new one.
PAGES = (
    "PRAGMA journal_mode = DELETE",
    'ALTER TABLE main."leaf" RENAME TO',
    "COMMIT behind UPDATE main._migration_copy SET state = 'indexing'",
    "os.link",
    "os.unlink",
)
MOMENTS = pytest.mark.parametrize("after", [False, True], ids=["before", "after"])


def sequence_of(command: str) -> Sequence:
    return next(sequence for sequence in SEQUENCES if sequence.command == command)


@MOMENTS
@pytest.mark.parametrize(("command", "at"), KINDS, ids=lambda value: value.replace("_migration_", ""))
def test_nothing_is_lost(command: str, at: str, after: bool, tmp_path: Path, record_property) -> None:
    assert sequence_of(command).survive(tmp_path, at, after), "the point was never reached"
    record_property(SURVIVED, 1)


@MOMENTS
@pytest.mark.parametrize(("shape", "at"), [*(("alike", at) for at in AS_IS), *(("pages", at) for at in PAGES)])
def test_nothing_is_lost_where_no_row_is_decoded(
    shape: str, at: str, after: bool, tmp_path: Path, record_property
) -> None:
    sequence = next(each for each in SEQUENCES if each.shape == shape)
    assert sequence.survive(tmp_path, at, after), "the point was never reached"
    record_property(SURVIVED, 1)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "point" not in metafunc.fixturenames:
        return
    found = [(sequence_of(command), at) for command, at in SOME]
    if metafunc.config.getoption("--all-crash-points"):
        counts = number_of_points()
        found = [(each, str(n)) for each in SEQUENCES for n in range(1, counts[str(each)] + 1)]
    metafunc.parametrize("point", found, ids=[f"{sequence}-{at}" for sequence, at in found])


@MOMENTS
def test_nothing_is_lost_at_any_point(
    point: tuple[Sequence, str], after: bool, tmp_path: Path, record_property
) -> None:
    died = point[0].survive(tmp_path, point[1], after)
    record_property(SURVIVED if died else NOT_REACHED, 1)


def heard_as(operation: str) -> str:
    """What Python's audit hook calls a file operation."""
    return operation.replace("os.f", "os.").replace("unlink", "remove").replace("replace", "rename")


# Of those with data migrations test_data_migrations looks at more.
@pytest.mark.parametrize("sequence", [each for each in SEQUENCES if not each.numbered], ids=str)
def test_no_statement_and_no_file_operation_passes_unseen(sequence: Sequence, tmp_path: Path) -> None:
    """The hook's count is SQLite's own, and of file operations at least what Python itself says of them."""
    found = traced(tmp_path, sequence)
    statements = [what for what in found["seen"] if not what.startswith("os.")]
    assert len(statements) == len(found["traced"])
    operations = Counter(heard_as(what) for what in found["seen"])
    audited = Counter("os.open" if event == "open" else event for event in found["audited"])
    assert {name: count for name, count in audited.items() if operations[name] < count} == {}
