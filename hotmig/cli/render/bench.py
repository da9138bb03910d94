"""The benchmark as tables, and as JSON."""

from __future__ import annotations

import sys
from typing import Any

from hotmig.bench.measured import BenchResult, Comparison, Row, Spread
from hotmig.cli.render.facts import to_json as facts
from hotmig.units import size

WIDTH_OF_A_FILE = 160
NOTES = (
    "Times of one round are compared; a cell has their median, and in brackets least and most. `hotmig ÷`: migrate and"
    " drain --cutover, as whole processes, divided by this one's work alone; `migrate ÷`: migrate alone. Waits are the"
    " application's: the longest write, all that took longer than 10 ms, and how many were refused."
)


def to_json(result: BenchResult) -> dict[str, Any]:
    """Everything but the single writes, without the format."""
    return {
        "shape": result.shape,
        "rows": result.rows,
        "size": result.size,
        "rounds": result.rounds,
        "machine": result.machine,
        "comparisons": [
            {
                "change": each.change,
                "told": each.told,
                "fastest_rival_ratio": facts(each.fastest_rival),
                "contenders": facts(each.rows),
            }
            for each in result.comparisons
        ],
        "skipped": list(result.skipped),
    }


def draw(result: BenchResult) -> None:
    """Prints a table for each change."""
    # rich takes longer to import than all the rest of a command.
    from rich.console import Console

    console = Console(
        markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE
    )
    told = ", ".join(f"{name} {found}" for name, found in result.machine.items())
    console.print(f"{result.rows:,} rows, shape {result.shape}, {size(result.size)}; {told}")
    for comparison in result.comparisons:
        _draw(comparison, console)
    console.print(NOTES)
    for skipped in result.skipped:
        console.print(f"Left out: {skipped}")


def _draw(comparison: Comparison, console: Any) -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE, pad_edge=False, title=f"{comparison.change}: {comparison.told}", title_justify="left")
    table.add_column("", overflow="fold")
    for heading in (
        "seconds", "hotmig ÷", "migrate ÷", "peak MB", "longest wait ms", "hotmig ÷", "all waits ms", "refused"
    ):  # fmt: skip
        table.add_column(heading, justify="right", overflow="fold")
    for row in comparison.rows:
        if row.failure is not None and row.seconds is None:
            table.add_row(row.contender, f"failed: {row.failure}")
        else:
            table.add_row(row.contender, *_cells(row))
    console.print(table)
    if comparison.fastest_rival is not None:
        console.print(f"hotmig ÷ the fastest rival of each round: {_spread(comparison.fastest_rival)}")


def _cells(row: Row) -> tuple[str, ...]:
    longest = _spread(row.longest, 1000)
    return (
        _spread(row.seconds),
        _spread(row.whole_ratio),
        _spread(row.copy_ratio),
        _middle(row.peak, 1e-6),
        longest,
        _spread(row.longest_ratio),
        _middle(row.total, 1000),
        _middle(row.refused),
    )


def _middle(spread: Spread | None, factor: float = 1) -> str:
    return "" if spread is None else f"{spread.median * factor:,.0f}"


def _spread(spread: Spread | None, factor: float = 1) -> str:
    if spread is None:
        return ""
    low, median, high = (_short(value * factor) for value in (spread.low, spread.median, spread.high))
    return median if low == high else f"{median} ({low}–{high})"


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
