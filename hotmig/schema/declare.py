"""The decorators and calls of a schema module. They note what is declared; nothing is judged before it is loaded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, dataclass_transform, overload

from hotmig.schema.markers import Check, ForeignKey, Index, Key, Unique
from hotmig.schema.places import Spot, caller, wrong
from hotmig.schema.rules import Duplicates, Merge

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., object])
Columns = str | Sequence[str]


class Auto:
    """The value of a field that is left to SQLite."""

    def __repr__(self) -> str:
        return "auto()"


AUTO = Auto()


@dataclass(frozen=True, eq=False)
class TableDeclaration:
    cls: type
    name: str
    spot: Spot
    was: str | None
    key: Columns | Key
    unique: Sequence[Columns | Unique]
    indexes: Sequence[str | Index]
    checks: Sequence[str | Check]
    foreign_keys: Sequence[ForeignKey]
    strict: bool
    without_rowid: bool
    duplicates: Duplicates | None = None
    merge: Merge | None = None


@dataclass(frozen=True, eq=False)
class ViewDeclaration:
    cls: type
    name: str
    spot: Spot
    joins: Sequence[tuple[type, type]]
    sql: str | None
    unchecked: bool


@dataclass(frozen=True)
class Statement:
    sql: str
    spot: Spot
    on_replay: bool = False
    unchecked: bool = False


@dataclass(frozen=True)
class DroppedDeclaration:
    table: str
    column: str | None
    spot: Spot


@dataclass(frozen=True)
class SeedDeclaration:
    rows: Sequence[object]
    if_absent: bool
    spot: Spot


@dataclass(frozen=True, eq=False)
class DataMigrationDeclaration:
    name: str
    formerly: Sequence[str]
    when: Literal["cutover", "after"]
    function: Callable[..., object]
    spot: Spot


@dataclass(frozen=True)
class AdoptDeclaration:
    table: str
    name: str
    applied: str
    spot: Spot


@dataclass(frozen=True)
class Made:
    """An instance of a table class that was made while the module ran, with the fields that were given."""

    row: object
    given: frozenset[str]
    spot: Spot


@dataclass
class Registry:
    """What was declared while one schema module, and what it imports, ran."""

    tables: list[TableDeclaration] = field(default_factory=list)
    views: list[ViewDeclaration] = field(default_factory=list)
    triggers: list[Statement] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)
    dropped: list[DroppedDeclaration] = field(default_factory=list)
    seeds: list[SeedDeclaration] = field(default_factory=list)
    data_migrations: list[DataMigrationDeclaration] = field(default_factory=list)
    adopted: list[AdoptDeclaration] = field(default_factory=list)
    made: dict[int, Made] = field(default_factory=dict)  # by id(): dataclasses with == have no hash


_registry: ContextVar[Registry | None] = ContextVar("hotmig_registry", default=None)


@contextmanager
def collecting() -> Iterator[Registry]:
    """Collects what is declared inside. Outside of it, as in an application, declarations are noted nowhere."""
    registry = Registry()
    token = _registry.set(registry)
    try:
        yield registry
    finally:
        _registry.reset(token)


def auto() -> Any:
    """The default of a field whose value SQLite makes: a key, a ``Default``, a ``Generated`` column."""
    # Keyword-only by itself: under a plain @dataclass a field without default may then follow.
    return dataclasses.field(default=AUTO, kw_only=True)


@overload
@dataclass_transform(kw_only_default=True)
def table(cls: type[T], /) -> type[T]: ...


@overload
@dataclass_transform(kw_only_default=True)
def table(
    name: str | None = None,
    /,
    *,
    was: str | None = None,
    key: Columns | Key = (),
    unique: Sequence[Columns | Unique] = (),
    indexes: Sequence[str | Index] = (),
    checks: Sequence[str | Check] = (),
    foreign_keys: Sequence[ForeignKey] = (),
    strict: bool = False,
    without_rowid: bool = False,
    duplicates: Duplicates | None = None,
    merge: Merge | None = None,
) -> Callable[[type[T]], type[T]]: ...


def table(
    name: Any = None,
    /,
    *,
    was: str | None = None,
    key: Columns | Key = (),
    unique: Sequence[Columns | Unique] = (),
    indexes: Sequence[str | Index] = (),
    checks: Sequence[str | Check] = (),
    foreign_keys: Sequence[ForeignKey] = (),
    strict: bool = False,
    without_rowid: bool = False,
    duplicates: Duplicates | None = None,
    merge: Merge | None = None,
) -> Any:
    """Declares a table, and makes the class a keyword-only dataclass if it isn't one.

    ``name`` is by default the class name in snake_case; ``was`` the table's name in the old database. Each entry of
    ``unique`` is a column or a group of columns.
    """
    spot = caller()
    if callable(name) and not isinstance(name, type):
        raise TypeError(f"@table stands above a class, not above {name!r}")
    _require_text("@table", name if not isinstance(name, type) else None, was)
    _require_text("key=", *(() if isinstance(key, Key) else [key] if isinstance(key, str) else key))
    for what, several in (("unique", unique), ("indexes", indexes), ("checks", checks), ("foreign_keys", foreign_keys)):
        if isinstance(several, str) or not isinstance(several, Sequence):
            raise TypeError(f"{what}= takes a list, not {several!r}")
    if not isinstance(duplicates, Duplicates | None) or not isinstance(merge, Merge | None):
        raise TypeError("duplicates= takes Duplicates(…), and merge= takes Merge(…)")

    def declare(cls: type[T]) -> type[T]:
        cls = _keyword_only(cls)
        named = snake_case(cls.__name__) if name is None or isinstance(name, type) else str(name)
        declaration = TableDeclaration(
            cls, named, spot, was, key, unique, indexes, checks, foreign_keys, strict, without_rowid, duplicates, merge
        )
        cls.__hotmig_table__ = declaration  # type: ignore[attr-defined]
        if registry := _registry.get():
            registry.tables.append(declaration)
        return cls

    return declare(name) if isinstance(name, type) else declare


@dataclass_transform(kw_only_default=True)
def view(
    name: str | None = None,
    /,
    *,
    joins: Sequence[tuple[type, type]] = (),
    sql: str | None = None,
    unchecked: bool = False,
) -> Callable[[type[T]], type[T]]:
    """Declares a view: ``joins`` of tables along their foreign keys, or the ``sql`` of its SELECT.

    The fields name the view's columns. With ``joins`` a field is the column of that name, or ``<table>_<column>``, of
    one of the joined tables, or what ``From`` says. All joins are inner joins. ``unchecked`` lets pass a SELECT over
    tables or columns that don't exist: SQLite takes such a view, and fails when it is read.
    """
    spot = caller()

    def declare(cls: type[T]) -> type[T]:
        cls = _keyword_only(cls)
        named = snake_case(cls.__name__) if name is None else name
        if registry := _registry.get():
            registry.views.append(ViewDeclaration(cls, named, spot, joins, sql, unchecked))
        return cls

    if isinstance(name, type):
        raise wrong(spot, "@view needs joins= or sql=", 'write @view(joins=[(Child, Parent)]) or @view(sql="SELECT …")')
    return declare


def trigger(sql: str, /, *, on_replay: bool = False, unchecked: bool = False) -> None:
    """Declares a trigger by its CREATE TRIGGER. With ``on_replay`` it also fires for rows that replay brings over.

    ``unchecked`` lets pass one that names what does not exist: SQLite takes it, and fails when it fires.
    """
    if registry := _registry.get():
        registry.triggers.append(Statement(sql, caller(), on_replay, unchecked))


def sql(statement: str, /) -> None:
    """Declares what has no marker, by its SQL: CREATE VIRTUAL TABLE."""
    if registry := _registry.get():
        registry.statements.append(Statement(statement, caller()))


def dropped(table: str, column: str | None = None, /) -> None:
    """Gives up data of the old database on purpose: a column, or a whole table."""
    if registry := _registry.get():
        registry.dropped.append(DroppedDeclaration(table, column, caller()))


def seed(rows: object, /, *, if_absent: bool = False) -> None:
    """Declares seed rows, one or a list. With ``if_absent`` an old row with the same key wins over the seed."""
    if registry := _registry.get():
        several = tuple(rows) if isinstance(rows, list | tuple) else (rows,)
        registry.seeds.append(SeedDeclaration(several, if_absent, caller()))


def data_migration(
    name: str, /, *, formerly: Sequence[str] = (), when: Literal["cutover", "after"] = "cutover"
) -> Callable[[F], F]:
    """Declares a numbered function over the new database, for what no column expression can say.

    ``when="cutover"`` runs it while writes are paused, ``when="after"`` once the new database is in service.
    ``formerly`` are names that it had: a database in which it was applied under one of them has it.
    """
    spot = caller()
    if callable(name):
        raise wrong(spot, "@data_migration needs a name", 'write @data_migration("001_what_it_does")')

    def declare(function: F) -> F:
        if registry := _registry.get():
            registry.data_migrations.append(DataMigrationDeclaration(name, formerly, when, function, spot))
        return function

    return declare


def adopt_marks(table: str, /, *, name: str, applied: str) -> None:
    """Takes over what an earlier tool noted in ``table``: which data migrations were applied, and when.

    ``name`` and ``applied`` are its columns; a row without a value in ``applied`` says nothing.
    """
    if registry := _registry.get():
        registry.adopted.append(AdoptDeclaration(table, name, applied, caller()))


def _require_text(what: str, *texts: object) -> None:
    for text in texts:
        if not isinstance(text, str | None):
            raise TypeError(f"{what} takes text, not {text!r}")


def _keyword_only(cls: type[T]) -> type[T]:
    if "__dataclass_fields__" not in cls.__dict__:
        cls = dataclasses.dataclass(kw_only=True)(cls)
    initialise: Callable[..., None] = cls.__init__

    def __init__(self: T, *unnamed: Any, **values: Any) -> None:  # noqa: N807
        if unnamed:
            raise TypeError(f"{cls.__name__} takes its fields by their names: {_with_names(cls)}")
        initialise(self, **values)
        if registry := _registry.get():
            given = frozenset(name for name, value in values.items() if value is not AUTO)
            registry.made[id(self)] = Made(self, given, caller())

    __init__.__wrapped__ = initialise  # type: ignore[attr-defined]
    cls.__init__ = __init__  # type: ignore[assignment, method-assign]
    return cls


def _with_names(cls: type) -> str:
    names = [f"{field.name}=…" for field in dataclasses.fields(cls)]
    return f"{cls.__name__}({', '.join(names[:3] + ['…'] * (len(names) > 3))})"


def snake_case(name: str) -> str:
    """``OrderLine`` → ``order_line``, ``HTTPLog2`` → ``http_log2``."""
    letters = []
    for at, letter in enumerate(name):
        before, after = name[at - 1 : at], name[at + 1 : at + 2]
        starts_word = letter.isupper() and before not in ("", "_") and (not before.isupper() or after.islower())
        letters.append("_" + letter if starts_word else letter)
    return "".join(letters).lower()
