"""The picture: how many writes the application got through, and how long each took, while a contender worked."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hotmig.bench.measured import BenchResult, Comparison, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

NEEDS = "matplotlib"
HEAD = '<?xml version="1.0" encoding="utf-8" standalone="no"?>\n<!DOCTYPE svg'  # what a file of ours begins with
SECONDS_BEFORE, SECONDS_AFTER = 0.5, 0.3
BINS = 120
PANEL_INCHES = (3.4, 2.1)
COLOURS = ("#cfe3f7", "#f7dccf", "#c00000")
LINE = "#1f4e79"


def svg(result: BenchResult) -> str:
    """One column for each contender, two rows for each change: writes per second, and milliseconds of each write."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    shown = [(each, _trials(each)) for each in result.comparisons]
    columns = max(len(trials) for _, trials in shown)
    with rc_context({"svg.hashsalt": "hotmig", "font.size": 7, "svg.fonttype": "none"}):
        figure = Figure(figsize=(PANEL_INCHES[0] * columns, 2 * PANEL_INCHES[1] * len(shown)), layout="constrained")
        drawn: Any = figure.subplots(2 * len(shown), columns, squeeze=False)
        figure.suptitle(f"The application's writes beside each: {result.rows:,} rows, shape {result.shape}")
        for number, (comparison, trials) in enumerate(shown):
            _draw(comparison, trials, drawn[2 * number], drawn[2 * number + 1])
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()


def _trials(comparison: Comparison) -> list[Trial]:
    """Of the first round: hotmig and its rivals. A limit changes nothing, and stops nobody."""
    return [each for each in comparison.rounds[0] if each.kind != "limit" and not each.failure]


def _draw(comparison: Comparison, trials: Sequence[Trial], upper: Sequence[Axes], lower: Sequence[Axes]) -> None:
    for place, (rate, wait) in enumerate(zip(upper, lower, strict=True)):
        if place >= len(trials):
            rate.set_axis_off()
            wait.set_axis_off()
            continue
        trial = trials[place]
        began = trial.phases[0].began
        span = (-SECONDS_BEFORE, max(phase.ended for phase in trial.phases) - began + SECONDS_AFTER)
        times = [when - began for when, _ in trial.samples]
        width = (span[1] - span[0]) / BINS
        edges = [span[0] + width * number for number in range(BINS + 1)]
        counts, longest = [0] * BINS, [0.0] * BINS
        for when, (_, seconds) in zip(times, trial.samples, strict=True):
            number = int((when - span[0]) / width)
            if 0 <= number < BINS:
                counts[number] += 1
                longest[number] = max(longest[number], seconds * 1000)
        rate.stairs([count / width for count in counts], edges, color=LINE, fill=False)
        rate.set_title(f"{comparison.change}: {trial.contender}, {trial.seconds:.1f} s")
        wait.vlines(edges[:-1], 0.01, [max(each, 0.01) for each in longest], color=LINE, linewidth=1)
        wait.set_yscale("log")
        wait.set_ylim(0.01, 1e5)
        wait.set_xlabel("seconds")
        for axes in (rate, wait):
            axes.set_xlim(*span)
            for phase, colour in zip(trial.phases, COLOURS, strict=False):
                axes.axvspan(phase.began - began, phase.ended - began, color=colour, label=phase.name, zorder=0)
        rate.set_ylim(bottom=0)
        rate.legend(loc="lower left", framealpha=0.6)
        if place == 0:
            rate.set_ylabel("writes per second")
            wait.set_ylabel("longest wait, ms")
