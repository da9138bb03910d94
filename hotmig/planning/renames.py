"""Old columns without a successor, and new columns without a source: which of them may be the same thing.

Nothing here is ever applied. It gives the lines that a person can choose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.model import Column, ForeignKey, Table
from hotmig.planning.checking import Context
from hotmig.planning.lines import reference_of
from hotmig.planning.model import TableStep
from hotmig.planning.references import ordered
from hotmig.planning.successors import gone_columns, gone_values, has_no_value, is_unfilled
from hotmig.sqlite import fold

_Pair = tuple[Column, Column]
_ALIKE = 0.5  # of two names, where the columns aren't of one shape


@dataclass(frozen=True)
class Rename:
    """``new`` are columns of one field, and ``was`` the names of its Was.

    ``was`` is () where the new value has to be computed: the types differ, or several columns have come for one.
    ``parent`` is the old table that the old columns referred to, where they were a foreign key.
    """

    old: tuple[Column, ...]
    new: tuple[Column, ...]
    was: tuple[str, ...]
    parent: str | None = None


def renames(context: Context, step: TableStep) -> tuple[Rename, ...]:
    """What looks renamed in one table: references first, then columns of like names and types."""
    if step.source is None:
        return ()
    found = list(_references(context, step))
    old = {column.name for rename in found for column in rename.old}
    new = {column.name for rename in found for column in rename.new}
    unfilled = (column for column in step.table.stored_columns if is_unfilled(step, column))
    free = [each for each in unfilled if each.name not in new and not _needs_several(context, step, each)]
    # A column of nothing but NULL has nothing to be renamed for.
    gone = [column for column in gone_columns(context, step) if gone_values(context, step, column)]
    return (*found, *_columns(step, [column for column in gone if column.name not in old], free))


def former_reference(
    context: Context, step: TableStep, foreign: ForeignKey, taken: Iterable[frozenset[str]] = ()
) -> tuple[str, ...]:
    """The old columns that a foreign key of the old table made refer to the same parent, for the Was of ``foreign``.

    () without one, or where another reference of the new table follows it; ``taken`` are more that are not meant.
    """
    parent = context.plan.step(foreign.parent)
    if step.source is None or parent is None or parent.source is None:
        return ()
    followed = _followed(step).union(taken)
    candidates = [
        old
        for old in ordered(step.source.foreign_keys)
        if fold(old.parent) == fold(parent.source.name) and frozenset(map(fold, old.columns)) not in followed
    ]
    wanted = " ".join(foreign.columns)
    best = max(candidates, key=lambda old: _similar(" ".join(old.columns), wanted), default=None)
    return _paired(parent, best, foreign) if best is not None else ()


def _references(context: Context, step: TableStep) -> Iterator[Rename]:
    taken: set[frozenset[str]] = set()
    for foreign in ordered(step.table.foreign_keys):
        new = tuple(column for column in map(step.table.column, foreign.columns) if column is not None)
        was = former_reference(context, step, foreign, taken)
        if _is_given_up(context, step, was):
            continue
        unfilled = tuple(column for column in new if is_unfilled(step, column))
        if len(was) == 1 and unfilled:
            new = unfilled  # a column that has its value keeps it
        if was and (new == unfilled or _is_a_part(step, foreign, was)):
            taken.add(frozenset(map(fold, was)))
            yield from _by_field(context, step, new, was, foreign.parent)


def _is_given_up(context: Context, step: TableStep, names: Iterable[str]) -> bool:
    return step.source is not None and any(context.is_dropped(step.source.name, name) for name in names)


def _is_a_part(step: TableStep, foreign: ForeignKey, was: tuple[str, ...]) -> bool:
    """Whether the reference is filled from some of the columns that were the old one."""
    owns = [own for own in map(step.column, foreign.columns) if own is not None]
    old = {fold(column.name) for column in map(step.taken_from, owns) if column is not None}
    return bool(old) and old < set(map(fold, was))


def _by_field(
    context: Context, step: TableStep, new: tuple[Column, ...], was: tuple[str, ...], parent: str
) -> Iterator[Rename]:
    """One for a field that is the whole reference, or one for each of the fields that are its columns."""
    rules = [context.column_rules(step, column.name) for column in new]
    fields = {each.field if each is not None else column.name for each, column in zip(rules, new, strict=True)}
    successor = context.plan.step(parent)
    referred = successor.source.name if successor is not None and successor.source is not None else parent
    if len(fields) == 1 or len(was) != len(new):
        yield Rename(_old(step, was), new, was, referred)
        return
    for column, name in zip(new, was, strict=True):
        yield Rename(_old(step, (name,)), (column,), (name,), referred)


def _old(step: TableStep, names: Iterable[str]) -> tuple[Column, ...]:
    columns = [step.source.column(name) for name in names] if step.source is not None else []
    return tuple(column for column in columns if column is not None)


def _followed(step: TableStep) -> set[frozenset[str]]:
    """The old columns, folded, of each reference of the new table."""
    found = {frozenset(map(fold, each.columns)) for each in step.translations}
    for foreign in step.table.foreign_keys:
        owns = [own for own in map(step.column, foreign.columns) if own is not None]
        old = [column for column in map(step.taken_from, owns) if column is not None]
        if len(old) == len(foreign.columns):
            found.add(frozenset(fold(column.name) for column in old))
    return found


def _paired(parent: TableStep, old: ForeignKey, new: ForeignKey) -> tuple[str, ...]:
    """The columns of an old foreign key, in the order of the new one where that has as many."""
    by_parent = {fold(theirs): ours for theirs, ours in zip(old.parent_columns, old.columns, strict=False)}
    owns = [own for own in map(parent.column, new.parent_columns) if own is not None]
    kept = [fold(column.name) for column in map(parent.taken_from, owns) if column is not None]
    is_same = len(old.columns) == len(new.columns) and sorted(kept) == sorted(by_parent)
    return tuple(by_parent[name] for name in kept) if is_same else old.columns


def _needs_several(context: Context, step: TableStep, column: Column) -> bool:
    """Whether it refers to rows that get new keys in place of keys of several columns: one column can't tell which."""
    foreign = reference_of(step, column.name)
    parent = context.plan.step(foreign.parent) if foreign is not None else None
    if parent is None or parent.source is None:
        return False
    return parent.keys == "mapped" and len(primary_key_names(parent.source)) > 1


def _columns(step: TableStep, old: list[Column], new: list[Column]) -> Iterator[Rename]:
    """The pairs that are most alike first, each column once; all new ones of the only old one that was divided."""
    pairs = [(a, b) for a in old for b in new if may_be(step, a, b)]
    divided = [Rename((a,), (b,), ()) for a, b in pairs if has_no_value(step, b) and is_of_one_type(step, a, b)]
    if len(old) == 1 and len(divided) > 1:
        yield from divided
        return
    for a, b in _matched(pairs):
        yield Rename((a,), (b,), (a.name,) if _keeps_its_values(step, a, b) else ())


def _matched(pairs: list[_Pair]) -> Iterator[_Pair]:
    """Pairs whose names are alike; then those of which neither can be anything else by now.

    Nor by its name something that has found a better match: ``first_name`` may have been ``full_name``, whoever got it.
    """
    alike = [pair for pair in pairs if _is_alike(*pair)]
    olds, news = ({pair[side].name for pair in alike} for side in (0, 1))
    taken: tuple[set[str], set[str]] = (set(), set())
    for pair in sorted(alike, key=lambda pair: _likeness(*pair), reverse=True):
        if _is_free(pair, taken):
            taken[0].add(pair[0].name)
            taken[1].add(pair[1].name)
            yield pair
    free = [pair for pair in pairs if _is_free(pair, taken)]
    of_old, of_new = (Counter(pair[side].name for pair in free) for side in (0, 1))
    for a, b in free:
        if of_old[a.name] == of_new[b.name] == 1 and a.name not in olds and b.name not in news:
            yield a, b


def _is_free(pair: _Pair, taken: tuple[set[str], set[str]]) -> bool:
    return pair[0].name not in taken[0] and pair[1].name not in taken[1]


def _is_alike(old: Column, new: Column) -> bool:
    return _similar(old.name, new.name) >= _ALIKE


def may_be(step: TableStep, old: Column, new: Column) -> bool:
    """Whether the new column can be the old one under another name."""
    own = step.column(new.name)
    if own is None or not _is_of_one_role(step, old, new):
        return False
    if is_of_one_type(step, old, new) and old.not_null == new.not_null:
        return True
    return not own.assigned and _is_alike(old, new)


def _is_of_one_role(step: TableStep, old: Column, new: Column) -> bool:
    """Keys and references become keys and references: their values mean rows."""
    if step.source is None or not _tells_rows(step.source, old.name):
        return True
    if fold(new.name) in map(fold, primary_key_names(step.table)):
        return True
    return reference_of(step, new.name) is not None


def _tells_rows(table: Table, name: str) -> bool:
    referring = (column for foreign in table.foreign_keys for column in foreign.columns)
    return fold(name) in {fold(each) for each in (*primary_key_names(table), *referring)}


def _keeps_its_values(step: TableStep, old: Column, new: Column) -> bool:
    """Whether a Was can be proposed. In a reference, values that mean no row of the parent are refused later."""
    referring = {fold(name) for foreign in step.table.foreign_keys for name in foreign.columns}
    return is_of_one_type(step, old, new) or fold(new.name) in referring


def is_of_one_type(step: TableStep, old: Column, new: Column) -> bool:
    return step.source is not None and column_affinity(step.source, old) == column_affinity(step.table, new)


def _likeness(old: Column, new: Column) -> tuple[bool, bool, float]:
    return (fold(old.type) == fold(new.type), old.not_null == new.not_null, _similar(old.name, new.name))


def _similar(left: str, right: str) -> float:
    return SequenceMatcher(None, fold(left), fold(right)).ratio()
