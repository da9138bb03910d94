"""What the tests of the checks share: a table of clients, one of a single column, and a child with its parent."""

from __future__ import annotations

from tests.planning.planned import planned

CLIENT = "CREATE TABLE client(id INTEGER PRIMARY KEY, name TEXT, nickname TEXT)"
TWO = "INSERT INTO client VALUES (1, 'Ann', 'A'), (2, 'Bob', NULL)"
T = "CREATE TABLE t(id INTEGER PRIMARY KEY, x {})"
A_AND_B = """
@table
class A:
    id: Annotated[int, Key] = auto()
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a"){}]
"""
# The parent's old key goes on as its code; it gets a new one, and the child follows.
CODED = """
@table
class A:
    id: Annotated[int, Key] = auto()
    code: str | None
@table
class B:
    id: Annotated[int, Key] = auto()
    a: Annotated[A | None, Was("a"){}]
"""


def client(*fields: str, table: str = "@table(was='client')") -> str:
    lines = "".join(f"    {field}\n" for field in fields)
    return f"{table}\nclass Customer:\n    id: Annotated[int, Key] = auto()\n    name: str | None\n{lines}\n"


def t(field: str, table: str = "@table", more: str = "") -> str:
    return f"{table}\nclass T:\n    id: Annotated[int, Key] = auto()\n    {field}\n{more}"


def of_t(
    check: str, declared: str, values: str, field: str, table: str = "@table"
) -> list[tuple[str, str, str | None]]:
    """One column x: as it was declared, its rows, and as the module declares it."""
    old = f"{T.format(declared)}; INSERT INTO t(x) VALUES {values}" if values else T.format(declared)
    return planned(old, t(field, table)).of(check)
