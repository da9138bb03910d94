"""The order of copying: parents before children."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.model import Table
from hotmig.sqlite import fold


def parents_first(tables: Iterable[Table]) -> tuple[Table, ...]:
    """Tables in foreign key order, by name where that leaves a choice, whatever order they came in.

    In a cycle, the table with the fewest ancestors that are still to come goes first: it lies on the cycle
    itself, never behind it.
    """
    by_name = {fold(table.name): table for table in tables}
    parents = {name: _parents(table, by_name.keys()) for name, table in by_name.items()}
    waiting = sorted(by_name)
    ordered: list[str] = []
    while waiting:
        ready = next((name for name in waiting if not parents[name]), None)
        chosen = ready or min(waiting, key=lambda name: (len(_ancestors(name, parents) | {name}), name))
        ordered.append(chosen)
        waiting.remove(chosen)
        for name in waiting:
            parents[name].discard(chosen)
    return tuple(by_name[name] for name in ordered)


def _parents(table: Table, known: Iterable[str]) -> set[str]:
    return {fold(foreign.parent) for foreign in table.foreign_keys} & set(known) - {fold(table.name)}


def _ancestors(name: str, parents: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(parents[name])
    while ahead:
        parent = ahead.pop()
        if parent not in found:
            found.add(parent)
            ahead.extend(parents[parent])
    return found
