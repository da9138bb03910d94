"""Usage accounting, as it was written down for a year: blocks of hours, what was used in them, and weekly snapshots.

The time at which a block resets came with a jitter, so that one block can be there several times; the dates of some
weeks were cut from the local time, and not from the time beside them.
"""

from typing import Annotated

from hotmig.schema import Default, Index, Key, References, Unique, auto, table

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
