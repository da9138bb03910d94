"""The fields of a class, with their annotations resolved and their markers sorted."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from hotmig.errors import SchemaError
from hotmig.schema.declare import AUTO, auto
from hotmig.schema.markers import (
    Collate,
    Column,
    ColumnType,
    Default,
    ForeignKey,
    From,
    Generated,
    Index,
    Key,
    Mapped,
    Marker,
    NotNull,
    References,
    Unique,
    Was,
)
from hotmig.schema.places import Sources, Spot, wrong
from hotmig.schema.raised import name_hint
from hotmig.schema.types import take_apart

M = TypeVar("M", bound=Marker)

_ONCE: tuple[type[Marker], ...] = (Column, ColumnType, NotNull, Key, Default, Generated, Collate, Was, From, Mapped)
_WITHOUT_ARGUMENTS: tuple[type[Marker], ...] = (Key, Unique, Index, NotNull, References)
REQUIRED = dataclasses.MISSING


@dataclass(frozen=True, eq=False)
class Field:
    """``core`` is the annotation without Annotated and None; ``default`` a value, AUTO, or REQUIRED."""

    name: str
    core: Any
    nullable: bool
    markers: tuple[Marker, ...]
    default: object
    spot: Spot

    def all(self, kind: type[M]) -> tuple[M, ...]:
        """The markers of one kind, in the order in which they stand."""
        return tuple(marker for marker in self.markers if isinstance(marker, kind))

    def one(self, kind: type[M]) -> M | None:
        """The marker of a kind that can be given once."""
        return next(iter(self.all(kind)), None)


def fields_of(cls: type, spot: Spot, sources: Sources) -> tuple[Field, ...]:
    """The fields in their order, inherited ones first. Raises SchemaError with the field's own line."""
    annotations = _Annotations(cls)
    fields = tuple(
        _field(annotations, field, sources.of_field(cls, field.name, spot)) for field in dataclasses.fields(cls)
    )
    _require_no_stray_marker(cls, fields)
    return fields


def _field(annotations: _Annotations, field: dataclasses.Field[Any], spot: Spot) -> Field:
    annotation = take_apart(annotations.resolved(field.name, spot))
    _require_markers_beside_type(field, annotation.core, spot)
    markers = tuple(_marker(entry, spot) for entry in annotation.metadata if _is_marker(entry))
    for kind in _ONCE:
        if sum(isinstance(marker, kind) for marker in markers) > 1:
            raise wrong(spot, f"{field.name} has {kind.__name__} twice", "keep one of the two")
    if field.default_factory is not dataclasses.MISSING:
        raise wrong(
            spot,
            f"the default_factory of {field.name} is Python, and a column's default is SQL",
            "write a literal, or = auto() with Default(sql=…)",
        )
    return Field(field.name, annotation.core, annotation.nullable, markers, field.default, spot)


def _require_markers_beside_type(field: dataclasses.Field[Any], core: object, spot: Spot) -> None:
    """A marker after ``=`` or in place of the type would be a value like any other for Python."""
    for place, found in (("as its default value", field.default), ("in place of its type", core)):
        if _is_marker(found):
            kind = _kind(found)
            made = " = auto()" if issubclass(kind, Default | Generated) else ""
            raise wrong(
                spot,
                f"{field.name} has the marker {kind.__name__} {place}",
                f"write {field.name}: Annotated[…, {kind.__name__}{_dots(kind)}]{made}, with the type first",
            )
    if field.default is auto:
        raise wrong(spot, f"{field.name} = auto is the function itself", "write = auto()")


def _require_no_stray_marker(cls: type, fields: Sequence[Field]) -> None:
    """``x = Check("x > 0")`` has no annotation: it would be dropped in silence."""
    used = {id(marker) for field in fields for marker in field.markers}
    for name, found in vars(cls).items():
        if isinstance(found, Marker) and id(found) not in used and name not in {field.name for field in fields}:
            kind = type(found)
            raise wrong(
                found.spot,
                f"{name} = {kind.__name__}{_dots(kind)} has no annotation, so {name} is no column",
                f"write {name}: Annotated[…, {kind.__name__}{_dots(kind)}], with the type first",
            )


def _kind(marker: object) -> type:
    return marker if isinstance(marker, type) else type(marker)


def _dots(kind: type) -> str:
    return "" if kind in _WITHOUT_ARGUMENTS else "(…)"


class _Annotations:
    """The annotations of a class and of its bases, each evaluated where its class stands."""

    def __init__(self, cls: type) -> None:
        self._cls = cls

    def resolved(self, name: str, spot: Spot) -> Any:
        """One annotation: one by one, so that a mistake has its line."""

        def holder() -> None: ...

        try:
            annotation, names = self._found[name]
            holder.__annotations__ = {name: annotation}
            return typing.get_type_hints(holder, names, include_extras=True)[name]
        except SchemaError:
            raise
        except Exception as error:
            raise wrong(
                spot,
                f"the annotation of {name} can't be evaluated: {type(error).__name__}: {error}",
                _hint(error),
            ) from error

    @cached_property
    def _found(self) -> dict[str, tuple[Any, dict[str, Any]]]:
        """Field → its annotation, and the names that it sees. Once for all fields: a table can have 2,000."""
        found: dict[str, tuple[Any, dict[str, Any]]] = {}
        for base in reversed(self._cls.__mro__):
            annotations = inspect.get_annotations(base)
            if annotations:
                names = dict(vars(sys.modules[base.__module__]))
                # Only classes: a field ``date: date = auto()`` must not hide the type of the same name.
                names |= {key: value for key, value in vars(base).items() if isinstance(value, type)}
                found |= {name: (annotation, names) for name, annotation in annotations.items()}
        return found


def _hint(error: Exception) -> str:
    if isinstance(error, TypeError):
        return "correct the annotation"
    return name_hint(error) or "import or define every name in it at the top level of the module"


def _is_marker(entry: object) -> bool:
    return isinstance(entry, Marker) or (isinstance(entry, type) and issubclass(entry, Marker))


def _marker(entry: object, spot: Spot) -> Marker:
    marker: object = entry
    if isinstance(entry, type):
        if entry not in _WITHOUT_ARGUMENTS:
            raise wrong(spot, f"{entry.__name__} needs an argument", f"write {entry.__name__}(…)")
        marker = entry()
    if isinstance(marker, ForeignKey):
        raise wrong(
            spot, "ForeignKey belongs to the table", "write References(…) here, or @table(foreign_keys=[ForeignKey(…)])"
        )
    if isinstance(entry, Key | Unique) and entry.columns:
        raise wrong(
            spot,
            f"{type(entry).__name__} with columns belongs to the table",
            "write it in @table(key=…) or @table(unique=[…])",
        )
    assert isinstance(marker, Marker)
    return marker


def is_auto(field: Field) -> bool:
    """Whether the field is left to SQLite."""
    return field.default is AUTO
