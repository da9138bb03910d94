"""Messages name rows by what an operator can type."""

from __future__ import annotations

from pathlib import Path

import pytest

from hotmig.planning.model import TableStep
from hotmig.transfer.old_rows import Misfit, Named, shown, told
from tests.transfer.building import Case, schema


@pytest.fixture
def step(tmp_path: Path) -> TableStep:
    ddl = ["CREATE TABLE t(a INTEGER NOT NULL, b TEXT NOT NULL, u, PRIMARY KEY (a, b))"]
    return Case(tmp_path, ddl, schema(ddl)).plan.steps[0]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ((None,), "NULL"),
        ((1, 2.5, -(2**63)), "(1, 2.5, -9223372036854775808)"),
        (("it's", ""), "('it''s', '')"),
        (("a\nb\0",), r"'a\nb\x00'"),
        (("x" * 81,), f"'{'x' * 80}'…"),
        ((b"", b"\xff"), "(x'', x'ff')"),
        ((bytes(16),), f"x'{'00' * 16}'"),  # a UUID is whole
        ((bytes(33),), f"x'{'00' * 32}'…"),
    ],
)
def test_values_are_shown_as_sql_in_one_line(values: tuple[object, ...], wanted: str) -> None:
    assert shown(values) == wanted


def test_nothing_is_told_of_no_rows(step: TableStep) -> None:
    assert told(step, []) == ""


def test_one_row_and_several(step: TableStep) -> None:
    first, second = Named((1, "x"), (), (5,)), Named((2, "y"), (), (5,))
    assert told(step, [Misfit(Named((1, "x")))]) == " (old table \"t\", row with (a, b) (1, 'x'))"
    one, two = Misfit(first, second, ("u",)), Misfit(second, None, ("u",))
    wanted = " (old table \"t\", rows with (a, b) (1, 'x') and (2, 'y'): u 5; (2, 'y'): u 5)"
    assert told(step, [one, two]) == wanted


def test_values_that_differ_are_both_told(step: TableStep) -> None:
    misfit = Misfit(Named((1, "x"), (), ("bob",)), Named((2, "y"), (), ("BOB",)), ("u",))
    assert told(step, [misfit]).endswith("(1, 'x') and (2, 'y'): u 'bob' and u 'BOB')")


def test_a_row_that_the_old_database_does_not_have_goes_by_its_new_key(step: TableStep) -> None:
    seed = Named(None, (3, "z"))
    assert told(step, [Misfit(Named((1, "x")), seed)]) == (
        " (old table \"t\", row with (a, b) (1, 'x') and seed row (3, 'z'))"
    )
    assert told(step, [Misfit(seed)]) == " (seed row (3, 'z'))"
