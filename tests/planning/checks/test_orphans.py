"""Children of no row, where parents get new keys."""

from __future__ import annotations

from tests.planning.checks.building import A_AND_B, CODED
from tests.planning.planned import planned

MAPPED = A_AND_B + "dropped('a', 'id')"
TEXT_KEYS = "CREATE TABLE a(id TEXT PRIMARY KEY); CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT REFERENCES a)"
ROWS = "INSERT INTO a VALUES ('x'); INSERT INTO b VALUES (1, 'x'), (2, 'z'), (3, NULL)"


def test_orphans_of_a_mapped_key_block() -> None:
    found = planned(f"{TEXT_KEYS}; {ROWS}", MAPPED.format(""))
    message = "1 row of b refers by a to no row of a, so no new key is known: id 2"
    fix = 'a: Annotated[A | None, Was("a"), References(orphans="null")]'
    assert found.of("orphans") == [("block", message, fix)]


def test_unless_they_are_declared() -> None:
    found = planned(f"{TEXT_KEYS}; {ROWS}", MAPPED.format(', References(orphans="null")'))
    message = "1 row of b refers by a to no row of a: a_id becomes NULL as declared: id 2"
    assert found.of("orphans") == [("warn", message, None)]


def test_not_null_cannot_become_null() -> None:
    module = MAPPED.replace("A | None", "A").format(', References(orphans="null")')
    found = planned(f"{TEXT_KEYS}; {ROWS}", module)
    message = "1 row of b refers by a to no row of a; a_id cannot become NULL, as it is NOT NULL: id 2"
    fix = 'a: Annotated[A | None, Was("a"), References(orphans="null")]'
    assert found.of("orphans") == [("block", message, fix)]
    assert [each[1] for each in found.of("not-null")] == ["1 row has NULL in b.a_id, which is NOT NULL: id 3"]


def test_each_reference_has_its_own_count() -> None:
    old = TEXT_KEYS.replace("a TEXT REFERENCES a", "a TEXT REFERENCES a, c TEXT REFERENCES a")
    rows = "INSERT INTO a VALUES ('x'); INSERT INTO b VALUES (1, 'x', 'y'), (2, 'z', 'x'), (3, 'z', NULL)"
    module = MAPPED.format("").replace("dropped", '    c: Annotated[A | None, Was("c")]\ndropped')
    found = planned(f"{old}; {rows}", module).of("orphans")
    assert [message for _, message, _ in found] == [
        "2 rows of b refer by a to no row of a, so no new key is known: id 2, 3",
        "1 row of b refers by c to no row of a, so no new key is known: id 1",
    ]


def test_a_reference_to_a_reference_outside_of_its_key_cannot_be_followed() -> None:
    old = """CREATE TABLE a(code TEXT PRIMARY KEY);
        CREATE TABLE b(id INTEGER PRIMARY KEY, a TEXT UNIQUE REFERENCES a);
        CREATE TABLE c(id INTEGER PRIMARY KEY, b TEXT REFERENCES b(a))"""
    child = "@table\nclass C:\n    id: Annotated[int, Key] = auto()\n    b: Annotated[int | None, {}]\n"
    module = CODED.format(", Unique") + child.format('Was("b"), References("B", "a_id")')
    message = "c.b refers to b.a_id, which is itself not copied: refer to the key of b"
    assert planned(old, module).of("orphans") == [("block", message, None)]
