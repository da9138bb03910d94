"""``python -m tests.benchmarks``: everything in one run. Takes some minutes; ``--quick`` about one."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hotmig.bench.processes import environment
from tests.benchmarks import (
    measure_ledger,
    measure_merge,
    measure_pause,
    measure_recording,
    measure_replay,
    measure_rows,
    measure_status,
    measure_waits,
)
from tests.benchmarks.data import BIG_NOTE
from tests.benchmarks.report import Measured, console, print_table, to_json


@dataclass(frozen=True)
class Sizes:
    """How much of everything. ``pauses`` are (rows, further characters in each order's note, rows
    that are written behind the copy)."""

    rows: int = 3_200_000
    sizes: tuple[int, int] = (1_000_000, 10_000_000)
    times: int = 3
    written: int = 1_000_000
    pauses: tuple[tuple[int, int, int], ...] = ((400_000, 0, 0), (3_200_000, BIG_NOTE, 0), (3_200_000, 0, 1_000_000))
    pause_times: int = 10
    recording_rows: int = 400_000
    blocks: int = 20
    writes: int = 2_000
    status_times: int = 15
    ledger_pairs: int = 10
    states: int = 1_000_000
    merges: int = 3


QUICK = Sizes(
    160_000, (20_000, 200_000), 2, 20_000, ((40_000, 0, 0), (160_000, BIG_NOTE, 0), (160_000, 0, 20_000)), 3, 80_000, 6,
    500, 5, 2, 100_000, 1,
)  # fmt: skip


def measures(work: Path, sizes: Sizes) -> dict[str, Callable[[], list[Measured]]]:
    env = environment(work / "pycache")
    return {
        "status": lambda: measure_status.measure(work, env, 8_000, sizes.status_times),
        "recording": lambda: measure_recording.measure(work, env, sizes.recording_rows, sizes.blocks, sizes.writes),
        "ledger": lambda: measure_ledger.measure(work, env, sizes.recording_rows, sizes.ledger_pairs),
        "rows": lambda: measure_rows.measure(work, env, sizes.sizes, sizes.times),
        "replay": lambda: measure_replay.measure(work, env, sizes.rows, sizes.written, sizes.times),
        "merge": lambda: measure_merge.measure(work, env, sizes.states, sizes.merges),
        "waits": lambda: measure_waits.measure(work, env, sizes.rows),
        "pause": lambda: measure_pause.measure(work, env, list(sizes.pauses), sizes.pause_times),
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything runs: no targets")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--only",
        action="append",
        help="one of: status, recording, ledger, rows, replay, merge, waits, pause; may be repeated",
    )
    parser.add_argument(
        "--dir", type=Path, help="where to make the databases (30 GB free; default: a temporary directory)"
    )
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="hotmig-benchmark-", dir=options.dir))
    found: list[Measured] = []
    try:
        for name, measure in measures(work, QUICK if options.quick else Sizes()).items():
            if options.only and name not in options.only:
                continue
            print(f"measuring: {name}", file=sys.stderr, flush=True)
            measured = measure()
            if options.quick:
                measured = [replace(each, target=None) for each in measured]
            found += measured
            if not options.json:
                print_table(measured, console())
    finally:
        shutil.rmtree(work, ignore_errors=True)
    if options.json:
        print(to_json(found))
    return int(any(each.met is False for each in found))


if __name__ == "__main__":
    sys.exit(main())
