"""References whose values follow their parent rows, and references that the old schema did not guarantee."""

from __future__ import annotations

from collections.abc import Iterable

from hotmig.catalog.affinity import column_affinity
from hotmig.catalog.keys import primary_key_names
from hotmig.catalog.model import ForeignKey
from hotmig.planning.mapping import Draft
from hotmig.planning.model import Translation
from hotmig.schema.model import Orphans
from hotmig.sqlite import fold

Moved = frozenset[tuple[str, str]]  # (new table, new column) in lower case: columns that translations fill


class References:
    """All drafts together. ``moved`` are the columns whose value follows a parent row."""

    def __init__(self, drafts: Iterable[Draft]) -> None:
        self._drafts = {fold(draft.table.name): draft for draft in drafts}
        self.moved: Moved = frozenset()
        while True:
            # A key that contains a translated reference is itself translated in its children, and so on.
            moved = frozenset(self._moved_now())
            if moved == self.moved:
                break
            self.moved = moved

    def translations(self, draft: Draft) -> tuple[Translation, ...]:
        """The translations of one table; a column of two references follows the one with fewer columns."""
        found: list[Translation] = []
        taken: set[str] = set()
        for foreign in ordered(draft.table.foreign_keys):
            translation = self._translation(draft, foreign, taken)
            if translation is not None:
                found.append(translation)
                taken |= {fold(target) for target in translation.targets}
        return tuple(found)

    def not_guaranteed(self, draft: Draft) -> tuple[ForeignKey, ...]:
        """The new foreign keys that the old schema did not declare over the same, unchanged columns."""
        return tuple(foreign for foreign in ordered(draft.table.foreign_keys) if not self._guaranteed(draft, foreign))

    def parent_columns(self, draft: Draft, foreign: ForeignKey) -> tuple[str, ...] | None:
        """The old parent columns that the old child columns referred to, one for each of these.

        By the old foreign key; where none was declared, what the new one refers to, or else the parent's old key.
        None: not known.
        """
        parent = self._drafts.get(fold(foreign.parent))
        children = self._children(draft, foreign)
        if draft.source is None or children is None or parent is None or parent.source is None:
            return None
        declared = declared_reference(draft.source.foreign_keys, children, parent.source.name)
        if declared is not None:
            return _spelled(parent, declared)
        copied = [parent.copies(name) for name in foreign.parent_columns if self.is_copy(parent, name)]
        if copied and len(copied) == len(foreign.columns) == len(children):
            return tuple(column.name for column in copied if column is not None)
        key = primary_key_names(parent.source) or (parent.source_key.columns if parent.source_key else ())
        return _paired(children, key)

    def _children(self, draft: Draft, foreign: ForeignKey) -> tuple[str, ...] | None:
        alone = self._alone(draft, foreign)
        return (alone,) if alone is not None else old_columns(draft, foreign)

    def _targets(self, draft: Draft, foreign: ForeignKey) -> tuple[str, ...]:
        """The columns of a new foreign key that follow the old reference.

        All of them; but beside the one old column that was it, those that have other old values keep these.
        """
        alone = self._alone(draft, foreign)
        if alone is None:
            return foreign.columns
        fills = [(name, draft.fill(name)) for name in foreign.columns]
        return tuple(name for name, fill in fills if fill and (fill.is_empty or (fill.old and fill.old.name == alone)))

    def _alone(self, draft: Draft, foreign: ForeignKey) -> str | None:
        """The old column that alone referred to the parent, where several columns refer to it now."""
        parent = self._drafts.get(fold(foreign.parent))
        if draft.source is None or parent is None or parent.source is None or len(foreign.columns) == 1:
            return None
        fills = [draft.fill(name) for name in foreign.columns]
        olds = [fill.old.name if fill is not None and fill.old is not None else None for fill in fills]
        if None not in olds and len(set(olds)) == 1:
            return olds[0]
        found: set[str] = set()
        for name, theirs in zip(olds, foreign.parent_columns, strict=False):
            kept = parent.copies(theirs)
            declared = declared_reference(draft.source.foreign_keys, (name or "",), parent.source.name)
            if name is not None and declared and (kept is None or fold(kept.name) != fold(declared[0])):
                found.add(name)
        return found.pop() if len(found) == 1 else None

    def is_copy(self, draft: Draft, name: str) -> bool:
        """Whether the new column keeps every value of an old one."""
        return draft.copies(name) is not None and (fold(draft.table.name), fold(name)) not in self.moved

    def _moved_now(self) -> Iterable[tuple[str, str]]:
        yield from self.moved
        for draft in self._drafts.values():
            for foreign in draft.table.foreign_keys:
                if self._needed(draft, foreign):
                    yield from ((fold(draft.table.name), fold(name)) for name in self._targets(draft, foreign))

    def _needed(self, draft: Draft, foreign: ForeignKey) -> bool:
        parent = self._drafts.get(fold(foreign.parent))
        if parent is None or self.parent_columns(draft, foreign) is None:
            return False
        if parent.loses_rows:
            return True
        if not self._same_values(draft, parent, foreign):
            return True
        # Orphans of a reference that is new become NULL where that is declared, and only translating does so.
        return _orphans(draft, foreign) == "null" and not self._is_declared(draft, parent, foreign)

    def _same_values(self, draft: Draft, parent: Draft, foreign: ForeignKey) -> bool:
        """Whether the old child's values are those by which the new parent is found."""
        if not foreign.parent_columns or not all(self.is_copy(parent, name) for name in foreign.parent_columns):
            return False
        children = self._children(draft, foreign)
        if draft.source is None or children is None or parent.source is None or len(children) != len(foreign.columns):
            return False
        declared = declared_reference(draft.source.foreign_keys, children, parent.source.name)
        if declared is None:
            return True
        copied = [parent.copies(name) for name in foreign.parent_columns]
        return [fold(column.name) for column in copied if column] == [fold(name) for name in declared]

    def _is_declared(self, draft: Draft, parent: Draft, foreign: ForeignKey) -> bool:
        children = self._children(draft, foreign)
        if draft.source is None or parent.source is None or children is None:
            return False
        return declared_reference(draft.source.foreign_keys, children, parent.source.name) is not None

    def _translation(self, draft: Draft, foreign: ForeignKey, taken: set[str]) -> Translation | None:
        parent = self._drafts.get(fold(foreign.parent))
        children = self._children(draft, foreign)
        parent_columns = self.parent_columns(draft, foreign)
        if parent is None or parent.source is None or children is None or parent_columns is None:
            return None
        if not self._needed(draft, foreign):
            return None
        pairs = list(zip(foreign.columns, foreign.parent_columns, strict=True))
        followers = self._targets(draft, foreign)
        free = [(target, value) for target, value in pairs if target in followers and fold(target) not in taken]
        if not free:
            return None
        return Translation(
            children,
            parent.table.name,
            parent.source.name,
            parent_columns,
            tuple(value for _, value in free),
            tuple(target for target, _ in free),
            _orphans(draft, foreign),
            self._beside(draft, parent, foreign, followers),
        )

    def _beside(
        self, draft: Draft, parent: Draft, foreign: ForeignKey, followers: tuple[str, ...]
    ) -> tuple[tuple[str, str], ...]:
        """The columns of a new foreign key that do not follow the old reference, each with the one it refers to."""
        pairs = zip(foreign.columns, foreign.parent_columns, strict=True)
        filled = ((ours, theirs) for ours, theirs in pairs if draft.fill(ours) and parent.fill(theirs))
        return tuple((ours, theirs) for ours, theirs in filled if ours not in followers)

    def _guaranteed(self, draft: Draft, foreign: ForeignKey) -> bool:
        parent = self._drafts.get(fold(foreign.parent))
        children = self._children(draft, foreign)
        if draft.source is None or parent is None or parent.source is None or children is None:
            return False
        if not all(self.is_copy(draft, name) for name in foreign.columns):
            return False
        declared = declared_reference(draft.source.foreign_keys, children, parent.source.name)
        return declared is not None and self._same_values(draft, parent, foreign) and _compares_alike(parent, foreign)


def _paired(children: tuple[str, ...], key: tuple[str, ...]) -> tuple[str, ...] | None:
    """The columns of an old key, each for the child's of its name; several that have other names are not guessed at."""
    if len(key) != len(children):
        return None
    by_name = {fold(name): name for name in key}
    named = tuple(by_name[fold(child)] for child in children if fold(child) in by_name)
    if len(named) == len(children):
        return named
    return key if len(key) == 1 else None


def _compares_alike(parent: Draft, foreign: ForeignKey) -> bool:
    """Whether the parent's columns find their children as before: by their affinity and their collation."""
    for name in foreign.parent_columns:
        old, new = parent.copies(name), parent.table.column(name)
        if parent.source is None or old is None or new is None or fold(old.collation) != fold(new.collation):
            return False
        if column_affinity(parent.source, old) != column_affinity(parent.table, new):
            return False
    return True


def ordered(foreign_keys: Iterable[ForeignKey]) -> list[ForeignKey]:
    """Foreign keys with few columns first, then by name: independent of the order of declarations."""
    return sorted(foreign_keys, key=lambda foreign: (len(foreign.columns), foreign.columns, fold(foreign.parent)))


def old_columns(draft: Draft, foreign: ForeignKey) -> tuple[str, ...] | None:
    """The old columns that the columns of a new foreign key come from.

    One for each that is a plain old column, or all that together were the reference; None for anything else.
    """
    fills = [draft.fill(name) for name in foreign.columns]
    together = {fill.together if fill is not None else () for fill in fills}
    if len(together) == 1 and together != {()}:
        return tuple(column.name for column in together.pop())
    names = tuple(fill.old.name for fill in fills if fill is not None and fill.old is not None)
    return names if len(names) == len(foreign.columns) else None


def declared_reference(
    foreign_keys: Iterable[ForeignKey], children: tuple[str, ...], parent: str
) -> tuple[str, ...] | None:
    """The columns of ``parent`` that an old foreign key pairs with ``children``, in their order."""
    wanted = [fold(name) for name in children]
    for foreign in ordered(foreign_keys):
        pairs = {fold(child): name for child, name in zip(foreign.columns, foreign.parent_columns, strict=False)}
        same_columns = len(foreign.columns) == len(wanted) and sorted(pairs) == sorted(wanted)
        if fold(foreign.parent) == fold(parent) and same_columns:
            return tuple(pairs[name] for name in wanted)
    return None


def _spelled(parent: Draft, names: tuple[str, ...]) -> tuple[str, ...] | None:
    columns = [parent.source.column(name) for name in names] if parent.source else []
    found = tuple(column.name for column in columns if column is not None)
    return found if len(found) == len(names) else None


def _orphans(draft: Draft, foreign: ForeignKey) -> Orphans:
    rules = [draft.rules.column(name) for name in foreign.columns] if draft.rules else []
    return "null" if any(rule is not None and rule.orphans == "null" for rule in rules) else "refuse"
