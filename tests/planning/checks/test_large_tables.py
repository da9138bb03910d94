"""Where a table may be too large to be copied as it is, the plan says so."""

from __future__ import annotations

import pytest

from hotmig.planning.as_is import MOST_BYTES
from hotmig.planning.checking import Facts
from tests.planning.planned import planned

OLD = "CREATE TABLE t(id INTEGER PRIMARY KEY, x TEXT)"
NEW = """
@table
class T:
    id: Annotated[int, Key] = auto()
    x: {x}
    y: int = 1
"""


@pytest.mark.parametrize(
    ("size", "mode", "x", "told"),
    [
        (MOST_BYTES + 1, "wal", "str | None = None", 1),
        (MOST_BYTES, "wal", "str | None = None", 0),
        (None, "wal", "str | None = None", 0),
        (MOST_BYTES + 1, "delete", "str | None = None", 0),
        (MOST_BYTES + 1, "wal", 'Annotated[str | None, From("lower(x)")] = None', 0),
    ],
)
def test_it_is_told_where_it_can_happen(size: int | None, mode: str, x: str, told: int) -> None:
    found = planned(OLD, NEW.format(x=x), facts=Facts(journal_mode=mode, old_size=size)).of("large-tables")
    assert [severity for severity, *_ in found] == ["note"] * told
    assert all("1.5 GB" in message for _, message, _ in found)
