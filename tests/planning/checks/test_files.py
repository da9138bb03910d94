"""What the files and their surroundings say, and not the schema."""

from __future__ import annotations

import pytest

from hotmig.planning.checking import LIVE, UNFINISHED, Facts
from tests.planning.checks.building import T, t
from tests.planning.planned import planned


@pytest.mark.parametrize(
    ("facts", "check", "severity", "message"),
    [
        (
            Facts(strangers=("_migration_notes",)),
            "reserved-name",
            "block",
            "_migration_notes in the old database is not hotmig's, and names that begin with _migration_ are:"
            " rename it",
        ),
        (
            Facts(old_size=2_000_000, disk_free=2_500_000),
            "disk-space",
            "block",
            "the new database needs about 3.0 MB, and the disk has 2.5 MB free",
        ),
        (
            Facts(old_file="shop-0.sqlite", old_names=2),
            "hard-link",
            "block",
            "shop-0.sqlite has 2 names (hard links): what a program writes under another one goes to a log of its own,"
            " is never recorded, and can damage the file. `find -samefile` finds them: close every program on it, and"
            " leave one name; a symbolic link is fine",
        ),
        (
            Facts(user_id=1000, owner_id=33),
            "permissions",
            "block",
            "the old database belongs to user 33 and this is user 1000: the application could not open the new file;"
            " run hotmig as the owner or as root",
        ),
        (
            Facts(user_id=33, owner_id=33, read_only=("/srv/shop",)),
            "permissions",
            "block",
            "this user may not write to /srv/shop: run hotmig as the owner or as root",
        ),
        (
            Facts(target="shop-1.sqlite", target_taken=f"{LIVE}, changed by hand"),
            "target",
            "block",
            "the new database would be shop-1.sqlite, and that is the live database itself, changed by hand:"
            " write the change into the schema module, or undo it",
        ),
        (
            Facts(under_way="shop-2.sqlite"),
            "under-way",
            "block",
            "another migration is under way, to shop-2.sqlite: finish it with the module that it was begun with, or"
            " run `hotmig reset`, then `hotmig migrate`",
        ),
        (
            Facts(under_way="shop-2.sqlite", begun_with="/srv/next.py", target_taken=LIVE),  # and only that
            "under-way",
            "block",
            "another migration is under way, to shop-2.sqlite: finish it with --schema /srv/next.py, the module that it"
            " was begun with, or run `hotmig reset`, then `hotmig migrate`",
        ),
        (
            Facts(target="shop-1.sqlite", target_taken=UNFINISHED),
            "target",
            "block",
            "the new database would be shop-1.sqlite, and that is a new database that was left unfinished: run"
            " `hotmig reset`, or move it away",
        ),
        (
            Facts(target="shop-1.sqlite", target_taken="a database that is retired"),
            "target",
            "block",
            "the new database would be shop-1.sqlite, and that is a database that is retired: move it away",
        ),
        (
            Facts(journal_mode="delete", old_size=60_000_000),
            "journal-mode",
            "note",
            "the old database (60.0 MB) is in journal mode delete, in which reading holds up writers for moments:"
            " `hotmig migrate --wal` switches it to WAL first",
        ),
        (
            Facts(drifted=("index i appeared",)),
            "drift",
            "note",
            "the old database differs from the schema that it was built from: index i appeared",
        ),
    ],
)
def test_what_the_files_say(facts: Facts, check: str, severity: str, message: str) -> None:
    assert planned(T.format("TEXT"), t("x: str | None"), facts=facts).of(check) == [(severity, message, None)]


@pytest.mark.parametrize(
    "facts",
    [
        Facts(old_size=2_000_000, disk_free=3_000_000),
        Facts(user_id=0, owner_id=33),
        Facts(user_id=33, owner_id=33),
        Facts(journal_mode="wal", old_size=60_000_000),
        Facts(journal_mode="delete", old_size=1_000),
        Facts(functions=frozenset(), collations=frozenset({"BINARY", "NOCASE"})),
    ],
)
def test_files_that_are_fine(facts: Facts) -> None:
    assert (
        planned(T.format("TEXT COLLATE NOCASE"), t('x: Annotated[str | None, Collate("NOCASE")]'), facts=facts).findings
        == ()
    )


def test_collations_and_functions_of_the_application_are_named() -> None:
    facts = Facts(functions=frozenset({"lower"}), collations=frozenset({"BINARY"}))
    found = planned(
        T.format("TEXT"), t('x: Annotated[str | None, Collate("NOCASE"), Check("slug(x) = x")]'), facts=facts
    )
    message = "t needs the application's {}: load it with --load-extension FILE"
    assert found.of("extension") == [
        ("block", message.format("function slug"), None),
        ("block", message.format("collation NOCASE"), None),
    ]
