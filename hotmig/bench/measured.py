"""What was measured: one trial is one contender making one change beside the application."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hotmig.application.writer import share

BLOCKED_SECONDS = 0.01  # a write that takes longer has waited for somebody
OURS = "hotmig"

Sample = tuple[float, float]  # when a write was accepted (time.monotonic()), and the seconds since its first try


@dataclass(frozen=True)
class Phase:
    """A part of a trial, by ``time.monotonic()``."""

    name: str
    began: float
    ended: float


@dataclass(frozen=True)
class Waits:
    """What the application saw, in seconds. ``total`` is of all writes that took longer than BLOCKED_SECONDS."""

    accepted: int
    refused: int
    longest: float
    total: float
    p99_before: float
    p99_during: float


@dataclass(frozen=True)
class Trial:
    """``seconds`` until the new schema was in service, or the copy made; ``copy_seconds``, of hotmig, its ``migrate``
    alone. ``peak`` is in bytes. ``failure`` says why there is no result."""

    contender: str
    kind: str
    seconds: float = 0.0
    copy_seconds: float = 0.0
    peak: int = 0
    waits: Waits | None = None
    phases: tuple[Phase, ...] = ()
    samples: tuple[Sample, ...] = ()
    failure: str | None = None


def waits_of(samples: Sequence[Sample], refused: int, began: float, ended: float) -> Waits:
    """Of the writes before, and of those that were tried or accepted between the two moments."""
    before = sorted(seconds for when, seconds in samples if when <= began)
    during = sorted(seconds for when, seconds in samples if when > began and when - seconds < ended)
    return Waits(
        len(during),
        refused,
        max(during, default=0.0),
        sum(seconds for seconds in during if seconds > BLOCKED_SECONDS),
        share(before, 99),
        share(during, 99),
    )


@dataclass(frozen=True)
class Spread:
    """The same number of several rounds."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread | None:
        """None where there are no values."""
        found = list(values)
        return cls(min(found), statistics.median(found), max(found)) if found else None


@dataclass(frozen=True)
class Row:
    """One contender of one change. The ratios are hotmig's number divided by this one's, round by round."""

    contender: str
    kind: str
    seconds: Spread | None
    copy_seconds: Spread | None
    peak: Spread | None
    longest: Spread | None
    total: Spread | None
    refused: Spread | None
    p99_ratio: Spread | None
    whole_ratio: Spread | None
    copy_ratio: Spread | None
    longest_ratio: Spread | None
    failure: str | None = None


@dataclass(frozen=True)
class Comparison:
    """All trials of one change, round by round."""

    change: str
    told: str
    rounds: tuple[tuple[Trial, ...], ...]

    @property
    def rows(self) -> tuple[Row, ...]:
        names = dict.fromkeys(trial.contender for trials in self.rounds for trial in trials)
        return tuple(self._row(name) for name in names)

    @property
    def fastest_rival(self) -> Spread | None:
        """hotmig's time divided by that of the fastest rival of each round."""
        found = []
        for trials in self.rounds:
            rivals = [trial.seconds for trial in trials if trial.kind == "rival" and not trial.failure]
            ours = _ours(trials)
            if rivals and ours is not None:
                found.append(ours.seconds / min(rivals))
        return Spread.of(found)

    def _row(self, name: str) -> Row:
        pairs = [(trial, _ours(trials)) for trials in self.rounds for trial in trials if trial.contender == name]
        good = [(trial, ours) for trial, ours in pairs if not trial.failure]
        failure = next((trial.failure for trial, _ in pairs if trial.failure), None)
        kind = pairs[0][0].kind

        def of(number: Callable[[Trial], float]) -> Spread | None:
            return Spread.of(number(trial) for trial, _ in good)

        def waited(number: Callable[[Waits], float]) -> Spread | None:
            return Spread.of(number(trial.waits) for trial, _ in good if trial.waits is not None)

        def ratio(ours_is: Callable[[Trial], float], theirs_is: Callable[[Trial], float]) -> Spread | None:
            if name == OURS:
                return None
            return Spread.of(ours_is(ours) / max(theirs_is(trial), 1e-9) for trial, ours in good if ours is not None)

        return Row(
            name, kind, of(_whole), of(_copy) if name == OURS else None, of(lambda trial: float(trial.peak)),
            waited(lambda waits: waits.longest), waited(lambda waits: waits.total),
            waited(lambda waits: float(waits.refused)),
            waited(lambda waits: waits.p99_during / max(waits.p99_before, 1e-9)),
            ratio(_whole, _whole), ratio(_copy, _whole),
            ratio(_longest, _longest) if kind == "rival" else None, failure,
        )  # fmt: skip


@dataclass(frozen=True)
class BenchResult:
    """``rows`` and ``size`` (bytes) are those of the database that everyone started from; ``skipped`` says what was
    left out, and why."""

    shape: str
    rows: int
    size: int
    rounds: int
    machine: dict[str, str | int]
    comparisons: tuple[Comparison, ...]
    skipped: tuple[str, ...]


def _ours(trials: Sequence[Trial]) -> Trial | None:
    return next((trial for trial in trials if trial.contender == OURS and not trial.failure), None)


def _whole(trial: Trial) -> float:
    return trial.seconds


def _copy(trial: Trial) -> float:
    return trial.copy_seconds


def _longest(trial: Trial) -> float:
    return trial.waits.longest if trial.waits is not None else 0.0
