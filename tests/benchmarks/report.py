"""The numbers of one run: what was measured, with its target, as a table or as JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from rich.console import Console
from rich.table import Table

FORMAT = 1
WIDTH = 110


@dataclass(frozen=True)
class Measured:
    """One number, measured several times. The target is asked of the median, of a peak that of the largest."""

    name: str
    unit: str
    values: tuple[float, ...]
    target: float | None = None
    direction: Literal["at least", "at most"] = "at most"
    of: Literal["median", "max"] = "median"
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without one."""
        if self.target is None:
            return None
        reached = self.median if self.of == "median" else max(self.values)
        return reached >= self.target if self.direction == "at least" else reached <= self.target


def print_table(measured: Iterable[Measured], console: Console) -> None:
    """One line for each number."""
    table = Table()
    for heading in ("measured", "unit", "n", "min", "median", "max", "target", ""):
        table.add_column(heading, justify="left" if heading in ("measured", "unit", "") else "right")
    for each in measured:
        bounds = (min(each.values), each.median, max(each.values))
        target = "" if each.target is None else f"{each.direction} {shown(each.target)}"
        verdict = {None: "", True: "met", False: "MISSED"}[each.met]
        name = f"{each.name} ({each.note})" if each.note else each.name
        table.add_row(name, each.unit, str(len(each.values)), *map(shown, bounds), target, verdict)
    console.print(table)


def console() -> Console:
    return Console(width=WIDTH + 40, soft_wrap=True)


def shown(number: float) -> str:
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.3g}"


def to_json(measured: Iterable[Measured]) -> str:
    facts = [{**asdict(each), "median": each.median, "met": each.met} for each in measured]
    return json.dumps({"format": FORMAT, "measured": facts}, indent=2)
