"""Usage accounting: an application that writes forks, orphans and wrong dates, and what is to become of these.

The expectation is plain Python over plain rows: nothing of the schema module's functions is used in it.
"""

from __future__ import annotations

import argparse
import json
import random
import sqlite3
import sys
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

Row = dict[str, Any]
Contents = dict[str, list[Row]]
TABLES = (
    "blocks", "entries", "block_models", "milestones", "usage_snapshots", "cost_snapshots", "percent_milestones"
)  # fmt: skip
START = datetime(2026, 1, 5, 10, tzinfo=UTC)


def contents(path: Path, tables: tuple[str, ...] = TABLES) -> Contents:
    """Every row of these tables, at one moment, in a fixed order."""
    db = sqlite3.connect(path, timeout=30)
    db.row_factory = sqlite3.Row
    try:
        db.execute("BEGIN")
        found = {name: [dict(row) for row in db.execute(f"SELECT * FROM {name}")] for name in tables}
    finally:
        db.close()
    return {name: ordered(rows) for name, rows in found.items()}


def ordered(rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


# --- what is to come of it


def expected(before: Contents) -> Contents:
    """What the three data migrations make of these rows."""
    after = {name: [dict(row) for row in rows] for name, rows in before.items()}
    _backfill(after)
    _merge(after)
    _heal(after)
    return {name: ordered(rows) for name, rows in after.items()}


def _backfill(rows: Contents) -> None:
    by_id = {block["id"]: block for block in rows["blocks"]}
    rows["block_models"] = [row for row in rows["block_models"] if row["block_id"] in by_id]
    told = {row["block_id"] for row in rows["block_models"]}
    for block in rows["blocks"]:
        if block["id"] in told or block["resets_at"] is None:
            continue
        used: dict[str, list[Row]] = defaultdict(list)
        for entry in rows["entries"]:
            if entry["block_time"] == block["resets_at"]:
                used[entry["model"]].append(entry)
        for model, entries in used.items():
            sums = {name: sum(entry[name] for entry in entries) for name in ("tokens_in", "tokens_out", "cost")}
            rows["block_models"].append(
                {"block_id": block["id"], "window_key": block["window_key"], "model": model, **sums}
            )


def _seconds(text: str | None) -> float | None:
    try:
        return datetime.fromisoformat(text or "").timestamp()
    except ValueError:
        return None


def _merge(rows: Contents) -> None:
    timed = [(at, block["id"], block) for block in rows["blocks"] if (at := _seconds(block["resets_at"])) is not None]
    timed.sort(key=lambda each: each[:2])
    while timed:
        first = timed[0][0]
        group = [block for at, _, block in timed if at <= first + 1800]
        timed = timed[len(group) :]
        if len(group) > 1:
            _merge_group(rows, group)


def _merge_group(rows: Contents, group: list[Row]) -> None:
    winner = sorted(group, key=lambda block: (block["first_seen"] or "~", block["id"]))[0]
    newest = sorted(group, key=lambda block: (block["last_seen"] or "", block["id"]))[-1]
    ids, keys = {block["id"] for block in group}, {block["window_key"] for block in group}
    for name in ("usage_snapshots", "cost_snapshots"):
        for row in rows[name]:
            if row["window_key"] in keys:
                row["window_key"] = winner["window_key"]
    kept: dict[int, Row] = {}
    for row in rows["milestones"]:
        if row["block_id"] in ids:
            best = kept.get(row["percent"], row)
            kept[row["percent"]] = min(best, row, key=lambda each: (each["captured_at"] or "~", each["id"]))
    rows["milestones"] = [row for row in rows["milestones"] if row["block_id"] not in ids]
    rows["milestones"] += [
        {**row, "block_id": winner["id"], "window_key": winner["window_key"]} for row in kept.values()
    ]
    seen = [block["last_seen"] for block in group if block["last_seen"] is not None]
    merged = {
        **winner,
        "percent": newest["percent"],
        "week_percent": newest["week_percent"],
        "last_seen": max(seen) if seen else None,
        **{
            name: max(block[name] for block in group)
            for name in ("crossed_reset", "is_closed", "total_in", "total_out", "cost")
        },
    }
    rows["blocks"] = [block for block in rows["blocks"] if block["id"] not in ids] + [merged]
    lost = ids - {winner["id"]}
    rows["block_models"] = [row for row in rows["block_models"] if row["block_id"] not in lost]


def _heal(rows: Contents) -> None:
    taken: dict[tuple[str | None, int], Row] = {}
    ill = []
    for row in sorted(rows["percent_milestones"], key=lambda each: each["id"]):
        right = row["week_start_at"][:10] if row["week_start_at"] is not None else row["week_start_date"]
        if row["week_start_date"] == right:
            taken[right, row["percent"]] = row
        else:
            ill.append((right, row))
    for right, row in ill:
        taken.setdefault((right, row["percent"]), row)
    without = [
        row for row in rows["percent_milestones"] if row["week_start_at"] is None and row["week_start_date"] is None
    ]
    rows["percent_milestones"] = [row for row in taken.values() if row not in without] + without
    for name in ("usage_snapshots", "cost_snapshots", "percent_milestones"):
        for row in rows[name]:
            for end in ("start", "end"):
                if row[f"week_{end}_at"] is not None:
                    row[f"week_{end}_date"] = row[f"week_{end}_at"][:10]


# --- the application


class Accounting:
    """One connection of the application, and its dice."""

    def __init__(self, path: Path, seed: int) -> None:
        self.db = sqlite3.connect(path, timeout=30, isolation_level=None)
        self.dice = random.Random(seed)
        self.seed = seed

    def moment(self, spread: float = 400_000) -> str:
        return (START + timedelta(seconds=round(self.dice.random() * spread))).isoformat()

    def maybe(self, text: str) -> str | None:
        return None if self.dice.random() < 0.1 else text

    def write(self) -> None:
        """One transaction, of several statements."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            for _ in range(self.dice.randint(1, 3)):
                self.dice.choice(
                    [self.see, self.see, self.use, self.snapshot, self.milestone, self.week, self.forget]
                )()
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    def see(self) -> None:
        """A block, mostly one that is there already under a time that is a little different."""
        known = self.db.execute(
            "SELECT resets_at FROM blocks WHERE resets_at < '3' ORDER BY random() LIMIT 1"
        ).fetchone()
        if known and self.dice.random() < 0.7:
            resets = datetime.fromisoformat(known[0]) + timedelta(
                seconds=self.dice.choice([-900, 1, 60, 1799, 1800, 1801])
            )
        else:
            resets = START + timedelta(hours=5 * self.dice.randint(0, 30))
        at = self.dice.choice(["soon", None]) if self.dice.random() < 0.1 else resets.isoformat()
        key = int(resets.timestamp()) * 10 + self.dice.randint(0, 3)
        percents = [self.dice.randint(0, 100) for _ in range(2)]
        flags = [self.dice.randint(0, 1) for _ in range(2)]
        totals = [self.dice.randint(0, 999) for _ in range(2)]
        self.db.execute(
            "INSERT OR IGNORE INTO blocks(window_key, resets_at, first_seen, last_seen, percent, week_percent,"
            " crossed_reset, is_closed, total_in, total_out, cost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (key, at, self.maybe(self.moment()), self.maybe(self.moment()), *percents, *flags, *totals, totals[0] / 4),
        )

    def block(self) -> tuple[Any, ...] | None:
        found = self.db.execute("SELECT id, window_key, resets_at FROM blocks ORDER BY random() LIMIT 1").fetchone()
        return None if found is None else tuple(found)

    def use(self) -> None:
        block = self.block()
        if block and block[2]:
            row = (
                block[2],
                self.dice.choice("xyz"),
                self.dice.randint(1, 9),
                self.dice.randint(1, 9),
                self.dice.randint(0, 8) / 4,
            )
            self.db.execute(
                "INSERT INTO entries(block_time, model, tokens_in, tokens_out, cost) VALUES (?, ?, ?, ?, ?)", row
            )
        if block and self.dice.random() < 0.3:
            row = (
                self.dice.choice([block[0], block[0] + 5_000]),
                block[1],
                self.dice.choice("xyz"),
            )  # an orphan, now and then
            self.db.execute("INSERT OR REPLACE INTO block_models(block_id, window_key, model) VALUES (?, ?, ?)", row)

    def snapshot(self) -> None:
        block, week = self.block(), self.weeks()
        key = block[1] if block else None
        name, column = self.dice.choice([("usage_snapshots", "percent"), ("cost_snapshots", "cost")])
        self.db.execute(
            f"INSERT INTO {name}(week_start_at, week_start_date, week_end_at, week_end_date, window_key, {column})"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (*week, key, self.dice.randint(0, 100) / 4),
        )

    def weeks(self) -> tuple[str | None, str | None, str | None, str | None]:
        start = START + timedelta(days=7 * self.dice.randint(0, 3), hours=self.dice.choice([0, 13]))
        end, wrong = start + timedelta(days=7), timedelta(days=self.dice.choice([0, 0, 7, -7, 1]))
        dates = (f"{start + wrong:%Y-%m-%d}", f"{end + wrong:%Y-%m-%d}")
        return self.maybe(start.isoformat()), dates[0], self.maybe(end.isoformat()), dates[1]

    def milestone(self) -> None:
        if block := self.block():
            self.db.execute(
                "INSERT OR IGNORE INTO milestones(block_id, window_key, percent, captured_at) VALUES (?, ?, ?, ?)",
                (block[0], block[1], self.dice.choice([25, 50, 75]), self.maybe(self.moment())),
            )

    def week(self) -> None:
        self.db.execute(
            "INSERT OR IGNORE INTO percent_milestones(week_start_at, week_start_date, week_end_at, week_end_date,"
            " percent) VALUES (?, ?, ?, ?, ?)",
            (*self.weeks(), self.dice.choice([10, 20, 30])),
        )

    def forget(self) -> None:
        """An application that deletes, too: a block and what belongs to it, or an entry."""
        if self.dice.random() < 0.5 and (block := self.block()):
            for name in ("milestones", "block_models"):
                self.db.execute(f"DELETE FROM {name} WHERE block_id = ?", (block[0],))
            self.db.execute("DELETE FROM blocks WHERE id = ?", (block[0],))
        else:
            one = "SELECT id FROM entries WHERE block_time <> 'journal' ORDER BY random() LIMIT 1"
            self.db.execute(f"DELETE FROM entries WHERE id = ({one})")


def main() -> None:
    """Writes until the database is replaced; an entry of its own in each transaction says which were accepted."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--db", type=Path, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--seed", type=int, required=True)
    options = parser.parse_args()
    application = Accounting(options.db, options.seed)
    number = 0
    with options.journal.open("w") as journal:
        while True:
            try:
                application.write()
                application.db.execute(
                    "INSERT INTO entries(block_time, model) VALUES ('journal', ?)", (f"{options.seed}-{number}",)
                )
            except sqlite3.IntegrityError as error:
                if "was replaced by" in str(error):
                    journal.write("replaced\n")
                    return
                journal.write("refused\n")
                time.sleep(0.002)
                continue
            journal.write(f"{options.seed}-{number}\n")
            journal.flush()
            number += 1
            time.sleep(0.003)


if __name__ == "__main__":
    sys.exit(main())
