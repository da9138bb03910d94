"""What became of old rows whose groups have several: the tables of the new file that say so, and how SQL asks them.

``_migration_member_<n>`` has the group key of each old row that is in a group at all, ``_migration_fate_<n>`` a row for
each one that does not simply stay as it is. Both belong to the projection as much as the old rows do. Their columns
have reserved names, for they stand beside the bare columns of old tables.
"""

from __future__ import annotations

from collections.abc import Sequence

from hotmig.catalog.affinity import stored
from hotmig.catalog.model import Affinity
from hotmig.planning.model import TableStep, Touch
from hotmig.planning.rows import KEY
from hotmig.sqlite import conjunction, text

FATE = "_migration_fate"
WINNER = "_migration_winner_{}"
# Of a member of a Merge how near it is to the canonical row; of one of Duplicates 0 where it is canonical, else 1.
LEVEL = "_migration_level"
MADE = "_migration_made"  # 1 where the winner is a row that is made
OWN, PARENT = "_migration_own", "_migration_parent_{}"  # aliases of fates beside an old row
CONSTANTS = "_migration_constant"
# Of a row that is made: whether its group needs it, and whether it stands in the new table. They have reserved names
# too, for the columns that ``create`` sets stand beside them.
LIVE, PLANTED = "_migration_live", "_migration_planted"

MERGED, DROPPED, KEPT = "merged", "dropped", "kept"
COLLIDES, HOMELESS = "collision", "homeless"  # what stops the migration: no winner, no canonical row
STOPPED = f"{FATE} IN ({text(COLLIDES)}, {text(HOMELESS)})"
GONE = f"{FATE} IN ({text(MERGED)}, {text(DROPPED)})"


def table(step: TableStep) -> str:
    return f"main._migration_fate_{step.number}"


def members(step: TableStep) -> str:
    return f"main._migration_member_{step.number}"


def created(step: TableStep) -> str:
    """The rows that are made, each once, with the canonical value that they stand for."""
    return f"main._migration_created_{step.number}"


def lent(step: TableStep) -> str:
    """The old keys whose new key is that of their winner: should one come to stay by itself, it needs its own."""
    return f"main._migration_lent_{step.number}"


def key_names(step: TableStep, alias: str | None = None) -> tuple[str, ...]:
    """The columns that hold the old key in tables of ours."""
    prefix = f"{alias}." if alias else ""
    return tuple(f"{prefix}{KEY.format(number)}" for number in range(1, _width(step) + 1))


def winner_names(step: TableStep, alias: str | None = None) -> tuple[str, ...]:
    prefix = f"{alias}." if alias else ""
    return tuple(f"{prefix}{WINNER.format(number)}" for number in range(1, _width(step) + 1))


def _width(step: TableStep) -> int:
    return len(step.source_key.columns) if step.source_key is not None else 0


def is_row(step: TableStep, alias: str, key: Sequence[str]) -> str:
    """Whether the row of ours under ``alias`` is that of an old key. Unary plus: without the old column's affinity."""
    pairs = zip(key_names(step, alias), key, strict=True)
    return conjunction(f"{name} = +{expression}" for name, expression in pairs)


def is_gone(step: TableStep, key: Sequence[str]) -> str:
    """Whether the old row with that key has become one with another."""
    return f"EXISTS (SELECT 1 FROM {table(step)} AS _f WHERE {is_row(step, '_f', key)} AND _f.{GONE})"


def survivor(step: TableStep, key: Sequence[str], position: int) -> str:
    """One column of the old key of the row that an old row became one with, or of its own; of a row that is made, of
    the key that it has."""
    if not step.loses_rows:
        return key[position]
    winner = WINNER.format(position + 1)
    found = f"SELECT _f.{winner} FROM {table(step)} AS _f WHERE {is_row(step, '_f', key)} AND _f.{GONE}"
    return f"coalesce(({found}), {key[position]})"


def touched(touch: Touch, affinity: Affinity) -> str:
    """The value that a rule sets, as a column of that affinity keeps it: what the old row gives, or what was evaluated
    once.

    Of the latter SQLite makes the value of the column once in a statement, for the subquery reads nothing outside.
    """
    constant = f"FROM main.{CONSTANTS} WHERE expression = {text(touch.expression)}"
    once, of_row = (stored(value, affinity) for value in ("value", f"({touch.expression}\n)"))
    return f"CASE WHEN EXISTS (SELECT 1 {constant}) THEN (SELECT {once} {constant}) ELSE {of_row} END"
