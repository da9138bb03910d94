"""Where the values of a field's columns come from, as its ``Was`` or ``From`` says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hotmig.errors import HotmigError
from hotmig.schema.fields import Field
from hotmig.schema.markers import From, References, Was
from hotmig.schema.places import wrong
from hotmig.schema.terms import fragment
from hotmig.sqlite import fold
from hotmig.units import counted


@dataclass(frozen=True)
class Origin:
    """Of one column: its old name, the old columns that ``together`` were the reference, or SQL over the old row."""

    was: str | None = None
    together: tuple[str, ...] = ()
    source: str | None = None


def origin_of(field: Field) -> Origin:
    """Of a field that is one column. Several names need a foreign key to be followed by."""
    names, sources = _said(field)
    if len(names) > 1 and not field.all(References):
        raise wrong(
            field.spot,
            f"Was of {field.name} has {len(names)} names, and {field.name} is no reference",
            'keep one of them, or write From("…") over these columns',
        )
    if field.one(Was) and not names:
        raise needs_one(field, "Was")
    if field.one(From) and len(sources) != 1:
        raise needs_one(field, "From")
    is_one = len(names) == 1
    return Origin(names[0] if is_one else None, () if is_one else names, sources[0] if sources else None)


def origins_of(field: Field, targets: Sequence[str]) -> tuple[Origin, ...]:
    """Of a field whose annotation is a table class: one for each column that it refers to.

    Names that are more or fewer than these columns were one reference: all of its columns follow it.
    """
    names, sources = _said(field)
    together = names if len(names) != len(targets) else ()
    if field.one(Was) and not together:
        require_as_many(field, "Was", names, targets)
    if field.one(From):
        require_as_many(field, "From", sources, targets)
    was = names if names and not together else (None,) * len(targets)
    return tuple(
        Origin(old, together, source) for old, source in zip(was, sources or (None,) * len(targets), strict=True)
    )


def require_as_many(field: Field, marker: str, given: Sequence[str], targets: Sequence[str]) -> None:
    """Raises SchemaError unless the marker has an entry for each column of the reference."""
    if len(given) != len(targets):
        raise wrong(
            field.spot,
            f"{marker} of {field.name} has {counted(len(given), 'entry', 'entries')},"
            f" and the reference {counted(len(targets), 'column')}",
            f"give one for each of {', '.join(targets)}",
        )


def needs_one(field: Field, marker: str) -> HotmigError:
    """The error for a marker with too many or too few entries."""
    return wrong(field.spot, f"{marker} of {field.name} needs one entry", f'write {marker}("…")')


def _said(field: Field) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The names of the Was and the SQL of the From, of which there may be one."""
    was, sources = field.one(Was), field.one(From)
    if was and sources:
        first = f'From("{was.names[0]}") alone says where it comes from' if len(was.names) == 1 else "keep one"
        raise wrong(field.spot, f"{field.name} has both Was and From", first)
    names = was.names if was else ()
    if len({fold(name) for name in names}) < len(names):
        raise wrong(field.spot, f"Was of {field.name} names a column twice", "name each old column once")
    return names, tuple(fragment(source, field.spot) for source in (sources.sources if sources else ()))
