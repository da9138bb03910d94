"""The numbered Python functions of a schema module, and the marks of an earlier tool that it takes over: judged."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from hotmig.errors import SchemaError
from hotmig.schema.declare import AdoptDeclaration, DataMigrationDeclaration, Registry
from hotmig.schema.model import AdoptedMarks, DataMigration, Place, has_half_a_pair
from hotmig.schema.places import Spot, wrong

NAME = re.compile(r"[0-9]{3}_[a-z0-9]+(?:_[a-z0-9]+)*")
MOMENTS = ("cutover", "after")


def data_migrations(registry: Registry) -> tuple[DataMigration, ...]:
    """The module's data migrations in their order. Raises SchemaError: for the form, then duplicates, then gaps."""
    declared = registry.data_migrations
    for each in declared:
        _require_form(each)
    _require_distinct(declared)
    ordered = sorted(declared, key=lambda each: each.name)
    _require_no_gap(ordered)
    return tuple(
        DataMigration(each.name, each.when, tuple(each.formerly), _place(each.spot), each.function) for each in ordered
    )


def adopted_marks(registry: Registry) -> AdoptedMarks | None:
    """Where the marks of an earlier tool are. Raises SchemaError for two places, and for what are no names."""
    declared: Sequence[AdoptDeclaration] = registry.adopted
    for each in declared:
        for text in (each.table, each.name, each.applied):
            if not _can_be_a_name(text):
                raise wrong(
                    each.spot,
                    f"adopt_marks() takes names of the old database, not {text!r}",
                    'write adopt_marks("table", name="column", applied="column")',
                )
    if len(declared) > 1:
        raise wrong(
            declared[1].spot,
            f"adopt_marks() is there twice: the other is in {_other(declared[1].spot, declared[0].spot)}",
            "keep the one of the tool that was used last",
        )
    return AdoptedMarks(declared[0].table, declared[0].name, declared[0].applied) if declared else None


def _can_be_a_name(text: object) -> bool:
    """SQLite takes no NUL in one, and no database holds half of a surrogate pair."""
    return isinstance(text, str) and bool(text) and "\0" not in text and not has_half_a_pair(text)


def _require_form(each: DataMigrationDeclaration) -> None:
    if not isinstance(each.name, str) or NAME.fullmatch(each.name) is None:
        raise wrong(
            each.spot,
            f"{each.name!r} is no name of a data migration",
            'three digits, then what it does in lower case: "001_backfill_order_totals"',
        )
    if each.when not in MOMENTS:
        raise wrong(
            each.spot,
            f"when={each.when!r} of {each.name} is no moment of a migration",
            'write when="cutover" (while writes are paused) or when="after" (once the new database is in service)',
        )
    former = each.formerly
    listed = isinstance(former, Sequence) and not isinstance(former, str)
    if not listed or not all(map(_can_be_a_name, former)):
        raise wrong(
            each.spot,
            f"formerly= of {each.name} takes the names that it had, not {former!r}",
            'write formerly=("name",)',
        )
    _require_function(each)


def _require_function(each: DataMigrationDeclaration) -> None:
    """What would only fail, or do nothing at all, when it is run while writes are paused."""
    function = each.function
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        kind = "a generator" if inspect.isgeneratorfunction(function) else "a coroutine"
        raise wrong(each.spot, f"{each.name} is {kind}: called, it does nothing", "write a plain function")
    try:
        inspect.signature(function).bind(None)
    except TypeError:
        raise wrong(
            each.spot,
            f"{each.name} can't be called with the connection alone",
            "write def name(db: sqlite3.Connection) -> None",
        ) from None


def _require_distinct(declared: Iterable[DataMigrationDeclaration]) -> None:
    numbers: dict[str, DataMigrationDeclaration] = {}
    for each in declared:
        other = numbers.setdefault(each.name[:3], each)
        if other is not each:
            raise _taken(each, f"data migration {each.name}", other)
    names = {each.name: each for each in declared}
    for each in declared:
        for former in each.formerly:
            other = names.setdefault(former, each)
            if other is not each or former == each.name:
                raise _taken(each, f"{former!r}, which {each.name} was called formerly,", other)


def _taken(each: DataMigrationDeclaration, what: str, other: DataMigrationDeclaration) -> SchemaError:
    return wrong(
        each.spot,
        f"{what} is there twice: {other.name} in {_other(each.spot, other.spot)} is the other",
        "give each data migration a number and names of its own",
    )


def _require_no_gap(ordered: Sequence[DataMigrationDeclaration]) -> None:
    for number, each in enumerate(ordered, 1):
        if each.name[:3] != f"{number:03}":
            raise wrong(
                each.spot,
                f"data migration {number:03} is missing before {each.name}",
                "number them from 001 on, without a gap; keep those that were applied long ago",
            )


def _other(here: Spot, there: Spot) -> str:
    return f"line {there.line}" if here.file == there.file else f"{there.file}:{there.line}"


def _place(spot: Spot) -> Place:
    return Place(Path(spot.file), spot.line)
