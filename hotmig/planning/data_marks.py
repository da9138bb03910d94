"""Which data migrations a database has: what its marks, and the names that it knows, mean for a schema module."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # `status` reads marks, and mostly without the compiler.
    from hotmig.schema.model import DataMigration, Moment


@dataclass(frozen=True)
class Mark:
    """What a database notes of one data migration: applied, or skipped and why."""

    name: str
    applied_utc: str | None
    skipped_utc: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Known:
    """A data migration of the schema that a database was made with."""

    name: str
    when: Moment


def resolved(declared: Iterable[DataMigration], marks: Iterable[Mark]) -> dict[str, Mark]:
    """The mark of each declared migration that has one, under its present name.

    A mark under the present name stands; without one, the first former name that has a mark gives it.
    """
    found = {mark.name: mark for mark in marks}
    named = {each.name: _first(found, (each.name, *each.formerly)) for each in declared}
    return {name: replace(mark, name=name) for name, mark in named.items() if mark is not None}


def _first(found: Mapping[str, Mark], names: Iterable[str]) -> Mark | None:
    return next((found[name] for name in names if name in found), None)


def merged(own: Iterable[Mark], adopted: Iterable[Mark]) -> tuple[Mark, ...]:
    """A database's own marks, and those of an earlier tool. What was applied was applied, whoever noted it."""
    found = {mark.name: mark for mark in own}
    for mark in adopted:
        there = found.get(mark.name)
        if there is None or there.applied_utc is None:
            found[mark.name] = mark
    return tuple(found.values())


def pending(declared: Iterable[DataMigration], marks: Iterable[Mark]) -> tuple[DataMigration, ...]:
    """The migrations that are neither applied nor skipped, in their order."""
    declared = tuple(declared)
    done = resolved(declared, marks)
    return tuple(each for each in declared if each.name not in done)


def unknown(declared: Iterable[DataMigration], names: Iterable[str]) -> tuple[str, ...]:
    """The names that the module has never heard of: a newer version wrote them."""
    heard = {name for each in declared for name in (each.name, *each.formerly)}
    return tuple(sorted(set(names) - heard))


def all_known(declared: Iterable[DataMigration], names: Iterable[str]) -> bool:
    """Whether a database has been made with every one of the migrations: none of them asks for a new database."""
    there = set(names)
    return all(there & {each.name, *each.formerly} for each in declared)


def still_pending(known: Sequence[Known], marks: Iterable[Mark]) -> tuple[Known, ...]:
    """The same as ``pending``, by what the database itself knows of its schema."""
    done = {mark.name for mark in marks}
    return tuple(each for each in known if each.name not in done)
