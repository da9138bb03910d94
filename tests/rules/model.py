"""The rules for rows that become one, in plain Python: what the new database has to hold for these old rows.

It shares nothing with the product, and knows one pair of tables: ``parent`` and its ``child``. A key of several columns
is a tuple, and so is what refers to it; in that some parts can be None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any

ALIASES = {"sun": ["Sol", "helios", "SUN"], "moon": ["luna"], "Ärger": ["ÄRGER2"]}
WORDS = {"a": ["alpha"], "x": ["Xen", "ks"]}  # of Mapped columns
BLANKS = " \t\n\r\f\v"


@dataclass(frozen=True)
class Parent:
    id: Any
    name: str | None
    rank: int | None
    weight: float | None
    note: str | None
    made: bool = False


@dataclass(frozen=True)
class Child:
    id: Any
    parent: Any
    cat: str | None
    val: str | None
    st: str
    ts: int
    is_renamed: bool = False


@dataclass(frozen=True)
class Rules:
    """Which declarations the new module makes."""

    parent: str  # plain, merge, create, drop, keep
    child: str  # plain, drop, collide, keep
    key: str  # integer, text, nocase, new, pair
    is_mapped: bool = False  # the parent's note and the child's cat
    made: str = "exact"  # number, text: how a made row's numbers are given
    is_partly: bool = False  # whether some references of two parts have only one


@dataclass(frozen=True)
class Expected:
    """Rows with the type of each value, for 0 is not 0.0; and where the parents that are gone have gone to."""

    parents: frozenset[Any]
    children: frozenset[Any]
    moved: frozenset[tuple[Any, Any]]

    @classmethod
    def of(cls, parents: Iterable[Any], children: Iterable[Any], moved: dict[Any, Any]) -> Expected:
        return cls(_typed(parents), _typed(children), frozenset(moved.items()))


def _typed(rows: Iterable[Any]) -> frozenset[Any]:
    return frozenset(tuple((type(value).__name__, value) for value in row) for row in rows)


class Collision(Exception):
    """Nothing says which of these rows is to stay."""


def expected(rules: Rules, parents: Iterable[Parent], children: Iterable[Child]) -> Expected:
    """Raises Collision where the migration has to be refused."""
    if rules.is_mapped:
        parents = [replace(p, note=_mapped(WORDS, p.note) or p.note) for p in parents]
        named = [(c, _mapped(WORDS, c.cat) or c.cat) for c in children]
        children = [replace(c, cat=cat, is_renamed=cat != c.cat) for c, cat in named]
    stay, moved = _parents(rules, list(parents))
    kept = _children(rules, list(children), moved)
    return Expected.of(
        ((("made", p.name) if p.made else p.id, p.name, p.rank, p.weight, p.note) for p in stay),
        ((c.id, c.parent, c.cat, c.val, c.st, c.ts) for c in kept),
        moved,
    )


def is_whole(reference: Any) -> bool:
    """Whether it refers to a row: with a part that is None it refers to nothing, and follows nobody."""
    return None not in reference if isinstance(reference, tuple) else reference is not None


def _mapped(mapping: dict[str, list[str]], value: str | None) -> str | None:
    """The canonical value that a spelling stands for, or None."""
    spelled = {name.casefold(): canonical for canonical, names in mapping.items() for name in (canonical, *names)}
    return None if value is None else spelled.get(value.strip(BLANKS).casefold())


def _parents(rules: Rules, parents: list[Parent]) -> tuple[list[Parent], dict[Any, Any]]:
    """Those that stay, and old id → the identity of the row that it became one with."""
    if rules.parent in ("merge", "create"):
        return _merged(rules, parents)
    if rules.parent == "plain":
        return parents, {}
    groups = _grouped(parents, lambda p: None if p.name is None else _ascii_lower(p.name))
    stay, moved = [], {}
    for group in groups:
        winner, losers = _ranked(group, lambda p: (-(p.rank if p.rank is not None else -9),), _never, None)
        stay.append(winner)
        for loser in losers:
            if rules.parent == "keep" and loser.note != winner.note:
                stay.append(replace(loser, rank=0))
            else:
                moved[loser.id] = winner.id
    return stay, moved


def _merged(rules: Rules, parents: list[Parent]) -> tuple[list[Parent], dict[Any, Any]]:
    groups: dict[str, list[Parent]] = defaultdict(list)
    stay, moved = [], {}
    for parent in parents:
        canonical = _mapped(ALIASES, parent.name)
        if canonical is None:
            stay.append(parent)
        else:
            groups[canonical].append(parent)
    for canonical, group in groups.items():
        exact = [p for p in group if p.name == canonical]
        alike = [p for p in group if str(p.name).strip(BLANKS).casefold() == canonical.casefold()]
        claims = exact or alike
        if len(claims) > 1 or (not claims and rules.parent == "merge"):
            raise Collision(*group)
        winner = claims[0] if claims else Parent(None, canonical, 0, 0.0, "made", made=True)
        stay.append(replace(winner, name=canonical))
        for loser in group:
            if loser is not winner:
                moved[loser.id] = ("made", canonical) if winner.made else winner.id
    return stay, moved


def _children(rules: Rules, children: list[Child], moved: dict[Any, Any]) -> list[Child]:
    """Each with the parent that it has in the end."""
    now = {c.id: moved.get(c.parent, c.parent) for c in children}
    canonical = {c.id: c.parent not in moved and not c.is_renamed for c in children}

    def carried(child: Child, **changes: Any) -> Child:
        touched = rules.parent in ("merge", "create") and child.parent in moved
        return replace(child, **{"parent": now[child.id], "ts": -1 if touched else child.ts, **changes})

    if rules.child == "plain":
        return [carried(c) for c in children]
    groups = _grouped(children, lambda c: (now[c.id], c.cat) if is_whole(now[c.id]) and c.cat is not None else None)
    stay = []
    for group in groups:
        if rules.child == "keep":
            winner, losers = _ranked(group, lambda c: (-c.ts,), _never, None)
            stay += [carried(winner), *(carried(c, st="old") for c in losers)]
        else:
            collide = (lambda c: c.st == "on") if rules.child == "collide" else _never
            best = lambda c: (c.st != "on", not canonical[c.id], -c.ts, c.id)  # noqa: E731
            winner, _ = _ranked(group, best, collide, lambda c: c.val)
            stay.append(carried(winner))
    return stay


def _never(_row: Any) -> bool:
    return False


def _grouped(rows: list[Any], key: Callable[[Any], Hashable]) -> list[list[Any]]:
    groups: dict[Hashable, list[Any]] = {}
    for number, row in enumerate(rows):
        found = key(row)
        groups.setdefault(("alone", number) if found is None else found, []).append(row)
    return list(groups.values())


def _ranked(
    group: list[Any],
    order: Callable[[Any], Any],
    collide: Callable[[Any], bool],
    compare: Callable[[Any], Any] | None,
) -> tuple[Any, list[Any]]:
    ranked = sorted(group, key=order)
    if len(ranked) > 1 and order(ranked[0]) == order(ranked[1]):
        raise Collision(*group)
    if compare is not None and len({compare(row) for row in group if collide(row)}) > 1:
        raise Collision(*group)
    return ranked[0], ranked[1:]


def _ascii_lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)
