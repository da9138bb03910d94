"""Usage accounting with its history put right: the tables are the same, and three data migrations go over the rows.

The first fills what each model used in each block; the second makes one block of those that are one; the third takes
the dates of the weeks from their times.
"""

import datetime as dt
import sqlite3
from dataclasses import dataclass
from typing import Annotated

from hotmig.schema import Default, Index, Key, References, Unique, auto, data_migration, table

database = "usage"

Flag = Annotated[int, Default(sql="0")]
Count = Annotated[int, Default(sql="0")]


@table("blocks")
class Block:
    id: Annotated[int, Key(autoincrement=True)] = auto()
    window_key: Annotated[int, Unique]
    resets_at: str | None = None
    first_seen: str | None = None
    last_seen: str | None = None
    percent: float | None = None
    week_percent: float | None = None
    crossed_reset: Flag = auto()
    is_closed: Flag = auto()
    total_in: Count = auto()
    total_out: Count = auto()
    cost: float = 0.0


@table("entries", indexes=[Index("block_time")])
class Entry:
    id: Annotated[int, Key] = auto()
    block_time: str  # the resets_at of its block
    model: str
    tokens_in: Count = auto()
    tokens_out: Count = auto()
    cost: float = 0.0


@table("block_models", key=["block_id", "model"])
class BlockModel:
    block: Annotated[Block, References(on_delete="CASCADE")]
    window_key: int
    model: str
    tokens_in: Count = auto()
    tokens_out: Count = auto()
    cost: float = 0.0


@table("milestones", unique=[("window_key", "percent")], indexes=[Index("block_id")])
class Milestone:
    id: Annotated[int, Key] = auto()
    block: Annotated[Block, References(on_delete="CASCADE")]
    window_key: int
    percent: int
    captured_at: str | None = None


@table("usage_snapshots", indexes=[Index("window_key")])
class UsageSnapshot:
    id: Annotated[int, Key] = auto()
    week_start_at: str | None = None
    week_start_date: str | None = None
    week_end_at: str | None = None
    week_end_date: str | None = None
    window_key: int | None = None
    percent: float | None = None


@table("cost_snapshots", indexes=[Index("window_key")])
class CostSnapshot:
    id: Annotated[int, Key] = auto()
    week_start_at: str | None = None
    week_start_date: str | None = None
    week_end_at: str | None = None
    week_end_date: str | None = None
    window_key: int | None = None
    cost: float = 0.0


@table("percent_milestones", unique=[("week_start_date", "percent")])
class PercentMilestone:
    id: Annotated[int, Key] = auto()
    week_start_at: str | None = None
    week_start_date: str | None = None
    week_end_at: str | None = None
    week_end_date: str | None = None
    percent: int


SAME_BLOCK = dt.timedelta(seconds=1800)  # after the first of a group
SNAPSHOTS = ("usage_snapshots", "cost_snapshots")
DATED = (*SNAPSHOTS, "percent_milestones")


@data_migration("001_backfill_block_models")
def backfill_block_models(db: sqlite3.Connection) -> None:
    """What each model used in each block that says nothing of it yet, from the entries of the block."""
    db.execute("DELETE FROM block_models WHERE block_id NOT IN (SELECT id FROM blocks)")
    db.execute("""
        INSERT INTO block_models(block_id, window_key, model, tokens_in, tokens_out, cost)
        SELECT b.id, b.window_key, e.model, sum(e.tokens_in), sum(e.tokens_out), sum(e.cost)
        FROM blocks AS b JOIN entries AS e ON e.block_time = b.resets_at
        WHERE NOT EXISTS (SELECT 1 FROM block_models AS m WHERE m.block_id = b.id)
        GROUP BY b.id, e.model""")


@dataclass(frozen=True)
class Seen:
    """A block as it was seen: which one it is, and when."""

    id: int
    window_key: int
    resets_at: dt.datetime
    first_seen: str | None
    last_seen: str | None


@data_migration("002_merge_forked_blocks")
def merge_forked_blocks(db: sqlite3.Connection) -> None:
    """Makes one block of those that reset within half an hour: the one that was seen first."""
    for group in _forks(db):
        canonical = min(group, key=lambda seen: (seen.first_seen is None, seen.first_seen or "", seen.id))
        _move_milestones(db, group, canonical)
        for name in SNAPSHOTS:
            keys = [(canonical.window_key, seen.window_key) for seen in group]
            db.executemany(f"UPDATE {name} SET window_key = ? WHERE window_key = ?", keys)
        _take_over(db, group, canonical)
        dropped = [(seen.id,) for seen in group if seen is not canonical]
        db.executemany("DELETE FROM block_models WHERE block_id = ?", dropped)
        db.executemany("DELETE FROM blocks WHERE id = ?", dropped)


def _forks(db: sqlite3.Connection) -> list[list[Seen]]:
    """The groups of more than one. A block whose time says nothing belongs to none."""
    blocks = []
    for id, window_key, resets_at, *seen in db.execute(
        "SELECT id, window_key, resets_at, first_seen, last_seen FROM blocks"
    ):
        if (moment := _moment(resets_at)) is not None:
            blocks.append(Seen(id, window_key, moment, *seen))
    groups: list[list[Seen]] = []
    for block in sorted(blocks, key=lambda seen: (seen.resets_at, seen.id)):
        if groups and block.resets_at - groups[-1][0].resets_at <= SAME_BLOCK:
            groups[-1].append(block)
        else:
            groups.append([block])
    return [group for group in groups if len(group) > 1]


def _moment(text: object) -> dt.datetime | None:
    try:
        moment = dt.datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def _move_milestones(db: sqlite3.Connection, group: list[Seen], canonical: Seen) -> None:
    """The earliest of each percent stays. The others go first: two of one percent can't have one block's key."""
    ids = [seen.id for seen in group]
    marks = ", ".join("?" * len(ids))
    best: dict[int, int] = {}
    for id, percent in db.execute(
        f"SELECT id, percent FROM milestones WHERE block_id IN ({marks}) ORDER BY captured_at IS NULL, captured_at, id",
        ids,
    ):
        best.setdefault(percent, id)
    keepers = list(best.values())
    spared = ", ".join("?" * len(keepers))
    db.execute(f"DELETE FROM milestones WHERE block_id IN ({marks}) AND id NOT IN ({spared})", [*ids, *keepers])
    db.execute(
        f"UPDATE milestones SET block_id = ?, window_key = ? WHERE id IN ({spared})",
        [canonical.id, canonical.window_key, *keepers],
    )


def _take_over(db: sqlite3.Connection, group: list[Seen], canonical: Seen) -> None:
    """The percents of the latest observation; of all else the most."""
    ids = [seen.id for seen in group]
    marks = ", ".join("?" * len(ids))
    latest = max(group, key=lambda seen: (seen.last_seen is not None, seen.last_seen or "", seen.id))
    most = ("last_seen", "crossed_reset", "is_closed", "total_in", "total_out", "cost")
    columns = ", ".join(f"{name} = (SELECT max({name}) FROM blocks WHERE id IN ({marks}))" for name in most)
    db.execute(
        f"UPDATE blocks SET percent = (SELECT percent FROM blocks WHERE id = ?),"
        f" week_percent = (SELECT week_percent FROM blocks WHERE id = ?), {columns} WHERE id = ?",
        [latest.id, latest.id, *ids * len(most), canonical.id],
    )


HEALED = "coalesce(substr(week_start_at, 1, 10), week_start_date)"
ILL = "week_{end}_at IS NOT NULL AND week_{end}_date IS NOT substr(week_{end}_at, 1, 10)"


@data_migration("003_heal_week_dates")
def heal_week_dates(db: sqlite3.Connection) -> None:
    """The dates of a week are those of its times. A milestone whose twin has, or gets, the right date goes."""
    db.execute(f"""
        DELETE FROM percent_milestones WHERE id IN (
            SELECT id FROM (SELECT id, {ILL.format(end="start")} AS ill, row_number() OVER (
                PARTITION BY percent, {HEALED} ORDER BY {ILL.format(end="start")}, id) AS place
            FROM percent_milestones) WHERE ill AND place > 1)""")
    # Not at once: the right date of one may be the wrong one of another that is still to be healed.
    db.execute(f"UPDATE percent_milestones SET week_start_date = NULL WHERE {ILL.format(end='start')}")
    for name in DATED:
        for end in ("start", "end"):
            healed = f"week_{end}_date = substr(week_{end}_at, 1, 10)"
            db.execute(f"UPDATE {name} SET {healed} WHERE {ILL.format(end=end)}")
