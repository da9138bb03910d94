"""What becomes of the single numbers: waits, and ratios round by round."""

from __future__ import annotations

import pytest

from hotmig.bench.measured import Comparison, Spread, Trial, Waits, waits_of


def trial(name: str, kind: str, seconds: float, longest: float = 0.0, copy: float = 0.0) -> Trial:
    return Trial(name, kind, seconds, copy, 0, Waits(1, 0, longest, longest, 0.001, 0.002))


COMPARED = Comparison(
    "rebuild",
    "…",
    (
        (trial("hotmig", "hotmig", 2.0, 0.01, 1.0), trial("slow", "rival", 8.0, 4.0), trial("copy", "limit", 0.5)),
        (trial("hotmig", "hotmig", 3.0, 0.02, 2.0), trial("slow", "rival", 6.0, 2.0), trial("copy", "limit", 0.5)),
    ),
)


def test_a_ratio_is_that_of_one_round() -> None:
    ours, slow, copied = COMPARED.rows
    assert ours.whole_ratio is None
    assert slow.whole_ratio == Spread(0.25, 0.375, 0.5)
    assert copied.copy_ratio == Spread(2.0, 3.0, 4.0)
    assert slow.longest_ratio is not None
    assert slow.longest_ratio.high == pytest.approx(0.01)
    assert copied.longest_ratio is None  # it stops nobody
    assert ours.p99_ratio == Spread(2.0, 2.0, 2.0)


def test_the_fastest_rival_is_that_of_the_round_and_no_limit() -> None:
    rounds = (
        (trial("hotmig", "hotmig", 2.0), trial("a", "rival", 8.0), trial("b", "rival", 4.0), trial("c", "limit", 1.0)),
        (trial("hotmig", "hotmig", 2.0), trial("a", "rival", 5.0), trial("b", "rival", 10.0)),
    )
    assert Comparison("rebuild", "…", rounds).fastest_rival == Spread(0.4, 0.45, 0.5)


def test_who_fails_has_no_numbers() -> None:
    failed = Trial("broken", "rival", failure="database is locked")
    rows = Comparison("rebuild", "…", ((trial("hotmig", "hotmig", 2.0), failed),)).rows
    assert (rows[1].failure, rows[1].seconds, rows[1].whole_ratio) == ("database is locked", None, None)
    assert Comparison("rebuild", "…", ((failed,),)).fastest_rival is None


def test_a_write_that_was_held_up_counts_although_it_came_through_afterwards() -> None:
    samples = [(0.5, 0.001), (1.0, 0.002), (2.5, 0.005), (6.0, 3.4), (7.0, 0.001)]
    waits = waits_of(samples, 3, began=2.0, ended=5.0)
    assert (waits.accepted, waits.refused, waits.longest) == (2, 3, 3.4)
    assert waits.total == 3.4  # what took less than 10 ms was held up by nobody
    assert waits.p99_before == 0.002
    assert waits.p99_during == 3.4


def test_nothing_was_written() -> None:
    assert waits_of([], 0, 1.0, 2.0) == Waits(0, 0, 0.0, 0, 0.0, 0.0)
    assert Spread.of([]) is None
